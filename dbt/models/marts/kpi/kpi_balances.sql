{{ config(materialized='view') }}
-- One row per fact x measure x day: a balance, which stands for its day alone. Days never add up.
select
    measure_code, occurred_on, fact_table, fact_id, manager_id, team_id, channel_id, product_id, partner_id, strategy,
    cast(value as decimal(38, 10)) as value,
    cast(samples as bigint) as samples,
    cast(product_samples as bigint) as product_samples
from (
    {{ balance_measures() }}
) as measured
