-- Days from the first period to the run's day: what lies outside does not exist.
select dates.day
from {{ source('published', 'dim_date') }} as dates
inner join (
    select min(first_day) as begun_on, max(last_day) as as_of
    from {{ source('published', 'kpi_windows') }} where window_code = 'period' and suffix = ''
) as run on dates.day >= run.begun_on and dates.day <= run.as_of
