-- One row per key that stands in more than one accepted row of an entity, with how often it does.
{%- set keyed = [('deals', 'deal_id'), ('leads', 'lead_id'), ('customers', 'customer_id'), ('activities', 'activity_id'), ('payments', 'payment_id')] %}
{%- for entity, key in keyed %}
select '{{ entity }}' as entity, {{ key }} as record_key, count(*) as row_count
from {{ ref('int_' ~ entity ~ '__united') }} where not _is_row_rejected
group by {{ key }} having count(*) > 1
{{ 'union all' if not loop.last }}
{%- endfor %}
