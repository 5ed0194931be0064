-- One row per measure x scope x window of a week and longer. A balance is that of the window's last day;
-- what compares two ends of a period comes for the period. Measures of
-- another window than the period's own carry its suffix (`__90d`, `__lagged`).
with

by_day as (
    select
        concat(cells.measure_code, days.suffix) as measure_code,
        cells.scope_type, cells.scope_id, days.window_code, days.period_grain, days.period_start,
        sum(cells.value) as value, sum(cells.samples) as samples
    from {{ ref('kpi_scope_days') }} as cells
    inner join {{ ref('kpi_window_days') }} as days on cells.day = days.day
    where (not cells.is_balance or days.is_last_day) and (days.suffix = '' or concat(cells.measure_code, days.suffix) in ({{ suffixed_parts() }}))
    group by
        cells.measure_code, days.suffix, cells.scope_type, cells.scope_id, days.window_code, days.period_grain, days.period_start
),

by_period as (
    select
        measure_code, {{ scope_columns() }}, window_code, period_grain, period_start,
        sum(value) as value, sum(samples) as samples, sum(product_samples) as product_samples
    from {{ ref('kpi_period_events') }}
    group by grouping sets ({{ scope_sets('measure_code, window_code, period_grain, period_start') }})
)

select
    measure_code, scope_type, scope_id, window_code, period_grain, period_start,
    cast(value as decimal(38, 10)) as value, cast(samples as bigint) as samples
from by_day
union all
select
    measure_code, scope_type, scope_id, window_code, period_grain, period_start,
    cast(value as decimal(38, 10)), cast(case when scope_type = 'product' then product_samples else samples end as bigint)
from by_period where scope_id is not null
