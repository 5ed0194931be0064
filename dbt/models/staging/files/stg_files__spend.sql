{{ stage_entity('spend', [as_delivered('spend')]) }}
