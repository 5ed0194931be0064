-- One row per day x grain: the period that holds the day.
select dates.day, periods.period_grain, periods.period_start
from {{ ref('dim_date') }} as dates
inner join {{ ref('kpi_periods') }} as periods
    on dates.day >= periods.period_start and dates.day < periods.period_end
    and periods.period_start = case periods.period_grain
        when 'day' then dates.day when 'week' then dates.week_start when 'month' then dates.month_start
        when 'quarter' then dates.quarter_start else dates.year_start end
