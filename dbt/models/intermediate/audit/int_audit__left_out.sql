-- One row per accepted record that no figure holds, with the reason.
with

settings as (select * from {{ ref('int_settings') }}),

deals as (
    select
        staged.deal_id, bool_or(staged.merged_into is not null) as is_merged, min(staged.opened_on) as opened_on,
        min(staged._source_file) as _source_file, min(staged._source_row) as _source_row
    from {{ ref('int_deals__united') }} as staged
    left join {{ ref('int_deals__attributed') }} as kept on staged.deal_id = kept.deal_id
    where not staged._is_row_rejected and kept.deal_id is null
    group by staged.deal_id
),

leads as (
    select
        staged.lead_id, bool_or(staged.merged_into is not null) as is_merged, min(staged.created_on) as created_on,
        min(staged._source_file) as _source_file, min(staged._source_row) as _source_row
    from {{ ref('int_leads__united') }} as staged
    left join {{ ref('int_leads__attributed') }} as kept on staged.lead_id = kept.lead_id
    where not staged._is_row_rejected and kept.lead_id is null
    group by staged.lead_id
),

-- some version of them is of a later day, or a full delivery lacks them; where the newest tells otherwise, they are kept
later as (
    {%- for entity, key, day in [('activities', 'activity_id', 'occurred_on'), ('payments', 'payment_id', 'paid_on')] %}
    select '{{ entity }}' as entity, staged.{{ key }} as record_id,
        case when bool_or(gone.record_key is not null) then 'deleted' else 'after_as_of' end as reason_code,
        min(staged._source_file) as _source_file, min(staged._source_row) as _source_row
    from {{ ref('int_' ~ entity ~ '__united') }} as staged
    cross join settings
    left join {{ ref('int_records__absent') }} as gone
        on gone.entity = '{{ entity }}' and staged.{{ key }} = gone.record_key
    where not staged._is_row_rejected and (staged.{{ day }} > settings.as_of or gone.record_key is not null)
    group by staged.{{ key }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select 'deals' as entity, deals.deal_id as record_id,
    case when deals.is_merged then 'merged' when deals.opened_on > settings.as_of then 'after_as_of' else 'deleted' end as reason_code,
    deals._source_file, deals._source_row
from deals cross join settings
union all
select 'leads', leads.lead_id,
    case when leads.is_merged then 'merged' when leads.created_on > settings.as_of then 'after_as_of' else 'deleted' end,
    leads._source_file, leads._source_row
from leads cross join settings
union all
select later.entity, later.record_id, later.reason_code, later._source_file, later._source_row from later
left join {{ ref('int_activities__attributed') }} as activities on later.entity = 'activities' and later.record_id = activities.activity_id
left join {{ ref('int_payments__attributed') }} as payments on later.entity = 'payments' and later.record_id = payments.payment_id
where activities.activity_id is null and payments.payment_id is null
union all
select 'subscriptions', concat(staged.subscription_id, '|', cast(staged.started_on as {{ dbt.type_string() }})),
    case when staged.started_on > max(settings.as_of) then 'after_as_of' when min(staged.billing_months) <= 0 then 'not_recurring' else 'deleted' end,
    min(staged._source_file), min(staged._source_row)
from {{ ref('int_subscriptions__united') }} as staged
cross join settings
left join {{ ref('int_subscriptions__spells') }} as kept
    on staged.subscription_id = kept.subscription_id and staged.started_on = kept.started_on and kept.basis = 'subscriptions'
where not staged._is_row_rejected and kept.subscription_id is null
group by staged.subscription_id, staged.started_on
