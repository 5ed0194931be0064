-- One row per scope that ever has figures, with its name and, for managers, the days of employment.
with

settings as (select * from {{ ref('int_settings') }}),

seen as (
    select scope_type, scope_id, min(first_day) as first_day, max(last_day) as last_day
    from (
        select scope_type, scope_id, day as first_day, day as last_day from {{ ref('kpi_scope_days') }}
        union all
        select scope_type, scope_id, period_start, period_start from {{ ref('kpi_measures') }}
        where measure_code = 'mrr' and window_code = 'period' and period_grain = 'month'
    ) as days
    group by scope_type, scope_id
),

history as (select first_day from seen where scope_type = 'company'),

managers as (select manager_id, manager_name, employed_from, employed_to from {{ ref('dim_manager') }} where is_current),

teams as (
    select versions.team_id, max(versions.team_name) as team_name,
        min(greatest(versions.valid_from, versions.employed_from)) as first_day,
        max(least({{ add_days('versions.valid_to', -1) }}, versions.employed_to)) as last_day
    from {{ ref('dim_manager') }} as versions
    where versions.manager_id <> 'not_given' group by versions.team_id
),

named as (
    select 'company' as scope_type, 'all' as scope_id, settings.company as scope_name, cast(null as date) as owed_from, cast(null as date) as owed_to, true as is_dense from settings
    union all
    select 'team', teams.team_id, teams.team_name, teams.first_day, teams.last_day, true from teams
    union all
    select 'manager', manager_id, manager_name, employed_from, employed_to, true from managers
    union all
    select 'channel', channel_id, channel_name, cast(null as date), cast(null as date), true from {{ ref('dim_channel') }}
    union all
    select 'product', product_id, product_name, cast(null as date), cast(null as date), false from {{ ref('dim_product') }}
    union all
    select 'partner', partner_id, partner_name, cast(null as date), cast(null as date), false from {{ ref('dim_partner') }}
    union all
    select distinct 'strategy', strategy, strategy, cast(null as date), cast(null as date), true from {{ ref('dim_manager') }} where manager_id <> 'not_given'
)

select
    coalesce(named.scope_type, seen.scope_type) as scope_type,
    coalesce(named.scope_id, seen.scope_id) as scope_id,
    coalesce(named.scope_name, case when seen.scope_id = 'not_given' then 'not given' else seen.scope_id end) as scope_name,
    coalesce(named.owed_from, seen.first_day) as owed_from,
    greatest(coalesce(named.owed_from, history.first_day), history.first_day) as known_from,
    coalesce(named.owed_to, case when named.scope_type in ('company', 'channel', 'strategy') then settings.as_of else seen.last_day end) as owed_to,
    coalesce(named.is_dense, false) and (named.scope_id <> 'not_given' or seen.scope_id is not null) as is_dense
from named
full outer join seen on named.scope_type = seen.scope_type and named.scope_id = seen.scope_id
cross join settings
left join history on true
where seen.scope_id is not null or named.scope_type in ('company', 'team', 'manager', 'strategy')
