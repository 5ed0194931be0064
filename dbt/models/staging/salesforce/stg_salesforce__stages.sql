{{ stage_entity('stages', [from_table('salesforce', 'opportunity_stage', 'stages', {
    'stage': 'coalesce(api_name, master_label)',
    'stage_name': 'master_label',
    'outcome': outcome_of('is_won', 'is_closed'),
    'position': 'sort_order',
})]) }}
