{{ config(meta={'empty_without': ['int_deals__moves']}) }}
-- Reached = entered, or gone past without entering: so no rate can pass 1. A deal counts for owner and team at its opening;
-- product scope divides it by its lines.
with

stages as (
    select pipeline, stage_label as stage_name, min(stage_rank) as stage_rank
    from {{ ref('int_stages__mapped') }} where outcome = 'open' and stage_rank is not null
    group by pipeline, stage_label
),

deals as (
    select deals.deal_id, cast(date_trunc('month', deals.opened_on) as date) as opened_month,
        case when deals.outcome = 'won' then 1 else 0 end as is_won,
        deals.opened_manager_id as manager_id, deals.opened_team_id as team_id, deals.opened_strategy as strategy, deals.channel_id, deals.partner_id,
        parts.product_id, parts.share, parts.is_primary
    from {{ ref('fct_deals') }} as deals
    inner join {{ ref('fct_deal_products') }} as parts on deals.deal_id = parts.deal_id
    where deals.opened_on is not null
),

entries as (
    select
        deal_id, pipeline, stage_name,
        case when count(*) = count(days_in_stage) then sum(days_in_stage) end as days
    from {{ ref('fct_deal_stage_history') }} where outcome = 'open'
    group by deal_id, pipeline, stage_name
),

furthest as (
    select deal_id, pipeline, max(stage_rank) as stage_rank from {{ ref('int_deals__moves') }}
    where outcome in ('open', 'won') group by deal_id, pipeline
),

reached as (
    select
        furthest.deal_id, stages.pipeline, stages.stage_name, stages.stage_rank, entries.days,
        case when entries.deal_id is not null then 1 else 0 end as is_entered,
        case when furthest.stage_rank > stages.stage_rank then 1 else 0 end as is_passed
    from furthest
    inner join stages on coalesce(furthest.pipeline, '') = coalesce(stages.pipeline, '') and stages.stage_rank <= furthest.stage_rank
    left join entries
        on furthest.deal_id = entries.deal_id and coalesce(furthest.pipeline, '') = coalesce(entries.pipeline, '')
        and stages.stage_name = entries.stage_name
    where entries.deal_id is not null or furthest.stage_rank > stages.stage_rank
),

counted as (
    select
        {{ scope_columns() }}, reached.pipeline, reached.stage_name, reached.stage_rank, deals.opened_month,
        sum(deals.share * reached.is_entered) as entered,
        sum(deals.share * (1 - reached.is_entered)) as skipped,
        sum(deals.share * reached.is_entered * reached.is_passed) as moved_on,
        sum(deals.share * reached.is_entered * deals.is_won) as won,
        {{ percentile('case when deals.is_primary then reached.days end', 0.5) }} as days_median_of_deals,
        {{ percentile('reached.days', 0.5) }} as days_median_of_products
    from reached
    inner join deals on reached.deal_id = deals.deal_id
    group by grouping sets ({{ scope_sets('pipeline, stage_name, stage_rank, opened_month') }})
),

based as (
    select
        counted.*,
        lag(entered + skipped) over in_order as previous_reached,
        first_value(entered + skipped) over in_order as first_reached
    from counted
    where scope_id is not null
    window in_order as (partition by scope_type, scope_id, pipeline, opened_month order by stage_rank, stage_name)
)

select
    based.scope_type, based.scope_id, scopes.scope_name, based.pipeline, based.stage_name, cast(based.stage_rank as integer) as stage_rank,
    based.opened_month,
    cast(based.entered as decimal(18, 6)) as entered, cast(based.skipped as decimal(18, 6)) as skipped,
    cast(based.moved_on as decimal(18, 6)) as moved_on, cast(based.won as decimal(18, 6)) as won,
    cast(based.entered + based.skipped as double) / nullif(cast(based.previous_reached as double), 0) as rate_previous,
    cast(based.entered + based.skipped as double) / nullif(cast(based.first_reached as double), 0) as rate_first,
    case when based.scope_type = 'product' then based.days_median_of_products else based.days_median_of_deals end as days_median
from based
left join {{ ref('kpi_scopes') }} as scopes on based.scope_type = scopes.scope_type and based.scope_id = scopes.scope_id
