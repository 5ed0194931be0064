-- One row per value outside what its unit allows.
select kpi_values.kpi_code, kpi_values.scope_type, kpi_values.scope_id, kpi_values.period_grain, kpi_values.period_start, kpi_values.value
from {{ ref('kpi_values') }} as kpi_values
inner join {{ ref('dim_kpi') }} as kpis on kpi_values.kpi_code = kpis.kpi_code
where (kpis.aggregation = 'ratio' and kpis.unit = 'share' and kpis.date_rule <> 'each its own'
        and kpis.kpi_code not in ('margin_rate', 'partner_margin_rate', 'nrr', 'nrr_trailing_12m') and (kpi_values.value < 0 or kpi_values.value > 1))
    or (kpis.unit in ('days', 'minutes') and kpi_values.value < 0)
    or (kpi_values.maturity < 0 or kpi_values.maturity > 1.0001)
