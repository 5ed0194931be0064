-- One row per row of a file whose key stands again further down, where no updated_at decides.
{%- set keyed = [('deals', 'deal_id', true), ('leads', 'lead_id', true), ('customers', 'customer_id', true), ('activities', 'activity_id', false), ('payments', 'payment_id', false)] %}
{%- for entity, key, has_updated_at in keyed %}
select '{{ entity }}' as entity, staged._source_file, staged._source_row, '{{ key }}' as column_name, staged.{{ key }} as value
from {{ ref('int_' ~ entity ~ '__united') }} as staged
inner join (
    select rows_._landing_key, rows_.{{ key }} as repeated_key, max(rows_._source_row) as last_row
    from {{ ref('int_' ~ entity ~ '__united') }} as rows_
    inner join {{ ref('int_records__repeated') }} as records on records.entity = '{{ entity }}' and rows_.{{ key }} = records.record_key
    where not rows_._is_row_rejected
    group by rows_._landing_key, rows_.{{ key }} having count(*) > 1 {{ 'and count(rows_.updated_at) = 0' if has_updated_at }}
) as repeated on staged._landing_key = repeated._landing_key and staged.{{ key }} = repeated.repeated_key and staged._source_row < repeated.last_row
where not staged._is_row_rejected
union all
{%- endfor %}
select 'subscriptions', staged._source_file, staged._source_row, 'subscription_id', staged.subscription_id
from {{ ref('int_subscriptions__united') }} as staged
inner join (
    select _landing_key, subscription_id, started_on, max(_source_row) as last_row
    from {{ ref('int_subscriptions__united') }} where not _is_row_rejected
    group by _landing_key, subscription_id, started_on having count(*) > 1 and count(updated_at) = 0
) as repeated
    on staged._landing_key = repeated._landing_key and staged.subscription_id = repeated.subscription_id
    and staged.started_on = repeated.started_on and staged._source_row < repeated.last_row
where not staged._is_row_rejected
