-- One row per entity: records accepted in staging = records kept + records left out for a stated reason.
with

settings as (select * from {{ ref('int_settings') }}),

staged as (
    select 'deals' as entity, count(distinct deal_id) as record_count from {{ ref('int_deals__united') }} where not _is_row_rejected
    union all
    select 'leads', count(distinct lead_id) from {{ ref('int_leads__united') }} where not _is_row_rejected
    union all
    select 'activities', count(distinct activity_id) from {{ ref('int_activities__united') }} where not _is_row_rejected
    union all
    select 'payments', count(distinct payment_id) from {{ ref('int_payments__united') }} where not _is_row_rejected
),

kept as (
    select 'deals' as entity, count(*) as record_count from {{ ref('int_deals__attributed') }}
    union all
    select 'leads', count(*) from {{ ref('int_leads__attributed') }}
    union all
    select 'activities', count(*) from {{ ref('int_activities__attributed') }}
    union all
    select 'payments', count(*) from {{ ref('int_payments__attributed') }}
),

left_out as (select entity, count(*) as record_count from {{ ref('int_audit__left_out') }} group by entity)

select
    staged.entity, staged.record_count as records_staged,
    kept.record_count as records_kept,
    coalesce(left_out.record_count, 0) as records_left_out,
    kept.record_count + coalesce(left_out.record_count, 0) as records_accounted
from staged
inner join kept on staged.entity = kept.entity
left join left_out on staged.entity = left_out.entity
