{{ stage_entity('activities', [as_delivered('activities')]) }}
