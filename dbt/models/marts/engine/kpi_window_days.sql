-- One row per day x window that holds it.
select dates.day, windows.window_number, windows.window_code, windows.suffix, windows.period_grain
from {{ ref('dim_date') }} as dates
inner join {{ ref('kpi_windows') }} as windows on dates.day >= windows.first_day and dates.day <= windows.last_day
