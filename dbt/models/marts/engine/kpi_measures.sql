-- One row per measure x scope x window of a week and longer. Quarters and years are summed from their months;
-- a balance is that of the window's last day; what no days add up to comes for the period. Measures of
-- another window than the period's own carry its suffix (`__90d`, `__lagged`).
with

cells as (select * from {{ ref('kpi_scope_days') }}),

windows as (select * from {{ ref('kpi_windows') }}),

-- the days of windows that only some measures are asked for in
asked_days as (
    select distinct measures.measure_code, days.day, days.window_number
    from (select distinct measure_code from cells) as measures
    inner join {{ ref('kpi_window_days') }} as days
        on days.suffix <> '' and concat(measures.measure_code, days.suffix) in ({{ suffixed_parts() }})
),

-- windows stand by number until the sums are made: a number is cheaper to group by than what it stands for
numbered as (
    select measure_code, scope_type, scope_id, window_number, sum(value) as value, sum(samples) as samples
    from (
        select cells.measure_code, cells.scope_type, cells.scope_id, days.window_number, cells.value, cells.samples
        from cells
        inner join {{ ref('kpi_window_days') }} as days
            on cells.day = days.day and days.suffix = '' and (days.period_grain in ('week', 'month') or days.window_code <> 'period')
        where not cells.is_balance
        union all
        select cells.measure_code, cells.scope_type, cells.scope_id, days.window_number, cells.value, cells.samples
        from cells
        inner join asked_days as days on cells.measure_code = days.measure_code and cells.day = days.day
        where not cells.is_balance
    ) as held
    group by measure_code, scope_type, scope_id, window_number
),

flows as (
    select
        concat(numbered.measure_code, windows.suffix) as measure_code, numbered.scope_type, numbered.scope_id,
        windows.window_code, windows.period_grain, windows.period_start, numbered.value, numbered.samples
    from numbered
    inner join windows on numbered.window_number = windows.window_number
),

of_months as (
    select
        months.measure_code, months.scope_type, months.scope_id, months.window_code, periods.period_grain, periods.period_start,
        sum(months.value) as value, sum(months.samples) as samples
    from (
        select
            numbered.measure_code, numbered.scope_type, numbered.scope_id, windows.window_code, windows.period_start,
            numbered.value, numbered.samples
        from numbered
        inner join windows on numbered.window_number = windows.window_number
        where windows.period_grain = 'month' and windows.window_code = 'period' and windows.suffix = ''
    ) as months
    inner join {{ ref('kpi_periods') }} as periods
        on months.period_start >= periods.period_start and months.period_start < periods.period_end
        and periods.period_grain in ('quarter', 'year')
    group by months.measure_code, months.scope_type, months.scope_id, months.window_code, periods.period_grain, periods.period_start
),

balances as (
    select
        concat(cells.measure_code, windows.suffix) as measure_code,
        cells.scope_type, cells.scope_id, windows.window_code, windows.period_grain, windows.period_start, cells.value, cells.samples
    from cells
    inner join windows on cells.day = windows.last_day
    where cells.is_balance and (windows.suffix = '' or concat(cells.measure_code, windows.suffix) in ({{ suffixed_parts() }}))
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
from (
    select * from flows
    union all
    select * from of_months
    union all
    select * from balances
) as summed
union all
select
    measure_code, scope_type, scope_id, window_code, period_grain, period_start,
    cast(value as decimal(38, 10)), cast(case when scope_type = 'product' then product_samples else samples end as bigint)
from by_period where scope_id is not null
