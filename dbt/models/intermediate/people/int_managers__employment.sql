-- One row per manager: the days on which a row of zeros is owed. Listed by a source without `hired_on`:
-- from the first event of the workspace; known only from facts: from the own first event.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

crosswalk as (select * from {{ ref('int_managers__crosswalk') }}),

versions as (
    select
        *, coalesce(manager_id, source_name || ':~' || manager_name) as manager_ref,
        concat(coalesce(manager_id, source_name || ':~' || manager_name), '|', coalesce(cast(valid_from as {{ dbt.type_string() }}), '')) as version_key
    from {{ ref('int_managers__united') }}
),

{{ newest_version('versions', 'version_key', none) }}

listed as (
    select crosswalk.manager_id, min(newest.hired_on) as hired_on, max(newest.left_on) as left_on,
        not bool_or(coalesce(newest.is_active, true)) as is_inactive
    from newest
    inner join crosswalk on newest.manager_ref = crosswalk.manager_ref
    group by crosswalk.manager_id
),

events as (
    select manager_id, min(created_on) as first_on, max(created_on) as last_on from {{ ref('int_leads__attributed') }} group by manager_id
    union all
    select opened_manager_id, min(opened_on), max(opened_on) from {{ ref('int_deals__attributed') }} group by opened_manager_id
    union all
    select manager_id, min(closed_on), max(closed_on) from {{ ref('int_deals__attributed') }} group by manager_id
    union all
    select changes.new_value, min(changes.changed_on), max(changes.changed_on)
    from {{ ref('int_deals__changes') }} as changes cross join settings
    where changes.field = 'owner' and changes.changed_on <= settings.as_of
    group by changes.new_value
    union all
    select manager_id, min(occurred_on), max(occurred_on) from {{ ref('int_activities__attributed') }} group by manager_id
    union all
    select manager_id, min(started_on), max(started_on) from {{ ref('int_subscriptions__spells') }} group by manager_id
),

own as (select manager_id, min(first_on) as first_on, max(last_on) as last_on from events group by manager_id),

workspace as (select min(first_on) as first_on from own),

everyone as (select distinct manager_id from {{ ref('int_managers__versions') }} where manager_id <> 'not_given')

select
    everyone.manager_id,
    coalesce(listed.hired_on, case when listed.manager_id is not null then workspace.first_on end, own.first_on, settings.as_of) as employed_from,
    listed.hired_on,
    listed.left_on,
    -- an inactive user whose leaving nobody dates was employed to the last own event
    least(coalesce(listed.left_on, case when listed.is_inactive then own.last_on end, settings.as_of), settings.as_of) as employed_to
from everyone
cross join settings
cross join workspace
left join listed on everyone.manager_id = listed.manager_id
left join own on everyone.manager_id = own.manager_id
