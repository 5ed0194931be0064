-- Working minutes passed before each day begins: the clock that speed to lead runs on.
select
    calendar.day,
    calendar.is_working,
    settings.work_start_minute,
    settings.work_end_minute,
    cast(sum(case when calendar.is_working then settings.work_end_minute - settings.work_start_minute else 0 end) over (
        order by calendar.day rows between unbounded preceding and current row)
        - case when calendar.is_working then settings.work_end_minute - settings.work_start_minute else 0 end as bigint) as minutes_before
from {{ ref('stg_workspace__calendar') }} as calendar
cross join {{ ref('stg_workspace__settings') }} as settings
