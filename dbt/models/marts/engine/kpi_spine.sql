-- One row per scope x period that is owed figures: dense from the week up, where something happened else. A quarter or
-- year of which history or employment lacks the first month is no base: `previous_start`, `year_ago_start` are NULL then.
with

happened as (
    select distinct scope_type, scope_id, 'day' as period_grain, day as period_start from {{ ref('kpi_scope_days') }}
    where measure_code <> 'spend_covered_days' and (value <> 0 or samples <> 0)
    union
    select distinct scope_type, scope_id, period_grain, period_start from {{ ref('kpi_measures') }}
    where window_code = 'period' and measure_code <> 'spend_covered_days' and (value <> 0 or samples <> 0)
),

owed as (
    select scopes.scope_type, scopes.scope_id, periods.period_grain, periods.period_start
    from {{ ref('kpi_scopes') }} as scopes
    inner join {{ ref('kpi_periods') }} as periods
        on scopes.is_dense and periods.period_grain <> 'day'
        and scopes.owed_from < periods.period_end and scopes.owed_to >= periods.period_start
),

rows_ as (
    select scope_type, scope_id, period_grain, period_start from happened
    union
    select scope_type, scope_id, period_grain, period_start from owed
)

select
    rows_.scope_type, rows_.scope_id, scopes.scope_name, scopes.owed_from, scopes.known_from,
    periods.period_grain, periods.period_start, periods.period_end,
    case when {{ is_base_known('periods.period_grain', 'periods.previous_start', 'scopes.known_from') }} then periods.previous_start end as previous_start,
    case when {{ is_base_known('periods.period_grain', 'periods.year_ago_start', 'scopes.known_from') }} then periods.year_ago_start end as year_ago_start,
    periods.day_count, periods.is_complete, periods.is_window_over
from rows_
inner join {{ ref('kpi_scopes') }} as scopes on rows_.scope_type = scopes.scope_type and rows_.scope_id = scopes.scope_id
inner join {{ ref('kpi_periods') }} as periods on rows_.period_grain = periods.period_grain and rows_.period_start = periods.period_start
