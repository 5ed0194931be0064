-- One row per entity: records accepted in staging = records kept + records left out for a stated reason.
with

settings as (select * from {{ ref('int_settings') }}),

-- rows of spend by cut: some of their money counts, or none
spend_spans as (
    select slot, unit, cut, spent_on, last_on, row_key, max(row_count) as row_count, bool_or(verdict = 'counts') as is_counted
    from {{ ref('int_spend__grain') }} group by slot, unit, cut, spent_on, last_on, row_key
),

staged as (
    {%- for entity in ['deals', 'leads', 'activities', 'payments'] %}
    select '{{ entity }}' as entity, count(*) - coalesce(max(repeated.row_count), 0) as record_count
    from {{ ref('int_' ~ entity ~ '__united') }}
    cross join (select sum(row_count - 1) as row_count from {{ ref('int_records__repeated') }} where entity = '{{ entity }}') as repeated
    where not _is_row_rejected
    union all
    {%- endfor %}
    select 'subscriptions', count(distinct concat(subscription_id, '|', cast(started_on as {{ dbt.type_string() }})))
    from {{ ref('int_subscriptions__united') }} where not _is_row_rejected
    union all
    select 'spend', count(*) from {{ ref('int_spend__united') }} where not _is_row_rejected
),

kept as (
    select 'deals' as entity, count(*) as record_count from {{ ref('int_deals__attributed') }}
    union all
    select 'leads', count(*) from {{ ref('int_leads__attributed') }}
    union all
    select 'activities', count(*) from {{ ref('int_activities__attributed') }}
    union all
    select 'payments', count(*) from {{ ref('int_payments__attributed') }}
    union all
    select 'subscriptions', count(*) from {{ ref('int_subscriptions__spells') }} where basis = 'subscriptions'
    union all
    select 'spend', coalesce(sum(row_count), 0) from spend_spans where is_counted
),

left_out as (
    select entity, count(*) as record_count from {{ ref('int_audit__left_out') }} group by entity
    union all
    select 'spend', count(*) from {{ ref('int_spend__keyed') }} as keyed
    left join spend_spans on keyed.slot = spend_spans.slot and keyed.unit = spend_spans.unit and keyed.cut is not distinct from spend_spans.cut
        and keyed.spent_on = spend_spans.spent_on and keyed.last_on = spend_spans.last_on
        and (spend_spans.row_key is null or spend_spans.row_key = keyed._source_row)
    where not keyed.is_kept or not spend_spans.is_counted
)

select
    staged.entity, staged.record_count as records_staged,
    kept.record_count as records_kept,
    coalesce(left_out.record_count, 0) as records_left_out,
    kept.record_count + coalesce(left_out.record_count, 0) as records_accounted
from staged
inner join kept on staged.entity = kept.entity
left join left_out on staged.entity = left_out.entity
