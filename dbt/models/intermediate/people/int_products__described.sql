with

crosswalk as (select * from {{ ref('int_products__crosswalk') }}),

sources as (select * from {{ ref('stg_workspace__sources') }}),

currencies as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'currency'),

{{ newest_version(ref('int_products__united'), 'product_id', none) }}

names as (
    select product_id, max(case when is_listed then product_name end) as listed_name, max(product_name) as any_name
    from crosswalk group by product_id
),

-- money and its currency come from one record: of the first source that tells a cost
ranked as (
    select
        crosswalk.product_id, newest.list_price, newest.cost, newest.cost_share,
        max(newest.category) over (partition by crosswalk.product_id) as category,
        upper(coalesce(currencies.name, newest.currency, newest._default_currency)) as currency,
        row_number() over (
            partition by crosswalk.product_id
            order by case when newest.cost is not null or newest.cost_share is not null then 0 else 1 end, sources.source_order, newest.product_id
        ) as place
    from newest
    inner join crosswalk on newest.product_id = crosswalk.product_ref
    inner join sources on newest.source_name = sources.source_name
    left join currencies on {{ as_match_name('newest.currency') }} = currencies.spelling_match
),

facts as (select product_id, category, list_price, cost as unit_cost, cost_share, currency from ranked where place = 1)

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
