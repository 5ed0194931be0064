{{ config(meta={'empty_without': ['int_activities__united', 'int_payments__united']}) }}
-- One row per activity and payment that a full delivery of its table, by the run's day and after the last one that held it,
-- lacks: it is deleted. A row that was refused is no absence.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

landings as (select * from {{ ref('stg_workspace__landings') }}),

full_deliveries as (
    select landings.source_name, landings.table_name, min(landings._observed_at) as observed_at, min(observations.observed_on) as observed_on
    from landings
    inner join {{ ref('int_landings__observed') }} as observations on landings.landing_key = observations._landing_key
    where landings._is_full_delivery group by landings.source_name, landings.table_name, landings._delivery_id
),

full_tables as (select distinct source_name, table_name from full_deliveries),

last_seen as (
    {%- for entity, key in [('activities', 'activity_id'), ('payments', 'payment_id')] %}
    select '{{ entity }}' as entity, staged.{{ key }} as record_key, landings.source_name, landings.table_name, max(landings._observed_at) as seen_at
    from {{ ref('int_' ~ entity ~ '__united') }} as staged
    inner join landings on staged._landing_key = landings.landing_key
    inner join full_tables on landings.source_name = full_tables.source_name and landings.table_name = full_tables.table_name
    where staged._left_out is null
    group by staged.{{ key }}, landings.source_name, landings.table_name
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select distinct last_seen.entity, last_seen.record_key
from last_seen
cross join settings
inner join full_deliveries
    on last_seen.source_name = full_deliveries.source_name and last_seen.table_name = full_deliveries.table_name
    and full_deliveries.observed_at > last_seen.seen_at and full_deliveries.observed_on <= settings.as_of
