{{ stage_entity('customers', [as_delivered('customers')]) }}
