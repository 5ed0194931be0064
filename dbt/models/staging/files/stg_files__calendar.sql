{{ stage_entity('calendar', [as_delivered('calendar')]) }}
