{{ stage_entity('deal_stages', [as_delivered('deal_stages')]) }}
