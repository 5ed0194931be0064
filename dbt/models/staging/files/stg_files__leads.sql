{{ stage_entity('leads', [as_delivered('leads')]) }}
