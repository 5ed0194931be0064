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

samples as (
    select series.series_number, series.is_trailing, cells.day, cells.sample, {{ each_repetition('cells.sample_count') }} as repetition
    from cells
    inner join series
        on cells.measure_code = series.measure_code and cells.scope_type = series.scope_type and cells.scope_id = series.scope_id
),

within as (
    select samples.series_number, days.window_number, samples.sample
    from samples
    inner join {{ ref('kpi_window_days') }} as days on samples.day = days.day and days.suffix = ''
    union all
    select samples.series_number, days.window_number, samples.sample
    from samples
    inner join {{ ref('kpi_window_days') }} as days on samples.day = days.day and days.suffix = '__90d'
    where samples.is_trailing
),

placed as (
    select series_number, window_number, count(*) as samples, {{ percentiles('sample', shares) }} as percentiles
    from within group by series_number, window_number
)

select
    kpis.kpi_code, concat(kpis.kpi_code, windows.suffix) as measure_code,
    series.scope_type, series.scope_id, windows.window_code, windows.period_grain, windows.period_start,
    cast(placed.samples as bigint) as samples,
    cast(case kpis.percentile
        {%- for share in shares %}
        when {{ share }} then {{ nth_item('placed.percentiles', loop.index) }}
        {%- endfor %}
    end as double) as value
from placed
inner join series on placed.series_number = series.series_number
inner join windows on placed.window_number = windows.window_number
inner join kpis on series.measure_code = kpis.numerator_measure
