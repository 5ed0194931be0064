-- One row per distribution KPI x scope x window. Interpolated between the two neighbours, as percentile_cont does.
with

kpis as (
    select kpi_code, numerator_measure, cast(percentile as double) as percentile
    from {{ ref('kpi_registry') }} where aggregation = 'distribution' and is_computed
),

counted as (
    select
        cells.measure_code, cells.scope_type, cells.scope_id, days.window_code, days.suffix, days.period_grain, days.period_start,
        cells.sample, sum(cells.sample_count) as sample_count
    from {{ ref('kpi_sample_days') }} as cells
    inner join {{ ref('kpi_window_days') }} as days on cells.day = days.day
    where cells.sample_count > 0 and (days.suffix = '' or concat(cells.measure_code, days.suffix) in (
        select concat(numerator_measure, '__90d') from kpis where concat(kpi_code, '__90d') in ({{ suffixed_parts() }})))
    group by
        cells.measure_code, cells.scope_type, cells.scope_id, days.window_code, days.suffix, days.period_grain, days.period_start,
        cells.sample
),

placed as (
    select
        *,
        sum(sample_count) over (
            partition by measure_code, scope_type, scope_id, window_code, suffix, period_grain, period_start order by sample
            rows between unbounded preceding and current row) as reached,
        sum(sample_count) over (
            partition by measure_code, scope_type, scope_id, window_code, suffix, period_grain, period_start) as total
    from counted
),

positions as (
    select placed.*, kpis.kpi_code, kpis.percentile * (placed.total - 1) as position
    from placed
    inner join kpis on placed.measure_code = kpis.numerator_measure
),

neighbours as (
    select
        kpi_code, scope_type, scope_id, window_code, suffix, period_grain, period_start,
        max(total) as samples, max(position) as position,
        min(case when reached > floor(position) then sample end) as lower_value,
        min(case when reached > ceil(position) then sample end) as upper_value
    from positions
    group by kpi_code, scope_type, scope_id, window_code, suffix, period_grain, period_start
)

select
    kpi_code, concat(kpi_code, suffix) as measure_code,
    scope_type, scope_id, window_code, period_grain, period_start,
    cast(samples as bigint) as samples,
    cast(lower_value as double) + (position - floor(position)) * cast(upper_value - lower_value as double) as value
from neighbours
