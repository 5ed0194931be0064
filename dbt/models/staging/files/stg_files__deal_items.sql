{{ stage_entity('deal_items', [as_delivered('deal_items')]) }}
