{{ stage_entity('subscriptions', [as_delivered('subscriptions')]) }}
