-- Grain changes here: dated rows of a manager become half-open versions that cover all time.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

aliases as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'team'),

crosswalk as (select * from {{ ref('int_managers__crosswalk') }}),

listed as (select * from {{ ref('int_managers__united') }} where not _is_row_rejected),

delivered as (
    select
        crosswalk.manager_id,
        listed.valid_from,
        coalesce(aliases.name, listed.team) as team_name,
        listed.region,
        listed.role,
        lower(listed.strategy) as strategy,
        row_number() over (
            partition by crosswalk.manager_id, listed.valid_from
            order by listed._observed_at desc nulls last, listed._file_sha256 desc, listed._source_row desc
        ) as version_rank
    from listed
    inner join crosswalk
        on coalesce(listed.manager_id, listed.source_name || ':~' || listed.manager_name) = crosswalk.manager_ref
    left join aliases on {{ as_match_name('listed.team') }} = aliases.spelling_match
),

everyone as (
    select
        manager_id,
        max(case when is_listed then manager_name end) as listed_name,
        max(manager_name) as any_name,
        max(case when is_listed then 1 else 0 end) = 1 as is_listed
    from crosswalk
    group by manager_id
),

versions as (
    select
        everyone.manager_id,
        coalesce(everyone.listed_name, everyone.any_name) as manager_name,
        everyone.is_listed,
        delivered.team_name,
        delivered.region,
        delivered.role,
        delivered.strategy,
        row_number() over (partition by everyone.manager_id order by delivered.valid_from nulls first) as version_number,
        delivered.valid_from as given_from,
        lead(delivered.valid_from) over (partition by everyone.manager_id order by delivered.valid_from nulls first) as next_from
    from everyone
    left join delivered
        on everyone.manager_id = delivered.manager_id and delivered.version_rank = 1
)

select
    versions.manager_id,
    versions.manager_name,
    coalesce({{ as_match_name('versions.team_name') }}, 'not_given') as team_id,
    coalesce(versions.team_name, 'not given') as team_name,
    versions.region,
    versions.role,
    coalesce(versions.strategy, settings.strategy) as strategy,
    versions.is_listed,
    case when versions.version_number = 1 then date '1900-01-01' else versions.given_from end as valid_from,
    coalesce(versions.next_from, date '9999-12-31') as valid_to
from versions
cross join settings
union all
select
    'not_given', 'not given', 'not_given', 'not given',
    cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}),
    settings.strategy, false, date '1900-01-01', date '9999-12-31'
from settings
