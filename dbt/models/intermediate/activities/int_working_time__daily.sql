-- Working minutes passed before each day begins, and the instant at which its own begin: the clock that speed to lead runs on.
-- Minutes pass as they do, not as a clock shows them: the day on which clocks change has an hour more or less, if it is worked in.
with

hours as (
    select
        calendar.day,
        calendar.is_working,
        {{ instant_of_day('calendar.day', 'settings.work_start_minute') }} as work_start_at,
        {{ instant_of_day('calendar.day', 'settings.work_end_minute') }} as work_end_at
    from {{ ref('stg_workspace__calendar') }} as calendar
    cross join {{ ref('stg_workspace__settings') }} as settings
),

counted as (
    select *, case when is_working then {{ minutes_between('work_start_at', 'work_end_at') }} else 0 end as work_minutes from hours
)

select
    day, is_working, work_start_at, work_minutes,
    cast(sum(work_minutes) over (order by day rows between unbounded preceding and current row) - work_minutes as bigint) as minutes_before
from counted
