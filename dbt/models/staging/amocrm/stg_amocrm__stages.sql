{{ stage_entity('stages', [from_table('amocrm', 'status', 'stages', {
    'stage': 'id',
    'stage_name': 'record_name',
    'pipeline': 'pipeline_id',
    'pipeline_name': 'pipeline_name',
    'outcome': "case trim(id) when '142' then 'won' when '143' then 'lost' else 'open' end",
    'position': 'sort',
})]) }}
