-- One row per measure x day x scope: the events, and the balances of each day, summed once for every scope.
with

settings as (select * from {{ ref('int_settings') }}),

measured as (
    select
        measure_code, occurred_on, manager_id, team_id, channel_id, product_id, partner_id, strategy,
        value, samples, product_samples, false as is_balance
    from {{ ref('kpi_events') }}
    union all
    select
        measure_code, occurred_on, manager_id, team_id, channel_id, product_id, partner_id, strategy,
        value, samples, product_samples, true
    from {{ ref('kpi_balances') }}
),

summed as (
    select
        measure_code, is_balance, occurred_on as day, {{ scope_columns() }},
        sum(value) as value, sum(samples) as samples, sum(product_samples) as product_samples
    from measured
    group by grouping sets ({{ scope_sets('measure_code, is_balance, occurred_on') }})
)

select
    summed.measure_code, summed.is_balance, summed.day, summed.scope_type, summed.scope_id,
    -- covered days of the company are days on which any channel is covered
    cast(case when summed.measure_code = 'spend_covered_days' then 1 else summed.value end as decimal(38, 10)) as value,
    cast(case when summed.scope_type = 'product' then summed.product_samples else summed.samples end as bigint) as samples
from summed
cross join settings
where summed.scope_id is not null and summed.day >= settings.history_start
union all
select measure_code, true, day, scope_type, scope_id, value, samples
from {{ ref('kpi_running_balances') }}
