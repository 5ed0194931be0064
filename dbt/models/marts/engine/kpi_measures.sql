-- One row per measure x scope x period.
select
    cells.measure_code, cells.scope_type, cells.scope_id, days.period_grain, days.period_start,
    cast(sum(cells.value) as decimal(38, 10)) as value,
    cast(sum(cells.samples) as bigint) as samples
from {{ ref('kpi_scope_days') }} as cells
inner join {{ ref('kpi_period_days') }} as days on cells.day = days.day
group by cells.measure_code, cells.scope_type, cells.scope_id, days.period_grain, days.period_start
