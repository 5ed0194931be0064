-- The history where it is delivered; and each delivered deal says when it came into the stage it was seen in, so that
-- a history that was cut short loses no win, and a deal seen again later has one.
{{ stage_entity('deal_stages', [
    from_table('bitrix24', 'stage_history', 'deal_stages', {
        'deal_id': 'owner_id',
        'stage': 'stage_id',
        'entered_at': 'created_time',
        'pipeline': bitrix24_pipeline('category_id', 'stage_id'),
        'system_outcome': bitrix24_outcome('stage_semantic_id'),
    }, left_out="case when regexp_matches(stage_id, '^DT[0-9]+_') then 'other_object' end"),
    from_table('bitrix24', 'deal', 'deal_stages', {
        'deal_id': 'id',
        'stage': 'stage_id',
        'entered_at': 'moved_time',
        'pipeline': bitrix24_pipeline('category_id', 'stage_id'),
        'system_outcome': bitrix24_outcome('stage_semantic_id'),
    }, left_out="case when nullif(trim(moved_time), '') is null or stage_id is null then 'no_move_time' when " ~ is_yes('is_recurring') ~ " then 'recurring_template' else " ~ bitrix24_no_record(2, 'stage_id') ~ " end"),
]) }}
