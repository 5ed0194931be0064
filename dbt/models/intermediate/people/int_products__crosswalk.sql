with

sources as (select * from {{ ref('stg_workspace__sources') }}),

aliases as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'product'),

mentioned as (
    select distinct source_name, product_id, product_name, false as is_listed from {{ ref('int_deals__united') }}
    union
    select distinct source_name, product_id, product_name, false from {{ ref('int_deal_items__united') }}
    union
    select distinct source_name, product_id, cast(null as {{ dbt.type_string() }}), false from {{ ref('int_subscriptions__united') }}
    union
    select distinct source_name, product_id, product_name, true from {{ ref('int_products__united') }} where not _is_row_rejected
),

described as (
    select
        coalesce(product_id, source_name || ':~' || product_name) as ref,
        split_part(coalesce(product_id, source_name || ':'), ':', 1) as source_name,
        product_id is not null as is_id,
        max(product_name) as product_name,
        max(case when is_listed then 1 else 0 end) = 1 as is_listed
    from mentioned
    where product_id is not null or product_name is not null
    group by 1, 2, 3
),

refs as (
    select
        described.ref,
        described.source_name,
        coalesce(sources.source_order, 999) as source_order,
        described.is_id,
        coalesce(aliases.name_match, {{ as_match_name('described.product_name') }}) as match_name,
        aliases.name as redirect_ref,
        coalesce(aliases.name, described.product_name, described.ref) as product_name,
        described.is_listed
    from described
    left join sources on described.source_name = sources.source_name
    left join aliases on {{ as_match_name('described.product_name') }} = aliases.spelling_match
),

{{ conform_refs(has_values=false) }}

final as (
    select
        conformed.ref as product_ref,
        conformed.entity_id as product_id,
        refs.product_name,
        refs.is_listed
    from conformed
    inner join refs on conformed.ref = refs.ref
)

select * from final
