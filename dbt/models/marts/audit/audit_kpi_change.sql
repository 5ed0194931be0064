{{ config(meta={'empty_without': ['int_published_before']}) }}
-- One row per period that is complete in both publications: the revenue then and now.
select
    before.period_grain, before.period_start,
    cast(before.booked_revenue as double) as revenue_before,
    cast(now.numerator as double) as revenue_now,
    not (before.booked_revenue > 0 and coalesce(now.numerator, 0) < before.booked_revenue * (1 - settings.revenue_drop_limit)) as is_within_limit
from {{ ref('int_published_before') }} as before
cross join {{ ref('int_settings') }} as settings
left join {{ ref('kpi_values') }} as now
    on now.kpi_code = 'booked_revenue' and now.scope_type = 'company'
    and now.period_grain = before.period_grain and now.period_start = before.period_start and now.is_complete
where before.period_grain in ('month', 'quarter', 'year') and before.period_end <= settings.first_incomplete_on
