{{ stage_entity('payments', [as_delivered('payments')]) }}
