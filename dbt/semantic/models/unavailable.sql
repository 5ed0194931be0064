-- The codes between semicolons, so that one can be looked for.
select coalesce(';' || string_agg(kpi_code, ';' order by kpi_code) || ';', '') as unavailable
from {{ source('published', 'dim_kpi') }}
where not is_available
