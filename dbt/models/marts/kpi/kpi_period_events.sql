{{ config(materialized='view') }}
-- One row per fact x measure x window: what days do not add up to, such as what compares the two ends of a period.
with

movements as (
    select
        windows.window_code, windows.period_grain, windows.period_start,
        months.customer_id, months.manager_id, months.team_id, months.strategy, months.channel_id,
        months.mrr_new, months.mrr_expansion, months.mrr_contraction, months.mrr_churned, months.mrr_reactivated
    from {{ ref('fct_mrr_movements') }} as months
    inner join {{ ref('kpi_windows') }} as windows
        on months.counted_on >= windows.first_day and months.counted_on <= windows.last_day
        and windows.suffix = '' and windows.period_grain in ('month', 'quarter', 'year')
    union all
    select
        window_code, period_grain, period_start, customer_id, manager_id, team_id, strategy, channel_id,
        {{ mrr_movements('mrr_part_start', 'mrr_end', 'coalesce(first_seen_on > part_before, true)') }}
    from {{ ref('fct_mrr_periods') }}
    where part_before is not null
),

customers as (
    select
        windows.window_code, windows.period_grain, windows.period_start, customers.customer_id, customers.channel_id, customers.first_year_margin,
        cast(null as {{ dbt.type_string() }}) as manager_id, cast(null as {{ dbt.type_string() }}) as team_id, cast(null as {{ dbt.type_string() }}) as strategy
    from {{ ref('dim_customer') }} as customers
    inner join {{ ref('kpi_windows') }} as windows
        on customers.acquired_on >= windows.first_day and customers.acquired_on <= windows.last_day
        and windows.suffix = '' and windows.is_year_over and windows.period_grain in ('month', 'quarter', 'year')
),

measured as (
    {{ mrr_measures() }}
    union all
    {{ ltv_measures() }}
    union all
    {{ due_measures() }}
)

select
    measure_code, window_code, period_grain, period_start, fact_table, fact_id,
    manager_id, team_id, channel_id, product_id, partner_id, strategy,
    cast(value as decimal(38, 10)) as value,
    cast(samples as bigint) as samples,
    cast(product_samples as bigint) as product_samples
from measured
