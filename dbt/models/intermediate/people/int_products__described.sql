with

crosswalk as (select * from {{ ref('int_products__crosswalk') }}),

{{ newest_version(ref('int_products__united'), 'product_id', none) }}

names as (
    select product_id, max(case when is_listed then product_name end) as listed_name, max(product_name) as any_name
    from crosswalk group by product_id
),

facts as (
    select
        crosswalk.product_id,
        max(newest.category) as category,
        max(newest.list_price) as list_price,
        max(newest.cost) as unit_cost,
        max(newest.cost_share) as cost_share,
        max(coalesce(newest.currency, newest._default_currency)) as currency
    from newest
    inner join crosswalk on newest.product_id = crosswalk.product_ref
    group by crosswalk.product_id
)

select
    names.product_id,
    coalesce(names.listed_name, names.any_name) as product_name,
    facts.category,
    facts.list_price,
    facts.unit_cost,
    facts.cost_share,
    facts.currency
from names
left join facts on names.product_id = facts.product_id
union all
select
    'not_given', 'not given', cast(null as {{ dbt.type_string() }}), cast(null as decimal(18, 4)),
    cast(null as decimal(18, 4)), cast(null as decimal(18, 8)), cast(null as {{ dbt.type_string() }})
