{{ config(meta={'empty_without': ['int_activities__united']}) }}
-- One row per activity by the run's day, with the deal and the lead (first of its chain) it belongs to.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

managers as (select * from {{ ref('int_managers__crosswalk') }}),

deals as (select * from {{ ref('int_deals__known_as') }}),

first_proposals as (select * from {{ ref('int_activities__first_proposals') }}),

living_leads as (
    select leads.lead_id, leads.head_lead_id, head.channel_id
    from {{ ref('int_leads__current') }} as leads
    inner join {{ ref('int_leads__current') }} as head on leads.head_lead_id = head.lead_id
),

leads as (
    select lead_id as known_as, head_lead_id, channel_id from living_leads
    union all
    select survivors.lead_id, living_leads.head_lead_id, living_leads.channel_id
    from {{ ref('int_leads__survivors') }} as survivors
    inner join living_leads on survivors.survivor_id = living_leads.lead_id
),

gone as (select record_key from {{ ref('int_records__absent') }} where entity = 'activities'),

{{ newest_version(ref('int_activities__united'), 'activity_id', none, 'activities') }}

kinds as (select * from {{ ref('int_activities__kinds') }}),

joined as (
    select
        newest.activity_id,
        kinds.kind,
        newest.kind as delivered_kind, kinds.is_unknown_kind,
        newest.occurred_at, newest.occurred_on,
        {{ is_done('newest.status', 'statuses.meaning') }} as is_done,
        directions.meaning as direction,
        newest.duration_seconds,
        coalesce(managers.manager_id, 'not_given') as manager_id,
        deals.deal_id,
        coalesce(leads.head_lead_id, deals.lead_id) as lead_id,
        coalesce(leads.channel_id, deals.channel_id, 'not_given') as channel_id,
        settings.connected_call_seconds,
        newest._source_file, newest._source_row
    from newest
    cross join settings
    left join gone on newest.activity_id = gone.record_key
    left join kinds on newest.source_name = kinds.source_name and newest.kind = kinds.delivered_kind
    left join {{ ref('words') }} as statuses on statuses.subject = 'activity_status' and lower(newest.status) = statuses.word
    left join {{ ref('words') }} as directions on directions.subject = 'direction' and lower(newest.direction) = directions.word
    left join managers on coalesce(newest.manager_id, newest.source_name || ':~' || newest.manager_name) = managers.manager_ref
    left join deals on newest.deal_id = deals.known_as
    left join leads on newest.lead_id = leads.known_as
    where newest.occurred_on <= settings.as_of and gone.record_key is null
)

select
    joined.activity_id, joined.kind, joined.delivered_kind, joined.is_unknown_kind, joined.occurred_at, joined.occurred_on, joined.is_done,
    joined.kind = 'call' and joined.is_done and coalesce(joined.duration_seconds, 0) >= joined.connected_call_seconds as is_connected,
    joined.direction, joined.duration_seconds, joined.manager_id, joined.deal_id, joined.lead_id, joined.channel_id,
    joined.kind = 'proposal' and joined.is_done and (joined.deal_id is null or first_proposals.activity_id is not null) as is_first_proposal,
    joined._source_file, joined._source_row
from joined
left join first_proposals on joined.activity_id = first_proposals.activity_id
