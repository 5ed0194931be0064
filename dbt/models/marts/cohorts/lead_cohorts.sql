{{ config(meta={'empty_without': ['fct_leads']}) }}
-- Counted by what changes at an age: a lead wins, or turns older than it is by the run's day.
with

settings as (select * from {{ ref('int_settings') }}),

leads as (
    select
        cast(date_trunc('month', leads.created_on) as date) as cohort_month, leads.channel_id, leads.ripeness,
        {{ days_between('leads.created_on', 'settings.as_of') }} as age,
        greatest({{ days_between('leads.created_on', 'leads.won_on') }}, 0) as win_age,
        leads.won_on is not null as is_won
    from {{ ref('fct_leads') }} as leads
    cross join settings
    where not leads.is_duplicate and leads.created_on >= settings.history_start
),

changes as (
    select cohort_month, channel_id, win_age as age_days, 1 as won, 0 as unobserved from leads where is_won
    union all
    select cohort_month, channel_id, age + 1, case when is_won then -1 else 0 end, 1 from leads
),

counted as (
    select changes.cohort_month, scopes.scope_type,
        case when scopes.scope_type = 'company' then 'all' else changes.channel_id end as scope_id,
        changes.age_days, sum(changes.won) as won, sum(changes.unobserved) as unobserved
    from (select cohort_month, channel_id, age_days, sum(won) as won, sum(unobserved) as unobserved from changes group by cohort_month, channel_id, age_days) as changes
    cross join (select 'company' as scope_type union all select 'channel') as scopes
    group by changes.cohort_month, scopes.scope_type, case when scopes.scope_type = 'company' then 'all' else changes.channel_id end, changes.age_days
),

cohorts as (
    select leads.cohort_month, scopes.scope_type,
        case when scopes.scope_type = 'company' then 'all' else leads.channel_id end as scope_id,
        count(*) as leads, sum(cast(leads.ripeness as decimal(28, 10))) as ripeness, count(leads.ripeness) as ripening
    from leads
    cross join (select 'company' as scope_type union all select 'channel') as scopes
    group by leads.cohort_month, scopes.scope_type, case when scopes.scope_type = 'company' then 'all' else leads.channel_id end
),

curve as (select age, visible_share from {{ ref('int_leads__ripening') }} where subject = 'lead'),

aged as (
    select
        cohorts.cohort_month, cohorts.scope_type, cohorts.scope_id, curve.age as age_days, cohorts.leads,
        cohorts.leads - sum(coalesce(counted.unobserved, 0)) over ages as observed,
        sum(coalesce(counted.won, 0)) over ages as won,
        curve.visible_share,
        case when cohorts.ripening = cohorts.leads then cast(cohorts.ripeness as double) / cohorts.leads end as maturity
    from cohorts
    cross join curve
    left join counted
        on cohorts.cohort_month = counted.cohort_month and cohorts.scope_type = counted.scope_type
        and cohorts.scope_id = counted.scope_id and curve.age = counted.age_days
    window ages as (
        partition by cohorts.cohort_month, cohorts.scope_type, cohorts.scope_id order by curve.age
        rows between unbounded preceding and current row)
)

select
    aged.cohort_month, aged.scope_type, aged.scope_id, coalesce(channels.channel_name, settings.company) as scope_name,
    aged.age_days,
    cast(aged.leads as bigint) as leads,
    cast(aged.observed as bigint) as leads_observed,
    cast(aged.won as bigint) as leads_won,
    cast(aged.won as double) / aged.observed as conversion_rate,
    aged.observed = aged.leads as is_complete,
    aged.visible_share as expected_share,
    aged.maturity
from aged
cross join settings
left join {{ ref('dim_channel') }} as channels on aged.scope_type = 'channel' and aged.scope_id = channels.channel_id
where aged.observed > 0
