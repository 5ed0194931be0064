-- One row per composite KPI x part x scope x window: what its formula combines.
with

wanted as (
    {{ composite_parts() }}
),

summed as (
    select measure_code, scope_type, scope_id, window_code, period_grain, period_start, cast(value as double) as value
    from {{ ref('kpi_measures') }}
    union all
    select measure_code, scope_type, scope_id, window_code, period_grain, period_start, value
    from {{ ref('kpi_percentiles') }}
)

select
    wanted.kpi_code, wanted.part, summed.scope_type, summed.scope_id, summed.window_code, summed.period_grain, summed.period_start, summed.value
from summed
inner join wanted on summed.measure_code = wanted.part
