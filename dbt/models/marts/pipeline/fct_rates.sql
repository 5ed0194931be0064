select currency, day, rate from {{ ref('int_fx__daily') }} where day > date '1900-01-01'
union all
select settings.reporting_currency, dates.day, cast(1 as decimal(18, 8))
from {{ ref('dim_date') }} as dates
cross join {{ ref('int_settings') }} as settings
where dates.day <= settings.as_of
