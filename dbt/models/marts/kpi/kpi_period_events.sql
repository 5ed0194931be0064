{{ config(materialized='view') }}
-- One row per fact x measure x window: what compares the two ends of a period, so that no days add up to it.
select
    measure_code, window_code, period_grain, period_start, fact_table, fact_id,
    manager_id, team_id, channel_id, product_id, partner_id, strategy,
    cast(value as decimal(38, 10)) as value,
    cast(samples as bigint) as samples,
    cast(product_samples as bigint) as product_samples
from (
    {{ period_measures() }}
) as measured
