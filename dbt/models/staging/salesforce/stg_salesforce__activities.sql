-- WhoId names a lead (00Q) or a contact, WhatId an opportunity (006) or something else. A series' head is
-- a template of its occurrences, and an attendee's copy of a meeting is the same meeting. An event of a whole day has its
-- day, which is written as midnight in UTC.
{%- set linked = {
    'activity_id': as_salesforce_id('id'),
    'manager_id': "case when owner_id not like '00G%' then " ~ as_salesforce_id('owner_id') ~ " end",
    'manager_name': 'owner_name',
    'deal_id': "case when what_id like '006%' then " ~ as_salesforce_id('what_id') ~ " end",
    'lead_id': "case when who_id like '00Q%' then " ~ as_salesforce_id('who_id') ~ " end",
} %}
{%- set task = dict(linked,
    kind="coalesce(case when lower(trim(task_subtype)) in ('call', 'email', 'listemail') then trim(task_subtype) end, type, 'Task')",
    occurred_at=['coalesce(completed_date_time, activity_date, created_date)', 'activity_date'],
    status="case when " ~ is_yes('is_closed') ~ " then 'done' when is_closed is null then status else 'planned' end",
    direction="case lower(trim(call_type)) when 'outbound' then 'out' when 'inbound' then 'in' end",
    duration_seconds='call_duration_in_seconds') %}
{%- set began = 'coalesce(start_date_time, activity_date_time, activity_date)' %}
{%- set event = dict(linked,
    kind="coalesce(type, 'Event')",
    occurred_at=["case when " ~ is_yes('is_all_day_event') ~ " then left(" ~ began ~ ", 10) else " ~ began ~ " end", 'start_date_time'],
    duration_seconds=["cast(cast(" ~ as_number('duration_in_minutes', 'duration_in_minutes__decimal', 'decimal(18, 4)') ~ " * 60 as bigint) as " ~ dbt.type_string() ~ ")", none]) %}
{%- set no_record = "case when " ~ is_yes('is_deleted') ~ " then 'deleted' when " ~ is_yes('is_recurrence') ~ " then 'recurring_template'" %}
{{ stage_entity('activities', [
    from_table('salesforce', 'task', 'activities', task, empties=['null'], left_out=no_record ~ ' end'),
    from_table('salesforce', 'event', 'activities', event, empties=['null'],
        left_out=no_record ~ " when " ~ is_yes('is_child') ~ " then 'attendee_copy' end"),
]) }}
