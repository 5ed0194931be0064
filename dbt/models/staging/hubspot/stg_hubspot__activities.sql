{{ config(materialized='table') }}
-- One row per engagement, at the time when it happened, for the first deal and the first contact it is linked with. Notes are
-- no activities. A call, an e-mail or a meeting whose outcome nobody wrote has happened.
{%- set shared = {
    'occurred_at': 'hs_timestamp',
    'manager_id': 'owner_id',
    'manager_name': 'case when owner_id is null then owner_name end',
    'deal_id': "coalesce(" ~ hubspot_linked('linked_deals') ~ ", joined_deal)",
    'lead_id': "coalesce(" ~ hubspot_linked('linked_contacts') ~ ", joined_contact)",
} %}
{%- set gone = "case when " ~ is_hubspot_gone() ~ " then 'deleted'" %}
{%- set links = hubspot_engagement_links() %}
{{ stage_entity('activities', [
    from_table('hubspot', 'call', 'activities', dict(shared,
        activity_id="'call_' || trim(id)", kind="'CALL'",
        direction="case upper(trim(direction)) when 'OUTBOUND' then 'out' when 'INBOUND' then 'in' end",
        duration_seconds=["cast(cast(" ~ as_number('duration', 'duration__decimal', 'decimal(18, 4)') ~ " / 1000 as bigint) as " ~ dbt.type_string() ~ ")", none]),
        left_out=gone ~ " end", joined=links),
    from_table('hubspot', 'meeting', 'activities', dict(shared,
        activity_id="'meeting_' || trim(id)", kind="'MEETING'",
        occurred_at=['coalesce(start_time, hs_timestamp)', 'start_time'],
        status="case when upper(replace(trim(outcome), ' ', '_')) in ('NO_SHOW', 'CANCELED', 'CANCELLED', 'RESCHEDULED') then 'planned' end"),
        left_out=gone ~ " end", joined=links),
    from_table('hubspot', 'email', 'activities', dict(shared,
        activity_id="'email_' || trim(id)", kind="'EMAIL'",
        status="case when upper(trim(status)) in ('FAILED', 'BOUNCED', 'SCHEDULED', 'SENDING') then 'planned' end",
        direction="case when upper(trim(direction)) like 'INCOMING%' then 'in' when nullif(trim(direction), '') is not null then 'out' end"),
        left_out=gone ~ " end", joined=links),
    from_table('hubspot', 'task', 'activities', dict(shared,
        activity_id="'task_' || trim(id)", kind="'TASK'",
        status="case when status is null then 'planned' when upper(trim(status)) = 'COMPLETED' then 'done' else 'planned' end"),
        left_out=gone ~ " end", joined=links),
    from_table('hubspot', 'engagement', 'activities', dict(shared,
        activity_id="lower(trim(type)) || '_' || trim(id)", kind='type'),
        left_out=gone ~ " when upper(trim(type)) = 'NOTE' then 'no_activity' end", joined=links),
]) }}
