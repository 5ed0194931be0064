-- Calls, letters and messages are notes; a done task happened by its due time, at the latest when it was ticked off.
-- What a note belongs to stands in its address, where its own record does not say.
{%- set task_of_lead = "case when trim(entity_type) in ('lead', 'leads') then entity_id end" %}
{%- set note_of_lead = "case when trim(coalesce(entity_type, case when link like '%/leads/%' then 'leads' end)) in ('lead', 'leads') then entity_id end" %}
{%- set done_at = "case when " ~ is_yes('is_completed') ~ " and (nullif(trim(complete_till), '0') is null or " ~ amocrm_seconds('updated_at') ~ " < " ~ amocrm_seconds('complete_till') ~ ") then updated_at else coalesce(nullif(trim(complete_till), '0'), created_at) end" %}
{{ stage_entity('activities', [
    from_table('amocrm', 'task', 'activities', {
        'activity_id': "'task_' || id",
        'kind': "'task_' || coalesce(task_type_id, '0')",
        'occurred_at': [done_at, 'complete_till'],
        'manager_id': amocrm_id('responsible_user_id'),
        'status': "case when " ~ is_yes('is_completed') ~ " then 'done' else 'planned' end",
        'deal_id': task_of_lead,
        'lead_id': task_of_lead,
    }),
    from_table('amocrm', 'note', 'activities', {
        'activity_id': "'note_' || id",
        'kind': 'note_type',
        'occurred_at': 'created_at',
        'manager_id': "coalesce(" ~ amocrm_id('responsible_user_id') ~ ", " ~ amocrm_id('created_by') ~ ")",
        'direction': "case when note_type in ('call_in', 'sms_in') or (note_type = 'amomail_message' and " ~ is_yes('is_income') ~ ") then 'in' when note_type in ('call_out', 'sms_out', 'amomail_message') then 'out' end",
        'duration_seconds': 'duration',
        'deal_id': note_of_lead,
        'lead_id': note_of_lead,
    }, left_out="case when trim(note_type) not in ('call_in', 'call_out', 'sms_in', 'sms_out', 'amomail_message') then 'no_activity' end"),
]) }}
