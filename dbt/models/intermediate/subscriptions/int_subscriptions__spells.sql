{{ config(meta={'empty_without': ['int_subscriptions__united', 'int_subscriptions__recurring']}) }}
-- One row per spell of a subscription by the run's day: its monthly price from `started_on` until the day
-- before `ended_on`. A later row of the same subscription ends the one before; a price of 0 is a trial.
with

settings as (select * from {{ ref('int_settings') }}),

managers as (select * from {{ ref('int_managers__crosswalk') }}),

customers as (select * from {{ ref('int_customers__crosswalk') }}),

products as (select * from {{ ref('int_products__crosswalk') }}),

costs as (select * from {{ ref('int_products__described') }}),

rates as (select * from {{ ref('int_fx__daily') }}),

currencies as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'currency'),

versions as (
    select united.*, concat(united.subscription_id, '|', cast(united.started_on as {{ dbt.type_string() }})) as version_key
    from {{ ref('int_subscriptions__united') }} as united
),

{{ newest_version('versions', 'version_key') }}

{{ deletions('versions', 'version_key') }}

gone as (
    select deletions.gone_key from deletions cross join settings where deletions.deleted_on <= settings.as_of
),

delivered as (
    select
        newest.subscription_id, customers.customer_id, newest.started_on,
        least(newest.ended_on, lead(newest.started_on) over (partition by newest.subscription_id order by newest.started_on)) as ended_on,
        newest.amount as amount_native, coalesce(newest.billing_months, 1) as billing_months,
        upper(coalesce(currencies.name, newest.currency, newest._default_currency)) as currency,
        managers.manager_id, coalesce(products.product_id, newest.product_id) as product_id,
        newest._source_file, newest._source_row
    from newest
    cross join settings
    left join gone on newest.version_key = gone.gone_key
    left join customers on newest.customer_id = customers.customer_ref
    left join managers on newest.manager_id = managers.manager_ref
    left join products on newest.product_id = products.product_ref
    left join currencies on {{ as_match_name('newest.currency') }} = currencies.spelling_match
    where gone.gone_key is null and newest.started_on <= settings.as_of and coalesce(newest.billing_months, 1) > 0
),

spells as (
    select delivered.*, 'subscriptions' as basis from delivered
    union all
    select recurring.*, 'payments' from {{ ref('int_subscriptions__recurring') }} as recurring
),

-- who brought a customer: the first win, else the first lead
acquired as (
    select customer_id, manager_now_id as manager_id, channel_id from {{ ref('int_deals__attributed') }} where is_first_win
),

asked as (
    select customer_id, channel_id from (
        select customer_id, channel_id, row_number() over (partition by customer_id order by created_at, lead_id) as place
        from {{ ref('int_leads__attributed') }} where customer_id is not null
    ) as placed where place = 1
),

priced as (
    select
        spells.*,
        case when spells.currency = settings.reporting_currency then cast(1 as decimal(18, 8)) else rates.rate end as rate,
        case when coalesce(costs.currency, settings.reporting_currency) = settings.reporting_currency then cast(1 as decimal(18, 8)) else cost_rates.rate end as cost_rate,
        costs.cost_share, costs.unit_cost,
        coalesce(spells.manager_id, acquired.manager_id, 'not_given') as owner_id,
        coalesce(acquired.channel_id, asked.channel_id, 'not_given') as channel_id
    from spells
    cross join settings
    left join rates on spells.currency = rates.currency and spells.started_on = rates.day
    left join costs on spells.product_id = costs.product_id
    left join rates as cost_rates on costs.currency = cost_rates.currency and spells.started_on = cost_rates.day
    left join acquired on spells.customer_id = acquired.customer_id
    left join asked on spells.customer_id = asked.customer_id
),

monthly as (
    select *, {{ per_month('amount_native', 'rate') }} as mrr, {{ per_month('unit_cost', 'cost_rate') }} as unit_cost_monthly from priced
),

paying as (
    select
        *,
        min(case when mrr > 0 and coalesce(ended_on, date '9999-12-31') > started_on then started_on end) over (partition by customer_id) as first_paid_on
    from monthly
),

starts as (
    select subscription_id, started_on from (
        select subscription_id, started_on,
            row_number() over (partition by customer_id order by mrr desc nulls last, subscription_id) as place
        from paying where started_on = first_paid_on and mrr > 0 and coalesce(ended_on, date '9999-12-31') > started_on
    ) as placed where place = 1
),

kept as (
    select
        firsts.customer_id,
        max(case when later.started_on <= {{ add_months('firsts.first_paid_on', 1) }}
            and coalesce(later.ended_on, date '9999-12-31') > {{ add_months('firsts.first_paid_on', 1) }} then 1 else 0 end) = 1 as is_kept
    from (select distinct customer_id, first_paid_on from paying where first_paid_on is not null) as firsts
    inner join monthly as later on firsts.customer_id = later.customer_id and later.mrr > 0
    group by firsts.customer_id
)

select
    paying.subscription_id, paying.customer_id, paying.started_on, paying.ended_on,
    cast(paying.amount_native as decimal(18, 4)) as amount_native, paying.currency, cast(paying.billing_months as integer) as billing_months,
    paying.mrr,
    cast(coalesce(paying.mrr - paying.unit_cost_monthly, paying.mrr - cast(cast(paying.mrr as decimal(24, 4)) * paying.cost_share as decimal(18, 4))) as decimal(18, 4)) as margin,
    paying.owner_id as manager_id, paying.channel_id, paying.product_id,
    starts.subscription_id is not null as is_customer_start,
    -- known once the month is over
    case when starts.subscription_id is not null and {{ add_months('paying.first_paid_on', 1) }} <= settings.as_of then kept.is_kept end as is_kept_a_month,
    paying.basis, paying._source_file, paying._source_row
from paying
cross join settings
left join starts on paying.subscription_id = starts.subscription_id and paying.started_on = starts.started_on
left join kept on paying.customer_id = kept.customer_id
