-- One row per window of days whose measures are summed: each period up to the run's day, and beside
-- the period that is not over the days it is compared with (as many days, or as many working days,
-- of the period before and of the year before), under the period's own key. Beside each window, under
-- a suffix: the 90 days that end with it (`__90d`), and the days that lie the usual way from lead to
-- win before it (`__lagged`), shifted by whole periods of the grain.
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
),

-- the usual way of a fiscal year is the median of the wins of the year before
ways as (
    select
        {{ fiscal_start('deals.won_on', 12, 'settings.fiscal_year_start_month') }} as year_start,
        {{ percentile('deals.lead_to_win_days', 0.5) }} as median_days
    from {{ ref('fct_deals') }} as deals
    cross join settings
    where deals.won_on is not null and deals.lead_to_win_days is not null
    group by {{ fiscal_start('deals.won_on', 12, 'settings.fiscal_year_start_month') }}
),

reported as (select min(day) as first_day from {{ ref('fct_spend_coverage') }}),

lags as (
    select
        windows.*,
        cast(floor(ways.median_days / case windows.period_grain when 'month' then 30.4375 when 'quarter' then 91.3125 else 365.25 end + 0.5) as integer)
            * case windows.period_grain when 'month' then 1 when 'quarter' then 3 else 12 end as months
    from windows
    cross join settings
    inner join ways
        on {{ add_months(fiscal_start('windows.first_day', 12, 'settings.fiscal_year_start_month'), -12) }} = ways.year_start
    where windows.period_grain <> 'week'
),

-- a whole period is shifted to a whole one, a part to the same day of the month
lagged as (
    select
        lags.*, {{ add_months('lags.first_day', '-lags.months') }} as lagged_first,
        case
            when extract(day from {{ add_days('lags.last_day', 1) }}) = 1
                then {{ add_days(add_months(add_days('lags.last_day', 1), '-lags.months'), -1) }}
            else {{ add_months('lags.last_day', '-lags.months') }}
        end as lagged_last
    from lags
),

every_window as (
    select
        windows.window_code, '' as suffix, windows.period_grain, windows.period_start,
        cast(windows.first_day as date) as first_day, cast(windows.last_day as date) as last_day, windows.is_window_over,
        {{ add_months('windows.last_day', 12) }} <= settings.first_incomplete_on as is_year_over
    from windows
    cross join settings
    union all
    select window_code, '__90d', period_grain, period_start, {{ add_days('last_day', -89) }}, cast(last_day as date), is_window_over, cast(null as boolean)
    from windows where period_grain <> 'week'
    union all
    select lagged.window_code, '__lagged', lagged.period_grain, lagged.period_start, lagged.lagged_first, lagged.lagged_last, lagged.is_window_over, cast(null as boolean)
    from lagged
    inner join reported on lagged.lagged_first >= reported.first_day
)

select
    window_code, suffix, period_grain, period_start, first_day, last_day, is_window_over, is_year_over,
    cast(row_number() over (order by window_code, suffix, period_grain, period_start) as integer) as window_number
from every_window
