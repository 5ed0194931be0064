{{ config(meta={'empty_without': ['pay__closed_corrections']}) }}
select
    period, revision, closed_on, period_grain, period_start, period_end, kpi_code, scope_type, scope_id, scope_name, unit,
    numerator_closed, numerator_now, denominator_closed, denominator_now, value_closed, value_now, source_files
from {{ source('raw', 'pay__closed_corrections') }}
