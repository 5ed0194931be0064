{{ config(meta={'empty_without': ['int_payments__attributed']}) }}
-- One row per payment of a customer that recurs, as the spell of days it stands for: payments of the
-- declared kind, each at most `gap_days` after the one before, at least `min_payments` of them. The price
-- holds until the next payment; after the last one for a billing period, or, while another may still
-- come in time, without an end. The billing period is the usual distance of the payments in whole months.
with

settings as (select * from {{ ref('int_settings') }}),

delivered as (select distinct customer_id from {{ ref('int_subscriptions__united') }} where not _is_row_rejected),

crosswalk as (select * from {{ ref('int_customers__crosswalk') }}),

told as (
    select distinct crosswalk.customer_id from delivered inner join crosswalk on delivered.customer_id = crosswalk.customer_ref
),

paid as (
    select
        payments.customer_id, coalesce(payments.subscription_id, payments.deal_id, payments.customer_id) as subscription_id,
        payments.currency, payments.paid_on, max(payments.manager_id) as manager_id, max(payments.product_id) as product_id,
        sum(payments.amount_native) as amount_native,
        min(payments._source_file) as _source_file, min(payments._source_row) as _source_row
    from {{ ref('int_payments__attributed') }} as payments
    cross join settings
    left join told on payments.customer_id = told.customer_id
    where {{ as_match_name('payments.delivered_kind') }} = {{ as_match_name('settings.recurring_payment_kind') }}
        and payments.amount_native > 0 and payments.customer_id is not null and told.customer_id is null
    group by
        payments.customer_id, coalesce(payments.subscription_id, payments.deal_id, payments.customer_id), payments.currency, payments.paid_on
),

spaced as (
    select
        paid.*, settings.recurring_gap_days, settings.recurring_min_payments, settings.as_of,
        case when {{ days_between('lag(paid.paid_on) over (partition by paid.customer_id, paid.subscription_id, paid.currency order by paid.paid_on)', 'paid.paid_on') }}
            <= settings.recurring_gap_days then 0 else 1 end as is_chain_start
    from paid
    cross join settings
),

chained as (
    select *, sum(is_chain_start) over (
        partition by customer_id, subscription_id, currency order by paid_on rows between unbounded preceding and current row) as chain_number
    from spaced
),

measured as (
    select
        *,
        count(*) over (partition by customer_id, subscription_id, currency, chain_number) as payment_count,
        min(paid_on) over (partition by customer_id, subscription_id, currency, chain_number) as first_on,
        max(paid_on) over (partition by customer_id, subscription_id, currency, chain_number) as last_on,
        lead(paid_on) over (partition by customer_id, subscription_id, currency, chain_number order by paid_on) as next_on
    from chained
),

billed as (
    select
        *,
        cast(greatest(floor(cast({{ days_between('first_on', 'last_on') }} as double) / nullif(payment_count - 1, 0) / 30.4375 + 0.5), 1) as integer) as billing_months
    from measured where payment_count >= recurring_min_payments
)

select
    subscription_id, customer_id, paid_on as started_on,
    case
        when next_on is not null then next_on
        when {{ days_between('last_on', 'as_of') }} > recurring_gap_days then {{ add_months('paid_on', 'coalesce(billing_months, 1)') }}
    end as ended_on,
    amount_native, coalesce(billing_months, 1) as billing_months, currency, manager_id, product_id,
    _source_file, _source_row
from billed
