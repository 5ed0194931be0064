{{ config(meta={'empty_without': ['int_deals__united']}) }}
-- One row per deal that is there no more (deleted, or merged into one that nobody delivers), with whom its payments stay:
-- the owner and the customer that its newest version names.
{%- set gone = '(select united.* from ' ~ ref('int_deals__united') ~ ' as united left join ' ~ ref('int_deals__current')
    ~ ' as kept on united.deal_id = kept.deal_id where kept.deal_id is null)' %}
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

managers as (select * from {{ ref('int_managers__crosswalk') }}),

customers as (select * from {{ ref('int_customers__crosswalk') }}),

{{ newest_version(gone, 'deal_id') }}

final as (
    select newest.deal_id, managers.manager_id, customers.customer_id
    from newest
    cross join settings
    left join managers on coalesce(newest.manager_id, newest.source_name || ':~' || newest.manager_name) = managers.manager_ref
    left join customers on coalesce(newest.customer_id, newest.source_name || ':~' || newest.customer_name) = customers.customer_ref
    where newest.opened_on is null or newest.opened_on <= settings.as_of
)

select * from final
