{{ config(meta={'empty_without': ['pay__kpi_values_closed']}) }}
select
    period, revision, closed_on, closed_by, closed_because, kpi_code, scope_type, scope_id, scope_name, period_grain,
    period_start, period_end, is_complete, numerator, denominator, value, sample_size, is_low_sample, maturity, is_mature, unit
from {{ source('raw', 'pay__kpi_values_closed') }}
