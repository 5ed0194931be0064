select
    cohorts.period_start as cohort_month, cohorts.scope_type, cohorts.scope_id,
    coalesce(channels.channel_name, settings.company) as scope_name,
    cohorts.age_months, settings.ltv_basis,
    cohorts.customers, cohorts.customers_costed, cohorts.customers_active,
    cast(cohorts.customers_active as double) / nullif(cohorts.customers, 0) as active_rate,
    cohorts.margin as cumulative_margin,
    cast(cohorts.margin as double) / nullif(cohorts.customers_costed, 0) as ltv
from {{ ref('kpi_cohorts') }} as cohorts
cross join {{ ref('int_settings') }} as settings
left join {{ ref('dim_channel') }} as channels on cohorts.scope_type = 'channel' and cohorts.scope_id = channels.channel_id
where cohorts.period_grain = 'month'
