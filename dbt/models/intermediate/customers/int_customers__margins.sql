-- One row per acquired customer x month of its life (0 = the first) that brought something, and always
-- month 0: the margin of that month by `ltv_basis`. Deals: wins that stand, by their date; payments: what
-- came in, at the margin of its deal; mrr: what runs on the day on which a month of life begins, and what
-- free extras cost then.
with

settings as (select * from {{ ref('int_settings') }}),

deals as (select * from {{ ref('int_deals__attributed') }}),

spells as (select * from {{ ref('int_subscriptions__spells') }}),

acquired as (
    select deals.customer_id, deals.channel_id, deals.won_on as acquired_on
    from deals cross join settings
    where deals.is_first_win and settings.ltv_basis in ('deals', 'payments')
    union all
    select spells.customer_id, spells.channel_id, spells.started_on
    from spells cross join settings
    where spells.is_customer_start and settings.ltv_basis = 'mrr'
),

earned as (
    select deals.customer_id, deals.won_on as earned_on, deals.margin
    from deals cross join settings
    where deals.won_on is not null and settings.ltv_basis = 'deals'
    union all
    select
        payments.customer_id, payments.paid_on,
        case when deals.amount <> 0 then cast(cast(payments.amount as double) * cast(deals.margin as double) / cast(deals.amount as double) as decimal(18, 4)) end
    from {{ ref('int_payments__attributed') }} as payments
    cross join settings
    left join deals on payments.deal_id = deals.deal_id
    where settings.ltv_basis = 'payments'
),

dated as (
    select
        acquired.customer_id, acquired.channel_id, acquired.acquired_on, earned.earned_on, earned.margin,
        cast((extract(year from earned.earned_on) - extract(year from acquired.acquired_on)) * 12
            + extract(month from earned.earned_on) - extract(month from acquired.acquired_on) as integer) as months_apart
    from acquired
    inner join earned on acquired.customer_id = earned.customer_id
),

ages as (
    select {{ days_between("date '2000-01-01'", 'cast(day as date)') }} as age
    from (select {{ each_day("date '2000-01-01'", "date '2010-01-01'") }} as day) as days
    where {{ days_between("date '2000-01-01'", 'cast(day as date)') }} < 240
),

-- money before the acquisition (a prepayment) belongs to the first month
lived as (
    select
        customer_id, channel_id, acquired_on,
        greatest(months_apart - case when {{ add_months('acquired_on', 'months_apart') }} > earned_on then 1 else 0 end, 0) as age,
        margin, 1 as is_known
    from dated
    union all
    select
        acquired.customer_id, acquired.channel_id, acquired.acquired_on, ages.age,
        case when spells.mrr > 0 then spells.margin else coalesce(spells.margin, 0) end,
        case when spells.mrr > 0 then 1 else 0 end
    from acquired
    cross join settings
    inner join ages on {{ add_months('acquired.acquired_on', 'ages.age') }} <= settings.as_of
    inner join spells
        on acquired.customer_id = spells.customer_id and spells.mrr >= 0
        and spells.started_on <= {{ add_months('acquired.acquired_on', 'ages.age') }}
        and coalesce(spells.ended_on, date '9999-12-31') > {{ add_months('acquired.acquired_on', 'ages.age') }}
    where settings.ltv_basis = 'mrr'
    union all
    select customer_id, channel_id, acquired_on, 0, cast(0 as decimal(18, 4)), 0 from acquired
)

select
    customer_id, channel_id, acquired_on, cast(age as integer) as age,
    cast(case when sum(is_known) > 0 then coalesce(sum(margin), 0) else 0 end as decimal(18, 4)) as margin,
    count(*) = count(margin) as is_costed,
    sum(is_known) > 0 as is_active
from lived
group by customer_id, channel_id, acquired_on, age
