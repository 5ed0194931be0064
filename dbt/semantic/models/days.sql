-- Days up to the run's day: what lies after it does not exist.
select dates.day
from {{ source('published', 'dim_date') }} as dates
inner join (
    select max(last_day) as as_of from {{ source('published', 'kpi_windows') }} where window_code = 'period' and suffix = ''
) as run on dates.day <= run.as_of
