-- One row per measure x day x scope: the events, and the balances of each day, summed once for every scope.
with

settings as (select * from {{ ref('int_settings') }}),

{{ measured_relations() }}

summed as (
    {{ event_measures('sums') }}
),

-- a measure may be read off more than one relation
added as (
    select
        measure_code, false as is_balance, day, scope_type, scope_id,
        sum(value) as value, sum(samples) as samples, sum(product_samples) as product_samples
    from summed
    where scope_id is not null
    group by measure_code, day, scope_type, scope_id
),

balances as (
    select
        measure_code, true as is_balance, occurred_on as day, {{ scope_columns() }},
        sum(value) as value, sum(samples) as samples, sum(product_samples) as product_samples
    from {{ ref('kpi_balances') }}
    group by grouping sets ({{ scope_sets('measure_code, occurred_on') }})
),

cells as (
    select * from added
    union all
    select * from balances where scope_id is not null
)

select
    cells.measure_code, cells.is_balance, cells.day, cells.scope_type, cells.scope_id,
    -- covered days of the company are days on which any channel is covered
    cast(case when cells.measure_code = 'spend_covered_days' then 1 else cells.value end as decimal(38, 10)) as value,
    cast(case when cells.scope_type = 'product' then cells.product_samples else cells.samples end as bigint) as samples
from cells
cross join settings
where cells.day >= settings.history_start
union all
select measure_code, true, day, scope_type, scope_id, value, samples
from {{ ref('kpi_running_balances') }}
