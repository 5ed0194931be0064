-- Every key of a fact or dimension is there and stands once; every reference finds its dimension.
{%- set keys = [('dim_date', 'day'), ('dim_team', 'team_id'), ('dim_channel', 'channel_id'), ('dim_product', 'product_id'), ('dim_customer', 'customer_id'),
    ('dim_kpi', 'kpi_code'), ('fct_deals', 'deal_id'), ('fct_leads', 'lead_id'), ('fct_activities', 'activity_id'), ('fct_milestones', 'milestone_id'), ('fct_spend', 'spend_id'), ('fct_payments', 'payment_id')] %}
{%- set references = [('fct_deals', 'channel_id', 'dim_channel'), ('fct_deals', 'product_id', 'dim_product'), ('fct_deals', 'team_id', 'dim_team'),
    ('fct_deals', 'manager_id', 'dim_manager'), ('fct_deals', 'customer_id', 'dim_customer'), ('fct_leads', 'channel_id', 'dim_channel'),
    ('fct_leads', 'team_id', 'dim_team'), ('fct_activities', 'manager_id', 'dim_manager'), ('fct_spend', 'channel_id', 'dim_channel')] %}
{%- for model, key in keys %}
select '{{ model }}' as model_name, '{{ key }}' as column_name, count(*) as row_count, count(distinct {{ key }}) as key_count
from {{ ref(model) }} having count(*) <> count(distinct {{ key }})
union all
{%- endfor %}
{%- for model, key, dimension in references %}
select '{{ model }}', '{{ key }}', count(*), 0
from {{ ref(model) }} as facts
left join (select distinct {{ key }} from {{ ref(dimension) }}) as known on facts.{{ key }} = known.{{ key }}
where facts.{{ key }} is not null and known.{{ key }} is null
having count(*) > 0
{{ 'union all' if not loop.last }}
{%- endfor %}
