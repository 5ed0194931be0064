{{ config(meta={'empty_without': ['int_customers__margins']}) }}
-- One row per cohort (customers acquired in a month, quarter or year) x company or channel x age in full
-- months that all of them have reached. A customer with a margin unknown leaves at that age, with all it brought.
with

settings as (select * from {{ ref('int_settings') }}),

months as (
    select customer_id, channel_id, acquired_on, age, margin, is_costed, is_active,
        min(case when not is_costed then age end) over (partition by customer_id) as unknown_from
    from {{ ref('int_customers__margins') }}
),

-- what changes when a cohort turns an age: months of life 0 to age - 1 are over then
changes as (
    select acquired_on, channel_id, age + 1 as age, margin, 0 as customers, 0 as costed, case when is_active then 1 else 0 end as active
    from months where unknown_from is null or age < unknown_from
    union all
    select acquired_on, channel_id, age + 1, 0, 0, 0, 1 from months where is_active and age >= unknown_from
    union all
    select acquired_on, channel_id, 1, 0, 1, 1, 0 from months where age = 0
    union all
    select acquired_on, channel_id, unknown_from + 1, -sum(case when age < unknown_from then margin else 0 end), 0, -1, 0
    from months where unknown_from is not null
    group by acquired_on, channel_id, customer_id, unknown_from
),

daily as (
    select acquired_on, channel_id, age, sum(margin) as margin, sum(customers) as customers, sum(costed) as costed, sum(active) as active
    from changes group by acquired_on, channel_id, age
),

placed as (
    select
        periods.period_grain, periods.period_start, periods.period_end, scopes.scope_type,
        case when scopes.scope_type = 'company' then 'all' else daily.channel_id end as scope_id,
        daily.age, daily.margin, daily.customers, daily.costed, daily.active
    from daily
    inner join {{ ref('kpi_periods') }} as periods
        on daily.acquired_on >= periods.period_start and daily.acquired_on < periods.period_end
        and periods.period_grain in ('month', 'quarter', 'year')
    cross join (select 'company' as scope_type union all select 'channel') as scopes
),

summed as (
    select
        period_grain, period_start, period_end, scope_type, scope_id, age,
        sum(margin) as margin, sum(customers) as customers, sum(costed) as costed, sum(active) as active
    from placed group by period_grain, period_start, period_end, scope_type, scope_id, age
),

cohorts as (
    select period_grain, period_start, period_end, scope_type, scope_id, min(age) as first_age from summed
    group by period_grain, period_start, period_end, scope_type, scope_id
),

-- no cohort is older in months than the months from the first of them to the run's day
every_age as (
    select cast(row_number() over (order by day) as integer) as age
    from (
        select {{ each_day('earliest.period_start', 'settings.as_of') }} as day
        from (select min(period_start) as period_start from cohorts) as earliest
        cross join settings
    ) as days
    where extract(day from day) = 1
),

spine as (
    select cohorts.period_grain, cohorts.period_start, cohorts.period_end, cohorts.scope_type, cohorts.scope_id, every_age.age
    from cohorts
    cross join settings
    inner join every_age on {{ add_months(add_days('cohorts.period_end', -1), 'every_age.age') }} <= settings.first_incomplete_on
)

select
    spine.period_grain, spine.period_start, spine.scope_type, spine.scope_id, cast(spine.age as integer) as age_months,
    cast(sum(coalesce(summed.customers, 0)) over lives as bigint) as customers,
    cast(sum(coalesce(summed.costed, 0)) over lives as bigint) as customers_costed,
    cast(coalesce(summed.active, 0) as bigint) as customers_active,
    cast(sum(coalesce(summed.margin, 0)) over lives as decimal(38, 4)) as margin
from spine
left join summed
    on spine.period_grain = summed.period_grain and spine.period_start = summed.period_start
    and spine.scope_type = summed.scope_type and spine.scope_id = summed.scope_id and spine.age = summed.age
window lives as (
    partition by spine.period_grain, spine.period_start, spine.scope_type, spine.scope_id order by spine.age
    rows between unbounded preceding and current row)
