-- One row per sampled measure x day x scope x value: how often the value occurred. Medians read this.
-- The measures stand by name, so that only their branches of the events are read.
with

samples as (
    select events.*, facts.sample
    from {{ ref('kpi_events') }} as events
    inner join (
        select 'cycle_days' as measure_code, deal_id as fact_id, cycle_days as sample from {{ ref('fct_deals') }} where cycle_days is not null
        union all
        select 'lead_to_win_days', deal_id, lead_to_win_days from {{ ref('fct_deals') }} where lead_to_win_days is not null
        union all
        select 'speed_to_lead', lead_id, speed_to_lead_minutes from {{ ref('fct_leads') }} where speed_to_lead_minutes is not null and not is_duplicate
    ) as facts on events.measure_code = facts.measure_code and events.fact_id = facts.fact_id
    where events.measure_code in ('cycle_days', 'lead_to_win_days', 'speed_to_lead')
),

counted as (
    select
        measure_code, occurred_on as day, sample,
        {{ scope_columns() }},
        sum(samples) as samples, sum(product_samples) as product_samples
    from samples
    group by grouping sets ({{ scope_sets('measure_code, occurred_on, sample') }})
)

select
    measure_code, day, scope_type, scope_id, cast(sample as integer) as sample,
    cast(case when scope_type = 'product' then product_samples else samples end as bigint) as sample_count
from counted
where scope_id is not null
