-- One row per deal with a proposal by the run's day: the first that was made.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

{{ newest_version(ref('int_activities__united'), 'activity_id', none, 'activities') }}

proposals as (
    select newest.activity_id, newest.occurred_at, deals.deal_id
    from newest
    cross join settings
    inner join {{ ref('int_activities__kinds') }} as kinds
        on newest.source_name = kinds.source_name and newest.kind = kinds.delivered_kind and kinds.kind = 'proposal'
    inner join {{ ref('int_deals__known_as') }} as deals on newest.deal_id = deals.known_as
    left join {{ ref('words') }} as statuses on statuses.subject = 'activity_status' and lower(newest.status) = statuses.word
    where newest.occurred_on <= settings.as_of and {{ is_done('newest.status', 'statuses.meaning') }}
)

select deal_id, activity_id from (
    select deal_id, activity_id, row_number() over (partition by deal_id order by occurred_at, activity_id) as proposal_number
    from proposals
) as numbered
where proposal_number = 1
