-- One row per grain x period from the first event to the run's day, with the periods it is compared with.
with

settings as (select * from {{ ref('int_settings') }}),

bounds as (
    select min(first_day) as first_day from (
        select min(day) as first_day from {{ ref('kpi_scope_days') }}
        union all
        select greatest(min(subscriptions.started_on), min(settings.history_start))
        from {{ ref('fct_subscriptions') }} as subscriptions cross join settings
    ) as firsts
),

days as (
    select dates.day, dates.week_start, dates.month_start, dates.quarter_start, dates.year_start
    from {{ ref('dim_date') }} as dates
    cross join settings
    cross join bounds
    where dates.day >= bounds.first_day and dates.day <= settings.as_of
),

starts as (
    select distinct 'day' as period_grain, day as period_start, {{ add_days('day', 1) }} as period_end,
        cast(null as date) as previous_start, cast(null as date) as year_ago_start from days
    union all
    select distinct 'week', week_start, {{ add_days('week_start', 7) }}, {{ add_days('week_start', -7) }}, {{ add_days('week_start', -364) }} from days
    union all
    select distinct 'month', month_start, {{ add_months('month_start', 1) }}, {{ add_months('month_start', -1) }}, {{ add_months('month_start', -12) }} from days
    union all
    select distinct 'quarter', quarter_start, {{ add_months('quarter_start', 3) }}, {{ add_months('quarter_start', -3) }}, {{ add_months('quarter_start', -12) }} from days
    union all
    select distinct 'year', year_start, {{ add_months('year_start', 12) }}, {{ add_months('year_start', -12) }}, {{ add_months('year_start', -12) }} from days
)

select
    starts.*,
    cast({{ days_between('starts.period_start', 'starts.period_end') }} as integer) as day_count,
    starts.period_end <= settings.first_incomplete_on as is_complete,
    {{ add_days('starts.period_end', 'settings.conversion_window_days - 1') }} <= settings.first_incomplete_on as is_window_over
from starts
cross join settings
