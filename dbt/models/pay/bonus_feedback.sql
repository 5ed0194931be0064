{{ config(meta={'empty_without': ['pay__feedback']}) }}
select
    period, period_grain, period_start, manager_id, manager_name, plans, kind, position, kpi_code, change,
    cast(amount as decimal(18, 4)) as amount, currency
from {{ source('raw', 'pay__feedback') }}
