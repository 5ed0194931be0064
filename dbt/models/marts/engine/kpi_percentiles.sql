-- One row per distribution KPI x scope x window: interpolated between the two neighbours.
-- depends_on: {{ ref('kpi_registry') }}
{%- set shares = registered_kpis() | selectattr('aggregation', 'equalto', 'distribution') | map(attribute='percentile') | unique | list %}
with

kpis as (
    select kpi_code, numerator_measure, percentile from {{ ref('kpi_registry') }} where aggregation = 'distribution' and is_computed
),

cells as (select * from {{ ref('kpi_sample_days') }} where sample_count > 0),

windows as (select * from {{ ref('kpi_windows') }}),

-- what is grouped by the million stands by number
series as (
    select
        *, cast(row_number() over (order by measure_code, scope_type, scope_id) as integer) as series_number,
        measure_code in (select numerator_measure from kpis where concat(kpi_code, '__90d') in ({{ suffixed_parts() }})) as is_trailing
    from (select distinct measure_code, scope_type, scope_id from cells) as named
),

numbered as (
    select series.series_number, series.is_trailing, cells.day, cells.sample, cells.sample_count
    from cells
    inner join series
        on cells.measure_code = series.measure_code and cells.scope_type = series.scope_type and cells.scope_id = series.scope_id
),

-- how often each value occurs in a window: no list of samples is ever held, however many there are
of_days as (
    select series_number, window_number, sample, sum(sample_count) as sample_count
    from (
        select numbered.series_number, days.window_number, numbered.sample, numbered.sample_count
        from numbered
        inner join {{ ref('kpi_window_days') }} as days
            on numbered.day = days.day and days.suffix = '' and (days.period_grain in ('week', 'month') or days.window_code <> 'period')
        union all
        select numbered.series_number, days.window_number, numbered.sample, numbered.sample_count
        from numbered
        inner join {{ ref('kpi_window_days') }} as days on numbered.day = days.day and days.suffix = '__90d'
        where numbered.is_trailing
    ) as held
    group by series_number, window_number, sample
),

-- quarters and years are made of their months
longer as (
    select months.window_number as month_number, windows.window_number
    from windows as months
    inner join {{ ref('kpi_periods') }} as periods
        on months.period_start >= periods.period_start and months.period_start < periods.period_end and periods.period_grain in ('quarter', 'year')
    inner join windows
        on periods.period_grain = windows.period_grain and periods.period_start = windows.period_start
        and windows.window_code = 'period' and windows.suffix = ''
    where months.period_grain = 'month' and months.window_code = 'period' and months.suffix = ''
),

counted as (
    select series_number, window_number, sample, cast(sample_count as bigint) as sample_count from of_days
    union all
    select of_days.series_number, longer.window_number, of_days.sample, cast(sum(of_days.sample_count) as bigint)
    from of_days
    inner join longer on of_days.window_number = longer.month_number
    group by of_days.series_number, longer.window_number, of_days.sample
),

totals as (select series_number, window_number, cast(sum(sample_count) as bigint) as samples from counted group by series_number, window_number),

ranked as (
    select
        counted.series_number, counted.window_number, counted.sample, totals.samples,
        cast(sum(counted.sample_count) over (
            partition by counted.series_number, counted.window_number order by counted.sample
            rows between unbounded preceding and current row) as bigint) as up_to_here
    from counted
    inner join totals on counted.series_number = totals.series_number and counted.window_number = totals.window_number
),

-- between the two neighbours of the place that a share has among the samples, counted from 0
placed as (
    select
        series_number, window_number, max(samples) as samples
        {%- for share in shares %},
        min(case when up_to_here > floor(cast({{ share }} as double) * (samples - 1)) then sample end) as below_{{ loop.index }},
        min(case when up_to_here > ceil(cast({{ share }} as double) * (samples - 1)) then sample end) as above_{{ loop.index }}
        {%- endfor %}
    from ranked group by series_number, window_number
)

select
    kpis.kpi_code, concat(kpis.kpi_code, windows.suffix) as measure_code,
    series.scope_type, series.scope_id, windows.window_code, windows.period_grain, windows.period_start,
    cast(placed.samples as bigint) as samples,
    case kpis.percentile
        {%- for share in shares %}
        when {{ share }} then placed.below_{{ loop.index }} + (placed.above_{{ loop.index }} - placed.below_{{ loop.index }})
            * (cast({{ share }} as double) * (placed.samples - 1) - floor(cast({{ share }} as double) * (placed.samples - 1)))
        {%- endfor %}
    end as value
from placed
inner join series on placed.series_number = series.series_number
inner join windows on placed.window_number = windows.window_number
inner join kpis on series.measure_code = kpis.numerator_measure
