-- A record of the connector's history mode stands once per version: the newest start is the newest version.
{%- set mapped = {
    'deal_id': as_salesforce_id('id'),
    'stage': 'stage_name',
    'opened_at': 'created_date',
    'pipeline': 'record_type',
    'deal_name': 'record_name',
    'closed_at': ["case when " ~ is_yes('is_closed') ~ " or is_closed is null then " ~ salesforce_day('close_date') ~ " end", 'close_date'],
    'planned_close_on': [salesforce_day('close_date'), 'close_date'],
    'amount': 'amount',
    'currency': 'currency_iso_code',
    'manager_id': as_salesforce_id('owner_id'),
    'manager_name': 'owner_name',
    'customer_id': as_salesforce_id('account_id'),
    'customer_name': 'account_name',
    'source': 'lead_source',
    'campaign': 'coalesce(campaign_name, campaign_id)',
    'loss_reason': 'loss_reason',
    'probability': 'probability',
    'updated_at': ['coalesce(last_modified_date, system_modstamp, fivetran_synced)', 'last_modified_date'],
    'is_deleted': "case when " ~ is_yes('is_deleted') ~ " or " ~ is_yes('fivetran_deleted') ~ " then 'true' end",
    'system_outcome': outcome_of('is_won', 'is_closed'),
} %}
{%- set versions = dict(mapped, updated_at='fivetran_start') %}
{{ stage_entity('deals', [
    from_table('salesforce', 'opportunity', 'deals', mapped, empties=['null']),
    from_table('salesforce', 'opportunity_version', 'deals', versions, empties=['null']),
]) }}
