-- Days that the `calendar` files name override the country's working days.
with

delivered as (
    select day, max(cast(is_working as integer)) as is_working
    from {{ ref('stg_files__calendar') }}
    where not _is_row_rejected
    group by day
)

select
    calendar.day,
    cast(coalesce(delivered.is_working, cast(calendar.is_working as integer)) as boolean) as is_working
from {{ source('raw', 'workspace__calendar') }} as calendar
left join delivered on calendar.day = delivered.day
