{{ config(meta={'empty_without': ['int_deals__changes']}) }}
-- One row per deal x moment whose owner is asked, where a history of owners is known: its close (while open, its opening),
-- its opening, every win, and the stages that count as an event. Owner at the moment, else the first that is known.
with

outcomes as (select * from {{ ref('int_deals__outcomes') }}),

deals as (select deal_id, opened_at, closed_at from {{ ref('int_deals__current') }}),

changes as (
    select deal_id, changed_at as known_at, new_value as manager_id, old_value as manager_before
    from {{ ref('int_deals__changes') }} where field = 'owner'
),

moments as (
    select
        deals.deal_id, 'close' as moment, 0 as spell_number,
        coalesce(outcomes.won_at, outcomes.lost_at, deals.closed_at, deals.opened_at) as happened_at
    from deals inner join outcomes on deals.deal_id = outcomes.deal_id
    union all
    select deal_id, 'opening', 0, opened_at from deals
    union all
    select deal_id, 'win', spell_number, won_at from {{ ref('int_deals__won_spells') }}
    union all
    select deal_id, event, 0, occurred_at from {{ ref('int_deals__milestones') }}
),

placed as (
    select
        changes.deal_id, moments.moment, moments.spell_number, changes.known_at, changes.manager_id, changes.manager_before,
        changes.known_at <= moments.happened_at as is_before_event
    from moments
    inner join changes on moments.deal_id = changes.deal_id
),

ranked as (
    select *, row_number() over (
        partition by deal_id, moment, spell_number
        order by case when is_before_event then 0 else 1 end,
            case when is_before_event then known_at end desc nulls last, known_at, manager_id) as place
    from placed
)

select
    deal_id, moment, spell_number,
    case when is_before_event then manager_id else coalesce(manager_before, manager_id) end as manager_id,
    case when is_before_event then 'history' else 'observed' end as owner_basis
from ranked
where place = 1 and case when is_before_event then manager_id else coalesce(manager_before, manager_id) end is not null
