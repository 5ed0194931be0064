{{ stage_entity('deals', [as_delivered('deals')]) }}
