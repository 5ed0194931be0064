{{ stage_entity('deal_splits', [as_delivered('deal_splits')]) }}
