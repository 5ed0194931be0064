{{ config(materialized='view') }}
{#
  One row per fact x measure: the only place where a filter of a KPI stands. `value` adds up;
  `samples` counts the fact once outside product scope, `product_samples` once per product it touches.
  Deal measures come apart by product with the line's share.
#}
with

{{ measured_relations() }}

measured as (
    {{ event_measures('facts') }}
)

select
    measure_code, occurred_on, fact_table, fact_id, manager_id, team_id, channel_id, product_id, partner_id, strategy,
    cast(value as decimal(38, 10)) as value,
    cast(samples as bigint) as samples,
    cast(product_samples as bigint) as product_samples
from measured
where occurred_on is not null
