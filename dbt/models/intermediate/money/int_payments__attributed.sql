-- One row per payment by the run's day; a refund is negative whatever sign it was written with.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

deals as (select * from {{ ref('int_deals__attributed') }}),

customers as (select * from {{ ref('int_customers__crosswalk') }}),

survivors as (select * from {{ ref('int_deals__survivors') }}),

rates as (select * from {{ ref('int_fx__daily') }}),

currencies as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'currency'),

{{ newest_version(ref('stg_files__payments'), 'payment_id', none) }}

signed as (
    select
        newest.*,
        case when lower(coalesce(newest.kind, 'payment')) = 'refund' then 'refund' else 'payment' end as payment_kind,
        case when lower(coalesce(newest.kind, 'payment')) = 'refund' then -abs(newest.amount) else newest.amount end as signed_amount,
        upper(coalesce(currencies.name, newest.currency, newest._default_currency)) as money_currency
    from newest
    left join currencies on {{ as_match_name('newest.currency') }} = currencies.spelling_match
)

select
    signed.payment_id, signed.paid_at, signed.paid_on, signed.payment_kind as kind,
    cast(signed.signed_amount as decimal(18, 4)) as amount_native,
    signed.money_currency as currency,
    {{ to_reporting('signed.signed_amount', 'case when signed.money_currency = settings.reporting_currency then cast(1 as decimal(18, 8)) else rates.rate end') }} as amount,
    deals.deal_id,
    coalesce(customers.customer_id, deals.customer_id) as customer_id,
    coalesce(deals.manager_id, 'not_given') as manager_id,
    coalesce(deals.channel_id, 'not_given') as channel_id,
    coalesce(deals.product_id, 'not_given') as product_id,
    deals.partner_id,
    signed._source_file, signed._source_row
from signed
cross join settings
left join survivors on signed.deal_id = survivors.deal_id
left join deals on coalesce(survivors.survivor_id, signed.deal_id) = deals.deal_id
left join customers on signed.customer_id = customers.customer_ref
left join rates on signed.money_currency = rates.currency and signed.paid_on = rates.day
where signed.paid_on <= settings.as_of
