{{ config(meta={'empty_without': ['kpi_cohorts']}) }}
-- What a customer brought is told under the guard of the KPI `ltv`: where enough wins name their customer.
with

named as (
    select
        measures.scope_type, measures.scope_id, measures.period_start,
        sum(case when measures.measure_code = kpis.guard_numerator then measures.value else 0 end)
            >= max(kpis.guard_minimum) * sum(case when measures.measure_code = kpis.guard_denominator then measures.value else 0 end) as is_enough
    from {{ ref('kpi_measures') }} as measures
    inner join {{ ref('dim_kpi') }} as kpis on kpis.kpi_code = 'ltv' and measures.measure_code in (kpis.guard_numerator, kpis.guard_denominator)
    where measures.window_code = 'period' and measures.period_grain = 'month'
    group by measures.scope_type, measures.scope_id, measures.period_start
)

select
    cohorts.period_start as cohort_month, cohorts.scope_type, cohorts.scope_id,
    coalesce(channels.channel_name, settings.company) as scope_name,
    cohorts.age_months, settings.ltv_basis,
    cohorts.customers, cohorts.customers_costed, cohorts.customers_active,
    cast(cohorts.customers_active as double) / nullif(cohorts.customers, 0) as active_rate,
    cohorts.margin as cumulative_margin,
    case when coalesce(named.is_enough, true) then cast(cohorts.margin as double) / nullif(cohorts.customers_costed, 0) end as ltv
from {{ ref('kpi_cohorts') }} as cohorts
cross join {{ ref('int_settings') }} as settings
left join named
    on cohorts.scope_type = named.scope_type and cohorts.scope_id = named.scope_id and cohorts.period_start = named.period_start
left join {{ ref('dim_channel') }} as channels on cohorts.scope_type = 'channel' and cohorts.scope_id = channels.channel_id
where cohorts.period_grain = 'month'
