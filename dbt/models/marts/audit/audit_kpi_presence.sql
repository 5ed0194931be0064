-- One row per available KPI: how many rows the company has of it.
select kpis.kpi_code, count(kpi_values.kpi_code) as row_count
from {{ ref('dim_kpi') }} as kpis
left join {{ ref('kpi_values') }} as kpi_values on kpis.kpi_code = kpi_values.kpi_code and kpi_values.scope_type = 'company'
where kpis.is_available
group by kpis.kpi_code
