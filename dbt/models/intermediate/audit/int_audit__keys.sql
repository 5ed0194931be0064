-- One row per key that stands twice where it must stand once.
{%- set keyed = [('int_deals__attributed', 'deal_id'), ('int_leads__attributed', 'lead_id'), ('int_activities__attributed', 'activity_id'),
    ('int_payments__attributed', 'payment_id'),
    ('int_subscriptions__spells', "concat(subscription_id, '|', cast(started_on as " ~ dbt.type_string() ~ "))"), ('int_customers__described', 'customer_id'), ('int_products__described', 'product_id')] %}
{%- for model, key in keyed %}
select '{{ model }}' as model_name, {{ key }} as key_value, count(*) as occurrences from {{ ref(model) }} group by {{ key }} having count(*) > 1
{{ 'union all' if not loop.last }}
{%- endfor %}
