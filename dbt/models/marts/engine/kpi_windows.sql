-- One row per window of days whose measures are summed: each period up to the run's day, and beside
-- the period that is not over the days it is compared with (as many days, or as many working days,
-- of the period before and of the year before), under the period's own key. Trailing windows of
-- 90 days end with their window's last day.
with

settings as (select * from {{ ref('int_settings') }}),

periods as (select * from {{ ref('kpi_periods') }} where period_grain <> 'day'),

unfinished as (
    select periods.*, {{ days_between('periods.period_start', 'settings.as_of') }} as days_before
    from periods
    cross join settings
    where not periods.is_complete
),

bases as (
    select
        period_grain, period_start, days_before, 'previous' as base, previous_start as base_start, period_start as base_end
    from unfinished
    union all
    select
        period_grain, period_start, days_before, 'year_ago', year_ago_start,
        case period_grain
            when 'week' then {{ add_days('year_ago_start', 7) }}
            when 'month' then {{ add_months('year_ago_start', 1) }}
            when 'quarter' then {{ add_months('year_ago_start', 3) }}
            else {{ add_months('year_ago_start', 12) }}
        end
    from unfinished
),

working_days as (
    select
        bases.period_grain, bases.period_start, bases.base, dates.day,
        row_number() over (partition by bases.period_grain, bases.period_start, bases.base order by dates.day) as place
    from bases
    inner join {{ ref('dim_date') }} as dates on dates.day >= bases.base_start and dates.day < bases.base_end and dates.is_working
),

elapsed as (
    select unfinished.period_grain, unfinished.period_start, count(*) as working_days
    from unfinished
    cross join settings
    inner join {{ ref('dim_date') }} as dates
        on dates.day >= unfinished.period_start and dates.day <= settings.as_of and dates.is_working
    group by unfinished.period_grain, unfinished.period_start
),

-- a base with fewer working days than have gone by is compared whole
reached as (
    select
        bases.period_grain, bases.period_start, bases.base, bases.base_start,
        coalesce(min(case when working_days.place = elapsed.working_days then working_days.day end), {{ add_days('max(bases.base_end)', -1) }}) as last_day
    from bases
    inner join elapsed on bases.period_grain = elapsed.period_grain and bases.period_start = elapsed.period_start
    left join working_days
        on bases.period_grain = working_days.period_grain and bases.period_start = working_days.period_start and bases.base = working_days.base
    group by bases.period_grain, bases.period_start, bases.base, bases.base_start
),

windows as (
    select
        'period' as window_code, periods.period_grain, periods.period_start, periods.period_start as first_day,
        least({{ add_days('periods.period_end', -1) }}, settings.as_of) as last_day, periods.is_window_over
    from periods
    cross join settings
    union all
    select
        concat(bases.base, '_to_date'), bases.period_grain, bases.period_start, bases.base_start,
        least({{ add_days('bases.base_start', 'bases.days_before') }}, {{ add_days('bases.base_end', -1) }}),
        {{ add_days('least(' ~ add_days('bases.base_start', 'bases.days_before') ~ ', ' ~ add_days('bases.base_end', -1) ~ ')', 'settings.conversion_window_days') }}
            <= settings.first_incomplete_on
    from bases
    cross join settings
    union all
    select
        concat(reached.base, '_to_date_working_day'), reached.period_grain, reached.period_start, reached.base_start, reached.last_day,
        {{ add_days('reached.last_day', 'settings.conversion_window_days') }} <= settings.first_incomplete_on
    from reached
    cross join settings
)

select
    window_code, period_grain, period_start, cast(first_day as date) as first_day, cast(last_day as date) as last_day,
    is_window_over, false as is_trailing
from windows
union all
select
    window_code, period_grain, period_start, {{ add_days('last_day', -89) }}, cast(last_day as date),
    is_window_over, true
from windows
where period_grain <> 'week'
