-- One row per deal: what it is by the run's day, and when that came about.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

sources as (select * from {{ ref('stg_workspace__sources') }}),

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
    select moves.deal_id, moves.stage_name, moves.outcome, moves.entered_at, moves.entered_on
    from moves
    inner join (select deal_id, max(move_number) as move_number from moves group by deal_id) as newest
        on moves.deal_id = newest.deal_id and moves.move_number = newest.move_number
),

lost_entries as (
    select deal_id, max(entered_on) as lost_on from moves
    where outcome = 'lost' and coalesce(outcome_before, '') <> 'lost' group by deal_id
),

told_by_history as (
    select distinct stages.deal_id from {{ ref('int_deal_stages__united') }} as stages
    inner join sources on stages.source_name = sources.source_name
    where sources.won_date = 'history' and not stages._is_row_rejected
),

reasons as (select * from {{ ref('stg_workspace__loss_reasons') }}),

decided as (
    select
        deals.deal_id,
        case
            when standing.deal_id is not null then 'won'
            when told_by_history.deal_id is not null then case when latest.outcome = 'lost' then 'lost' else 'open' end
            when deals.stage_outcome = 'won' and deals.closed_on is null then 'won'
            when deals.stage_outcome = 'lost' and coalesce(deals.closed_on, lost_entries.lost_on, date '1900-01-01') <= settings.as_of then 'lost'
            else 'open'
        end as outcome,
        case when told_by_history.deal_id is not null then coalesce(latest.stage_name, deals.stage_name) else deals.stage_name end as stage_name,
        standing.won_at,
        standing.won_on,
        coalesce(lost_entries.lost_on, deals.closed_on) as lost_on,
        coalesce(reversed.reversal_count, 0) as reversal_count,
        coalesce(reasons.is_eligible, true) as is_eligible
    from deals
    cross join settings
    left join standing on deals.deal_id = standing.deal_id
    left join reversed on deals.deal_id = reversed.deal_id
    left join latest on deals.deal_id = latest.deal_id
    left join lost_entries on deals.deal_id = lost_entries.deal_id
    left join told_by_history on deals.deal_id = told_by_history.deal_id
    left join reasons on {{ as_match_name('deals.loss_reason') }} = reasons.reason_match
)

select
    deal_id,
    outcome,
    stage_name,
    case when outcome = 'won' then won_at end as won_at,
    case when outcome = 'won' then won_on end as won_on,
    case when outcome = 'lost' then lost_on end as lost_on,
    outcome = 'won' or (outcome = 'lost' and is_eligible) as is_eligible_close,
    reversal_count > 0 and outcome <> 'won' as is_reversed,
    cast(reversal_count as integer) as reversal_count
from decided
