{{ config(meta={'empty_without': ['int_deals__current']}) }}
-- One row per deal: what it is by the run's day, and when that came about.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

deals as (select * from {{ ref('int_deals__current') }}),

standing as (
    select deal_id, max(won_at) as won_at, max(won_on) as won_on
    from {{ ref('int_deals__won_spells') }} where ended_on is null group by deal_id
),

reversed as (
    select deal_id, count(*) as reversal_count from {{ ref('int_deals__won_spells') }} where ended_on is not null group by deal_id
),

moves as (select * from {{ ref('int_deals__moves') }}),

latest as (
    select moves.deal_id, moves.stage_name, moves.outcome, moves.is_inferred
    from moves
    inner join (select deal_id, max(move_number) as move_number from moves group by deal_id) as newest
        on moves.deal_id = newest.deal_id and moves.move_number = newest.move_number
),

lost_entries as (
    select deal_id, max(entered_on) as lost_on, max(entered_at) as lost_at from moves
    where outcome = 'lost' and coalesce(outcome_before, '') <> 'lost' and not is_inferred group by deal_id
),

histories as (select * from {{ ref('int_deals__histories') }}),

reasons as (select * from {{ ref('stg_workspace__loss_reasons') }}),

closes as (
    select
        deals.deal_id,
        coalesce(histories.is_told, false) as is_told,
        case when deals.closed_on is null then histories.inferred_close_at else deals.closed_at end as closed_at,
        coalesce(deals.closed_on, histories.inferred_close_on) as closed_on
    from deals
    left join histories on deals.deal_id = histories.deal_id
),

decided as (
    select
        deals.deal_id,
        closes.is_told,
        case
            when standing.deal_id is not null then 'won'
            when closes.is_told then case when latest.outcome = 'lost' then 'lost' else 'open' end
            when deals.stage_outcome = 'won' and closes.closed_on is null then 'won'
            when deals.stage_outcome = 'lost' and coalesce(lost_entries.lost_on, closes.closed_on, date '1900-01-01') <= settings.as_of then 'lost'
            else 'open'
        end as outcome,
        case when closes.is_told or latest.is_inferred then coalesce(latest.stage_name, deals.stage_name) else deals.stage_name end as stage_name,
        standing.won_at,
        standing.won_on,
        case when lost_entries.lost_on is null then closes.closed_at else lost_entries.lost_at end as lost_at,
        coalesce(lost_entries.lost_on, closes.closed_on) as lost_on,
        coalesce(reversed.reversal_count, 0) as reversal_count,
        coalesce(reasons.is_eligible, true) as is_eligible
    from deals
    cross join settings
    inner join closes on deals.deal_id = closes.deal_id
    left join standing on deals.deal_id = standing.deal_id
    left join reversed on deals.deal_id = reversed.deal_id
    left join latest on deals.deal_id = latest.deal_id
    left join lost_entries on deals.deal_id = lost_entries.deal_id
    left join reasons on {{ as_match_name('deals.loss_reason') }} = reasons.reason_match
)

select
    deal_id,
    outcome,
    stage_name,
    is_told,
    case when outcome = 'won' then won_at end as won_at,
    case when outcome = 'won' then won_on end as won_on,
    case when outcome = 'lost' then lost_at end as lost_at,
    case when outcome = 'lost' then lost_on end as lost_on,
    outcome = 'won' or (outcome = 'lost' and is_eligible) as is_eligible_close,
    reversal_count > 0 and outcome <> 'won' as is_reversed,
    cast(reversal_count as integer) as reversal_count
from decided
