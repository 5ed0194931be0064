{{ config(meta={'empty_without': ['int_payments__united']}) }}
-- One row per payment by the run's day; a refund is negative whatever sign it was written with, and a payment below 0 is one.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

deals as (select * from {{ ref('int_deals__attributed') }}),

customers as (select * from {{ ref('int_customers__crosswalk') }}),

departed as (select * from {{ ref('int_deals__departed') }}),

survivors as (select * from {{ ref('int_deals__survivors') }}),

rates as (select * from {{ ref('int_fx__daily') }}),

currencies as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'currency'),

words as (select * from {{ ref('words') }} where subject = 'payment_kind'),

gone as (select record_key from {{ ref('int_records__absent') }} where entity = 'payments'),

{{ newest_version(ref('int_payments__united'), 'payment_id', none, 'payments') }}

signed as (
    select
        newest.*,
        case when newest.amount < 0 then 'refund' else coalesce(words.meaning, 'payment') end as payment_kind,
        case when words.meaning = 'refund' then -abs(newest.amount) else newest.amount end as signed_amount,
        newest.amount < 0 and coalesce(words.meaning, 'payment') <> 'refund' as is_payment_below_zero,
        newest.kind is not null and words.meaning is null as is_unknown_kind,
        upper(coalesce(currencies.name, newest.currency, newest._default_currency)) as money_currency
    from newest
    left join gone on newest.payment_id = gone.record_key
    left join currencies on {{ as_match_name('newest.currency') }} = currencies.spelling_match
    left join words on {{ as_match_name('newest.kind') }} = words.word
    where gone.record_key is null
)

select
    signed.payment_id, signed.paid_at, signed.paid_on, signed.payment_kind as kind,
    cast(signed.signed_amount as decimal(18, 4)) as amount_native,
    signed.money_currency as currency,
    {{ to_reporting('signed.signed_amount', 'case when signed.money_currency = settings.reporting_currency then cast(1 as decimal(18, 8)) else rates.rate end') }} as amount,
    deals.deal_id,
    signed.subscription_id,
    coalesce(customers.customer_id, deals.customer_id, departed.customer_id, merged_away.customer_id) as customer_id,
    coalesce(deals.manager_id, departed.manager_id, merged_away.manager_id, 'not_given') as manager_id,
    coalesce(deals.channel_id, 'not_given') as channel_id,
    coalesce(deals.product_id, 'not_given') as product_id,
    deals.partner_id,
    signed.kind as delivered_kind, signed.is_unknown_kind, signed.is_payment_below_zero,
    signed._source_file, signed._source_row
from signed
cross join settings
left join survivors on signed.deal_id = survivors.deal_id
left join deals on coalesce(survivors.survivor_id, signed.deal_id) = deals.deal_id
left join departed on coalesce(survivors.survivor_id, signed.deal_id) = departed.deal_id
left join departed as merged_away on signed.deal_id = merged_away.deal_id and deals.deal_id is null
left join customers on signed.customer_id = customers.customer_ref
left join rates on signed.money_currency = rates.currency and signed.paid_on = rates.day
where signed.paid_on <= settings.as_of
