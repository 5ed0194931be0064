with

sources as (select * from {{ ref('stg_workspace__sources') }}),

settings as (select * from {{ ref('stg_workspace__settings') }}),

aliases as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'customer'),

listed as (select * from {{ ref('int_customers__united') }} where not _is_row_rejected),

mentioned as (
    select distinct source_name, customer_id, customer_name from {{ ref('int_deals__united') }}
    union
    select distinct source_name, customer_id, cast(null as {{ dbt.type_string() }}) from {{ ref('int_leads__united') }}
    union
    select distinct source_name, customer_id, cast(null as {{ dbt.type_string() }}) from {{ ref('int_payments__united') }}
    union
    select distinct source_name, customer_id, cast(null as {{ dbt.type_string() }}) from {{ ref('int_subscriptions__united') }}
    union
    select distinct source_name, customer_id, customer_name from listed
),

described as (
    select
        coalesce(customer_id, source_name || ':~' || customer_name) as ref,
        split_part(coalesce(customer_id, source_name || ':'), ':', 1) as source_name,
        customer_id is not null as is_id,
        max(customer_name) as customer_name
    from mentioned
    where customer_id is not null or customer_name is not null
    group by 1, 2, 3
),

taxed as (select customer_id, max(tax_id) as tax_id from listed group by customer_id),

identifying_values as (
    {%- for kind in ['tax_id', 'phone', 'email'] %}
    select listed.customer_id as ref, '{{ kind }}' as kind, listed.{{ kind }} as value, taxed.tax_id
    from listed
    inner join taxed on listed.customer_id = taxed.customer_id
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

links as (
    select customer_id as ref, max(merged_into) as merged_into from listed
    where merged_into is not null and merged_into <> customer_id group by customer_id
),

merged as ({{ ends_of_merges('ref') }}),

refs as (
    select
        described.ref,
        described.source_name,
        coalesce(sources.source_order, 999) as source_order,
        described.is_id,
        coalesce(by_name.name_match, by_ref.name_match, {{ as_match_name('described.customer_name') }}) as match_name,
        coalesce(merged.survivor_id, by_ref.name, by_name.name) as redirect_ref,
        coalesce(target.customer_name, by_name.name, by_ref.name, described.customer_name, described.ref) as customer_name
    from described
    left join sources on described.source_name = sources.source_name
    left join merged on described.ref = merged.ref
    left join aliases as by_ref on described.ref = by_ref.spelling
    left join aliases as by_name on {{ as_match_name('described.customer_name') }} = by_name.spelling_match
    left join described as target on coalesce(by_ref.name, by_name.name) = target.ref
),

{{ conform_refs() }}

final as (
    select
        conformed.ref as customer_ref,
        conformed.entity_id as customer_id,
        refs.source_name,
        refs.customer_name,
        conformed.ambiguity
    from conformed
    inner join refs on conformed.ref = refs.ref
)

select * from final
