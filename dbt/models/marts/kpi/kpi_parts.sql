-- One row per composite KPI x part x scope x window: what its formula combines.
with

wanted as (
    {{ composite_parts() }}
),

measures as (select * from {{ ref('kpi_measures') }}),

windows as (select * from {{ ref('kpi_windows') }} where suffix = ''),

-- sums over the twelve whole months that end with a window, or before its last, unfinished month
over_year as (
    select
        concat(months.measure_code, '__12m') as measure_code, months.scope_type, months.scope_id,
        windows.window_code, windows.period_grain, windows.period_start, sum(months.value) as value
    from measures as months
    inner join (select distinct part from wanted where right(part, 5) = '__12m') as yearly on concat(months.measure_code, '__12m') = yearly.part
    inner join windows
        on {{ add_months('months.period_start', 1) }} <= {{ add_days('windows.last_day', 1) }}
        and {{ add_months('months.period_start', 13) }} > {{ add_days('windows.last_day', 1) }}
        and windows.period_grain in ('month', 'quarter', 'year')
    where months.window_code = 'period' and months.period_grain = 'month'
    group by months.measure_code, months.scope_type, months.scope_id, windows.window_code, windows.period_grain, windows.period_start
),

costs as (
    select
        scope_type, scope_id, period_grain, period_start,
        sum(case when measure_code = 'spend' then value end) as spend,
        sum(case when measure_code = 'new_customers' then value end) as customers
    from measures where window_code = 'period' and measure_code in ('spend', 'new_customers')
    group by scope_type, scope_id, period_grain, period_start
),

-- the first age at which a cohort has brought what its customers cost
paybacks as (
    select cohorts.scope_type, cohorts.scope_id, cohorts.period_grain, cohorts.period_start, min(cohorts.age_months) as months
    from {{ ref('kpi_cohorts') }} as cohorts
    inner join costs
        on cohorts.scope_type = costs.scope_type and cohorts.scope_id = costs.scope_id
        and cohorts.period_grain = costs.period_grain and cohorts.period_start = costs.period_start
    where costs.customers > 0 and cohorts.customers_costed > 0
        and cast(cohorts.margin as double) / cohorts.customers_costed >= coalesce(cast(costs.spend as double), 0) / cast(costs.customers as double)
    group by cohorts.scope_type, cohorts.scope_id, cohorts.period_grain, cohorts.period_start
),

-- goals on revenue: as given, or grown from the sum of the periods of their base, which history or employment must reach
revenue_targets as (
    select
        goals.scope_type, goals.scope_id, goals.period_grain, goals.period_start,
        max(coalesce(cast(goals.target_value as double), cast(goals.growth as double) * bases.value / goals.base_periods)) as value
    from {{ source('raw', 'goals__revenue_targets') }} as goals
    left join (
        select goals.scope_type, goals.scope_id, goals.period_grain, goals.period_start, cast(sum(measures.value) as double) as value
        from {{ source('raw', 'goals__revenue_targets') }} as goals
        inner join measures
            on measures.measure_code = 'booked_revenue' and measures.window_code = 'period'
            and goals.scope_type = measures.scope_type and goals.scope_id = measures.scope_id and goals.period_grain = measures.period_grain
            and measures.period_start >= goals.base_first and measures.period_start <= goals.base_last
        inner join {{ ref('kpi_scopes') }} as scopes
            on goals.scope_type = scopes.scope_type and goals.scope_id = scopes.scope_id
            and {{ is_base_known('goals.period_grain', 'goals.base_first', 'scopes.known_from') }}
        group by goals.scope_type, goals.scope_id, goals.period_grain, goals.period_start
    ) as bases
        on goals.scope_type = bases.scope_type and goals.scope_id = bases.scope_id
        and goals.period_grain = bases.period_grain and goals.period_start = bases.period_start
    group by goals.scope_type, goals.scope_id, goals.period_grain, goals.period_start
),

summed as (
    select measure_code, scope_type, scope_id, window_code, period_grain, period_start, cast(value as double) as value
    from measures
    union all
    select measure_code, scope_type, scope_id, window_code, period_grain, period_start, value from {{ ref('kpi_percentiles') }}
    union all
    select measure_code, scope_type, scope_id, window_code, period_grain, period_start, cast(value as double) from over_year
    union all
    select 'revenue_target', scope_type, scope_id, 'period', period_grain, period_start, value from revenue_targets where value > 0
    union all
    select 'payback_months', scope_type, scope_id, 'period', period_grain, period_start, cast(months as double) from paybacks
)

select
    wanted.kpi_code, wanted.part, summed.scope_type, summed.scope_id, summed.window_code, summed.period_grain, summed.period_start, summed.value
from summed
inner join wanted on summed.measure_code = wanted.part
