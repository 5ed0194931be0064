{{ config(materialized='view') }}
{#
  One row per fact x measure: the only place where a filter of a KPI stands. `value` adds up;
  `samples` counts the fact once outside product scope, `product_samples` once per product it touches.
  Deal measures come apart by product with the line's share.
#}
{%- set dims = 'manager_id, team_id, channel_id, product_id, partner_id, strategy' %}
with

deals as (
    select deals.*, parts.product_id as part_product_id, parts.share, parts.is_primary
    from {{ ref('fct_deals') }} as deals
    inner join {{ ref('fct_deal_products') }} as parts on deals.deal_id = parts.deal_id
),

events as (
    select events.*, parts.product_id as part_product_id, parts.share, parts.is_primary
    from {{ ref('fct_deal_events') }} as events
    inner join {{ ref('fct_deal_products') }} as parts on events.deal_id = parts.deal_id
),

leads as (select * from {{ ref('fct_leads') }} where not is_duplicate),

measured as (
    {{ deal_event_measures() }}
    union all
    {{ credit_measures() }}
    union all
    {{ deal_state_measures() }}
    union all
    {{ lead_measures() }}
    union all
    {{ activity_and_money_measures() }}
    union all
    {{ subscription_measures() }}
    union all
    {{ cohort_measures() }}
)

select
    measure_code, occurred_on, fact_table, fact_id, {{ dims }},
    cast(value as decimal(38, 10)) as value,
    cast(samples as bigint) as samples,
    cast(product_samples as bigint) as product_samples
from measured
where occurred_on is not null
