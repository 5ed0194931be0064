{{ config(materialized='table') }}
-- Owners, amounts and planned closes; stages stand in the history of stages. Built whole, as the clock of days may change.
{%- set fields = {'hubspot_owner_id': 'owner', 'amount': 'amount', 'closedate': 'planned_close_on'} %}
{%- set parts = [] %}
{%- for property, field in fields.items() %}
{%- set day = hubspot_day if property == 'closedate' else none %}
{%- do parts.append(from_table('hubspot', 'deal', 'deal_changes', {
    'deal_id': 'id',
    'field': "'" ~ field ~ "'",
    'old_value': day('told_before') if day else "nullif(told_before, '')",
    'new_value': day('told_value') if day else "nullif(told_value, '')",
    'changed_at': ['told_at', none],
    'basis': "'history'",
}, joined=hubspot_history('deal', property))) %}
{%- endfor %}
{%- set field = "case lower(trim(name)) when 'hubspot_owner_id' then 'owner' when 'amount' then 'amount' when 'closedate' then 'planned_close_on' end" %}
{%- do parts.append(from_table('hubspot', 'property_history', 'deal_changes', {
    'deal_id': 'deal_id',
    'field': field,
    'new_value': "case when lower(trim(name)) = 'closedate' then " ~ hubspot_day('value') ~ " else value end",
    'changed_at': 'changed_at',
    'basis': "'history'",
}, left_out="case when " ~ field ~ " is null then 'other_field' end")) %}
{{ stage_entity('deal_changes', parts) }}
