-- From the native history, the field history, and the versions of the connector's history mode.
{%- set history = {
    'deal_id': as_salesforce_id('opportunity_id'),
    'stage': 'stage_name',
    'entered_at': 'created_date',
} %}
{%- set changes = {
    'deal_id': as_salesforce_id('opportunity_id'),
    'stage': 'new_value',
    'entered_at': 'created_date',
} %}
{%- set versions = {
    'deal_id': as_salesforce_id('id'),
    'stage': 'stage_name',
    'entered_at': 'fivetran_start',
    'pipeline': 'record_type',
    'manager_id': as_salesforce_id('owner_id'),
    'system_outcome': outcome_of('is_won', 'is_closed'),
} %}
{{ stage_entity('deal_stages', [
    from_table('salesforce', 'opportunity_history', 'deal_stages', history, empties=['null'],
        left_out="case when " ~ is_yes('is_deleted') ~ " then 'deleted' end"),
    from_table('salesforce', 'opportunity_field_history', 'deal_stages', changes, empties=['null'],
        left_out="case when coalesce(lower(trim(field)), '') not in ('stagename', 'stage') then 'not_a_stage_change' when " ~ is_yes('is_deleted') ~ " then 'deleted' end"),
    from_table('salesforce', 'opportunity_version', 'deal_stages', versions, empties=['null']),
]) }}
