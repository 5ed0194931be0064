{{ stage_entity('deal_changes', [as_delivered('deal_changes')]) }}
