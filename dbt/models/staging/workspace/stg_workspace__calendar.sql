-- Days that the `calendar` files name override the country's working days; of two files the newer one.
with

{{ newest_version(ref('stg_files__calendar'), 'day', none) }}

delivered as (select day, is_working from newest)

select
    calendar.day,
    cast(coalesce(delivered.is_working, calendar.is_working) as boolean) as is_working
from {{ source('raw', 'workspace__calendar') }} as calendar
left join delivered on calendar.day = delivered.day
