{{ stage_entity('managers', [as_delivered('managers')]) }}
