with

settings as (select * from {{ ref('stg_workspace__settings') }}),

sources as (select * from {{ ref('stg_workspace__sources') }}),

aliases as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'manager'),

listed as (select * from {{ ref('int_managers__united') }} where not _is_row_rejected),

mentioned as (
    select distinct source_name, manager_id, manager_name from {{ ref('int_leads__united') }}
    union
    select distinct source_name, manager_id, manager_name from {{ ref('int_deals__united') }}
    union
    select distinct source_name, manager_id, manager_name from {{ ref('int_activities__united') }}
    union
    select distinct source_name, manager_id, cast(null as {{ dbt.type_string() }}) from {{ ref('int_deal_stages__united') }}
    union
    select distinct source_name, manager_id, cast(null as {{ dbt.type_string() }}) from {{ ref('int_subscriptions__united') }}
    union
    select distinct source_name, manager_id, cast(null as {{ dbt.type_string() }}) from {{ ref('int_deal_splits__united') }}
    union
    select distinct source_name, manager_id, manager_name from listed
    {%- for value in ['old_value', 'new_value'] %}
    union
    select distinct source_name, {{ as_reference_of(value, 'source_name') }}, cast(null as {{ dbt.type_string() }})
    from {{ ref('int_deal_changes__united') }} where lower(field) = 'owner'
    {%- endfor %}
),

named as (
    select
        coalesce(mentioned.manager_id, mentioned.source_name || ':~' || mentioned.manager_name) as ref,
        split_part(coalesce(mentioned.manager_id, mentioned.source_name || ':'), ':', 1) as source_name,
        mentioned.manager_id is not null as is_id,
        mentioned.manager_name
    from mentioned
    where mentioned.manager_id is not null or mentioned.manager_name is not null
),

described as (
    select ref, source_name, is_id, max(manager_name) as manager_name from named group by ref, source_name, is_id
),

identifying_values as (
    select coalesce(manager_id, source_name || ':~' || manager_name) as ref, 'email' as kind, {{ email_mark('email') }} as value,
        cast(null as {{ dbt.type_string() }}) as tax_id
    from listed
    union all
    select ref, 'email', {{ email_mark('manager_name') }}, cast(null as {{ dbt.type_string() }}) from named where manager_name like '%@%'
),

refs as (
    select
        described.ref,
        described.source_name,
        coalesce(sources.source_order, 999) as source_order,
        described.is_id,
        coalesce(by_name.name_match, by_ref.name_match, {{ as_match_name('described.manager_name') }}) as match_name,
        coalesce(by_ref.name, by_name.name) as redirect_ref,
        coalesce(target.manager_name, by_name.name, by_ref.name, described.manager_name, described.ref) as manager_name,
        own_list.ref is not null as is_listed
    from described
    left join sources on described.source_name = sources.source_name
    left join (select distinct coalesce(manager_id, source_name || ':~' || manager_name) as ref from listed) as own_list
        on described.ref = own_list.ref
    left join aliases as by_ref on described.ref = by_ref.spelling
    left join aliases as by_name on {{ as_match_name('described.manager_name') }} = by_name.spelling_match
    left join described as target on coalesce(by_ref.name, by_name.name) = target.ref
),

{{ conform_refs() }}

marks as (
    select told.ref, string_agg(distinct told.value, ' ') as email_marks
    from identifying_values as told
    where told.value not like '% %' -- a name around an e-mail, in the clear
    group by told.ref
),

final as (
    select
        conformed.ref as manager_ref,
        conformed.entity_id as manager_id,
        refs.source_name,
        refs.is_id,
        refs.manager_name,
        refs.is_listed,
        marks.email_marks,
        conformed.ambiguity
    from conformed
    inner join refs on conformed.ref = refs.ref
    left join marks on conformed.ref = marks.ref
)

select * from final
