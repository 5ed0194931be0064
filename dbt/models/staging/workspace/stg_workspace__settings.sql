-- `as_of` bounds events by business date; instants are bounded through their date.
select
    settings.*,
    settings.as_of as last_day
from {{ source('raw', 'workspace__settings') }} as settings
