{{ stage_entity('stages', [from_table('hubspot', 'stage', 'stages', {
    'stage': 'id',
    'stage_name': 'label',
    'pipeline': 'pipeline_id',
    'pipeline_name': 'pipeline_label',
    'outcome': hubspot_defined_outcome(),
    'position': 'display_order',
}, left_out="case when " ~ is_yes('fivetran_deleted') ~ " then 'deleted' end")]) }}
