-- One row per deal x time it was won; `ended_on` is the day it was reopened, NULL while it stays won.
-- Wins later than the run's day do not exist; neither do reopenings.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

sources as (select * from {{ ref('stg_workspace__sources') }}),

deals as (select * from {{ ref('int_deals__current') }}),

moves as (select * from {{ ref('int_deals__moves') }}),

turns as (
    select deal_id, entered_at, entered_on, outcome, row_number() over (partition by deal_id order by move_number) as turn_number
    from moves
    where (outcome = 'won' and coalesce(outcome_before, '') <> 'won') or (outcome <> 'won' and outcome_before = 'won')
),

history_spells as (
    select
        started.deal_id,
        started.entered_at as won_at, started.entered_on as won_on,
        ended.entered_at as ended_at, ended.entered_on as ended_on
    from turns as started
    left join turns as ended
        on started.deal_id = ended.deal_id and ended.turn_number = started.turn_number + 1 and ended.outcome <> 'won'
    where started.outcome = 'won'
),

told_by_history as (
    select distinct moves.deal_id from {{ ref('int_deal_stages__united') }} as moves
    inner join sources on moves.source_name = sources.source_name
    where sources.won_date = 'history' and not moves._is_row_rejected
),

spells as (
    select history_spells.* from history_spells
    left join told_by_history on history_spells.deal_id = told_by_history.deal_id
    where told_by_history.deal_id is not null or history_spells.ended_on is not null
    union all
    select deals.deal_id, deals.closed_at, deals.closed_on, cast(null as timestamp), cast(null as date)
    from deals
    left join told_by_history on deals.deal_id = told_by_history.deal_id
    where deals.stage_outcome = 'won' and told_by_history.deal_id is null and deals.closed_on is not null
)

select
    spells.deal_id,
    cast(row_number() over (partition by spells.deal_id order by spells.won_at, spells.ended_at nulls last) as integer) as spell_number,
    spells.won_at, spells.won_on, spells.ended_at, spells.ended_on
from spells
cross join settings
where spells.won_on <= settings.as_of
