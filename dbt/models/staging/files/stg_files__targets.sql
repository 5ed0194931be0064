{{ stage_entity('targets', [as_delivered('targets')]) }}
