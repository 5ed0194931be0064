{{ config(materialized='view') }}
-- One row per fact x balance x span of days: what kpi_running_balances adds up, taken apart again.
with

spans as (
    select
        spans.deal_id, spans.source_name, spans.pipeline, spans.stage_name, spans.stage_entered_on, spans.amount_native, spans.currency,
        spans.planned_close_on, spans.manager_id, versions.team_id, versions.strategy, spans.channel_id, spans.partner_id,
        parts.product_id, parts.share,
        greatest(spans.from_on, versions.valid_from) as from_on,
        case when versions.valid_to = date '9999-12-31' then spans.to_on else {{ earlier_end('spans.to_on', 'versions.valid_to') }} end as to_on
    from {{ ref('fct_pipeline_spans') }} as spans
    inner join {{ ref('fct_deal_products') }} as parts on spans.deal_id = parts.deal_id
    inner join {{ ref('dim_manager') }} as versions
        on spans.manager_id = versions.manager_id and {{ spans_meet('spans.from_on', 'spans.to_on', 'versions.valid_from', 'versions.valid_to') }}
),

weighted_spans as (
    select
        spans.deal_id, spans.currency, spans.manager_id, spans.team_id, spans.strategy, spans.channel_id, spans.partner_id, spans.product_id, spans.share,
        cast(cast(spans.amount_native as double) * chances.probability as decimal(18, 4)) as weighted_native,
        case when spans.stage_entered_on is null then spans.from_on
            else greatest(spans.from_on, {{ add_days('spans.stage_entered_on', 'chances.age_from') }}) end as from_on,
        case when spans.stage_entered_on is null then spans.to_on
            else {{ earlier_end('spans.to_on', add_days('spans.stage_entered_on', 'chances.age_to')) }} end as to_on
    from spans
    inner join {{ ref('win_probability') }} as chances
        on spans.source_name = chances.source_name and coalesce(spans.pipeline, '') = coalesce(chances.pipeline, '')
        and coalesce(spans.stage_name, '') = coalesce(chances.stage_name, '')
        and case when spans.stage_entered_on is null then chances.age_from = 0
            else {{ spans_meet('spans.from_on', 'spans.to_on', add_days('spans.stage_entered_on', 'chances.age_from'), add_days('spans.stage_entered_on', 'chances.age_to')) }} end
    where spans.amount_native is not null
),

kept_spans as (
    select
        spans.deal_id, spans.manager_id, spans.team_id, spans.strategy, spans.channel_id, spans.partner_id, spans.product_id, spans.share,
        greatest(spans.from_on, touches.from_on) as from_on, {{ earlier_end('spans.to_on', 'touches.to_on') }} as to_on
    from spans
    inner join {{ ref('fct_touch_spans') }} as touches
        on spans.deal_id = touches.deal_id and {{ spans_meet('spans.from_on', 'spans.to_on', 'touches.from_on', 'touches.to_on') }}
    where spans.amount_native > 0 and spans.planned_close_on is not null
),

unpaid_spans as (
    select unpaid.*, parts.product_id, parts.share
    from {{ ref('fct_unpaid_spans') }} as unpaid
    inner join {{ ref('fct_deal_products') }} as parts on unpaid.deal_id = parts.deal_id
),

measured as (
    {{ balance_span_measures() }}
)

select
    measure_code, fact_table, fact_id, from_on, to_on, manager_id, team_id, channel_id, product_id, partner_id, strategy, currency,
    cast(value as decimal(38, 10)) as value
from measured
