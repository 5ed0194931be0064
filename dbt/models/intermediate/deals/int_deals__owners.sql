-- Owner at the win (else at the loss, else at the opening) where a history of owners is known.
with

outcomes as (select * from {{ ref('int_deals__outcomes') }}),

deals as (select deal_id, opened_at, closed_at from {{ ref('int_deals__current') }}),

changes as (
    select deal_id, changed_at as known_at, new_value as manager_id, old_value as manager_before
    from {{ ref('int_deals__changes') }} where field = 'owner'
),

placed as (
    select
        changes.deal_id, changes.known_at, changes.manager_id, changes.manager_before,
        changes.known_at <= coalesce(outcomes.won_at, outcomes.lost_at, deals.closed_at, deals.opened_at) as is_before_event
    from changes
    inner join deals on changes.deal_id = deals.deal_id
    inner join outcomes on changes.deal_id = outcomes.deal_id
),

ranked as (
    select *, row_number() over (
        partition by deal_id
        order by case when is_before_event then 0 else 1 end,
            case when is_before_event then known_at end desc nulls last, known_at, manager_id) as place
    from placed
)

select
    deal_id,
    case when is_before_event then manager_id else coalesce(manager_before, manager_id) end as manager_id,
    case when is_before_event then 'history' else 'observed' end as owner_basis
from ranked
where place = 1 and case when is_before_event then manager_id else coalesce(manager_before, manager_id) end is not null
