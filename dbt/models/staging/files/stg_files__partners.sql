{{ stage_entity('partners', [as_delivered('partners')]) }}
