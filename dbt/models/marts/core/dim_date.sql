with

settings as (select * from {{ ref('int_settings') }}),

days as (select day, is_working from {{ ref('int_working_time__daily') }})

select
    days.day,
    {{ iso_week_start('days.day') }} as week_start,
    cast(date_trunc('month', days.day) as date) as month_start,
    {{ fiscal_start('days.day', 3, 'settings.fiscal_year_start_month') }} as quarter_start,
    {{ fiscal_start('days.day', 12, 'settings.fiscal_year_start_month') }} as year_start,
    days.is_working,
    days.day < settings.first_incomplete_on as is_complete
from days
cross join settings
