{{ config(meta={'empty_without': ['int_deals__current', 'int_deals__moves']}) }}
-- One row per deal x time it was won; `ended_on` is the day it was reopened, NULL while it stays won.
-- Wins later than the run's day do not exist; neither do reopenings. Dated by the delivered history of stages, else by
-- the CRM's close, else by the deliveries between which it was won: those tell no reopening (a vanished win was never there).
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

deals as (select * from {{ ref('int_deals__current') }}),

moves as (select * from {{ ref('int_deals__moves') }} where not is_inferred),

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

histories as (select * from {{ ref('int_deals__histories') }}),

spells as (
    select history_spells.* from history_spells
    inner join histories on history_spells.deal_id = histories.deal_id
    where histories.is_told or history_spells.ended_on is not null
    union all
    select
        deals.deal_id, case when deals.closed_on is null then histories.inferred_close_at else deals.closed_at end,
        coalesce(deals.closed_on, histories.inferred_close_on), cast(null as timestamp), cast(null as date)
    from deals
    left join histories on deals.deal_id = histories.deal_id
    where deals.stage_outcome = 'won' and not coalesce(histories.is_told, false)
        and coalesce(deals.closed_on, histories.inferred_close_on) is not null
)

select
    spells.deal_id,
    cast(row_number() over (partition by spells.deal_id order by spells.won_at, spells.ended_at nulls last) as integer) as spell_number,
    spells.won_at, spells.won_on, spells.ended_at, spells.ended_on
from spells
cross join settings
where spells.won_on <= settings.as_of
