{{ config(materialized='table') }}
-- Kinds by type, else by provider. How long a call was and whether it came about is known to telephony only: an
-- activity takes it from there, and a call that an activity tells of is no second one. Built whole for that.
{%- set calls = source('raw', 'bitrix24__call') %}
{%- set of_activity = "where calls.source_name = raw_.source_name and calls.crm_activity_id = raw_.id" %}
{%- set duration = "(select max_by(calls.call_duration, calls._observed_at) from " ~ calls ~ " as calls " ~ of_activity ~ ")" %}
{%- set failed_code = "(select max_by(calls.call_failed_code, calls._observed_at) from " ~ calls ~ " as calls " ~ of_activity ~ ")" %}
{{ stage_entity('activities', [
    from_table('bitrix24', 'activity', 'activities', {
        'activity_id': 'id',
        'kind': "case when trim(type_id) = '2' or provider_id = 'VOXIMPLANT_CALL' then 'CALL' when trim(type_id) = '1' or provider_id = 'CRM_MEETING' then 'MEETING' when trim(type_id) = '4' or provider_id = 'CRM_EMAIL' then 'EMAIL' when trim(type_id) = '3' or provider_id in ('CRM_TASKS_TASK', 'TASKS') then 'TASK' else coalesce(nullif(trim(provider_id), ''), 'OTHER') end",
        'occurred_at': ["coalesce(nullif(trim(start_time), ''), created)", 'start_time'],
        'manager_id': bitrix24_link('responsible_id'),
        'status': "case when coalesce(" ~ failed_code ~ ", '200') <> '200' then 'cancelled' when " ~ is_yes('completed') ~ " then 'done' when completed is not null then 'planned' when trim(status) = '2' then 'done' when status is not null then 'planned' end",
        'direction': "case trim(direction) when '1' then 'in' when '2' then 'out' end",
        'duration_seconds': [duration, none],
        'deal_id': "case when trim(owner_type_id) = '2' then " ~ bitrix24_link('owner_id') ~ " end",
        'lead_id': "case when trim(owner_type_id) = '1' then " ~ bitrix24_link('owner_id') ~ " end",
    }),
    from_table('bitrix24', 'call', 'activities', {
        'activity_id': "'CALL_' || id",
        'kind': "'CALL'",
        'occurred_at': 'call_start_date',
        'manager_id': bitrix24_link('portal_user_id'),
        'status': "case when coalesce(call_failed_code, '200') = '200' then 'done' else 'cancelled' end",
        'direction': "case trim(call_type) when '1' then 'out' when '2' then 'in' when '3' then 'in' end",
        'duration_seconds': 'call_duration',
        'deal_id': "case when upper(trim(crm_entity_type)) = 'DEAL' then " ~ bitrix24_link('crm_entity_id') ~ " end",
        'lead_id': "case when upper(trim(crm_entity_type)) = 'LEAD' then " ~ bitrix24_link('crm_entity_id') ~ " end",
    }, left_out="case when lower(trim(call_category)) = 'internal' then 'internal_call' when exists (select 1 from " ~ source('raw', 'bitrix24__activity') ~ " as told where told.source_name = raw_.source_name and told.id = " ~ bitrix24_link('raw_.crm_activity_id') ~ ") then 'told_by_activity' end"),
]) }}
