{{ stage_entity('stages', [as_delivered('stages')]) }}
