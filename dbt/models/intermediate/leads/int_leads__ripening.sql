-- One row per age in days up to the horizon: the share of final conversions visible by then, from
-- leads (and opened deals) of the last 24 months that are old enough to have ripened.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

cohorts as (
    select 'lead' as subject, created_on as born_on, won_on from {{ ref('int_leads__attributed') }} where not is_duplicate
    union all
    select 'deal', opened_on, won_on from {{ ref('int_deals__attributed') }}
    where opened_on is not null and (is_eligible_close or outcome = 'open')
),

ripe as (
    select cohorts.subject, greatest({{ days_between('cohorts.born_on', 'cohorts.won_on') }}, 0) as age, settings.maturity_horizon_days as horizon
    from cohorts
    cross join settings
    where {{ days_between('cohorts.born_on', 'settings.as_of') }} >= settings.maturity_horizon_days
        and cohorts.born_on >= {{ add_months('settings.as_of', '-24') }}
        and cohorts.won_on is not null
),

counted as (select subject, age, count(*) as wins from ripe where age <= horizon group by subject, age),

totals as (select subject, sum(wins) as wins from counted group by subject),

ages as (
    select subjects.subject, ages.age
    from (select {{ days_between("date '2000-01-01'", 'day') }} as age from (
        select cast(day as date) as day from (
            select {{ each_day("date '2000-01-01'", add_days("date '2000-01-01'", 'settings.maturity_horizon_days')) }} as day from settings
        ) as days) as dated) as ages
    cross join (select 'lead' as subject union all select 'deal') as subjects
)

select
    ages.subject,
    cast(ages.age as integer) as age,
    case when totals.wins >= 30 then
        cast(sum(coalesce(counted.wins, 0)) over (partition by ages.subject order by ages.age rows between unbounded preceding and current row) as double)
        / cast(totals.wins as double)
    end as visible_share
from ages
left join counted on ages.subject = counted.subject and ages.age = counted.age
left join totals on ages.subject = totals.subject
