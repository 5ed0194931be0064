{{ config(meta={'empty_without': ['int_activities__united']}) }}
-- One row per deal whose first proposal by the run's day is an activity: where a stage that counts as a proposal was
-- entered on an earlier day, that entry is the first.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

gone as (select record_key from {{ ref('int_records__absent') }} where entity = 'activities'),

{{ newest_version(ref('int_activities__united'), 'activity_id', none, 'activities') }}

proposals as (
    select newest.activity_id, newest.occurred_at, newest.occurred_on, deals.deal_id
    from newest
    cross join settings
    inner join {{ ref('int_activities__kinds') }} as kinds
        on newest.source_name = kinds.source_name and newest.kind = kinds.delivered_kind and kinds.kind = 'proposal'
    inner join {{ ref('int_deals__known_as') }} as deals on newest.deal_id = deals.known_as
    left join gone on newest.activity_id = gone.record_key
    left join {{ ref('words') }} as statuses on statuses.subject = 'activity_status' and lower(newest.status) = statuses.word
    where newest.occurred_on <= settings.as_of and gone.record_key is null and {{ is_done('newest.status', 'statuses.meaning') }}
)

select numbered.deal_id, numbered.activity_id
from (
    select *, row_number() over (partition by deal_id order by occurred_at, activity_id) as proposal_number
    from proposals
) as numbered
left join {{ ref('int_deals__milestones') }} as milestones on numbered.deal_id = milestones.deal_id and milestones.event = 'proposal'
where numbered.proposal_number = 1 and (milestones.deal_id is null or numbered.occurred_on <= milestones.occurred_on)
