-- One row per currency that lacks a rate on some day that needs one; an open deal needs one on every day that shows it.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

foreign_spans as (
    select spans.deal_id, spans.currency, spans.from_on, coalesce(spans.to_on, {{ add_days('settings.as_of', 1) }}) as to_on
    from {{ ref('int_deals__open_spans') }} as spans
    cross join settings
    where spans.currency <> settings.reporting_currency and spans.amount_native <> 0 and {{ any_row(ref('int_deals__changes')) }}
),

unrated_days as (
    select currencies.currency, days.day
    from (select currency, min(from_on) as first_day, max(to_on) as end_day from foreign_spans group by currency) as currencies
    inner join {{ ref('int_working_time__daily') }} as days on days.day >= currencies.first_day and days.day < currencies.end_day
    cross join settings
    left join {{ ref('int_fx__daily') }} as rates on currencies.currency = rates.currency and days.day = rates.day
    where rates.rate is null and days.day <= settings.as_of
),

unconverted as (
    select currency, coalesce(won_on, lost_on) as day, concat('deal ', deal_id) as record_key from {{ ref('int_deals__attributed') }}
    where amount_native is not null and amount is null
    union all
    select foreign_spans.currency, min(unrated_days.day), concat('deal ', foreign_spans.deal_id)
    from unrated_days
    inner join foreign_spans
        on unrated_days.currency = foreign_spans.currency and unrated_days.day >= foreign_spans.from_on and unrated_days.day < foreign_spans.to_on
    group by foreign_spans.currency, foreign_spans.deal_id
    union all
    select currency, paid_on, concat('payment ', payment_id) from {{ ref('int_payments__attributed') }}
    where amount_native is not null and amount is null
    union all
    select currency, started_on, concat('subscription ', subscription_id) from {{ ref('int_subscriptions__spells') }}
    where amount_native is not null and mrr is null
    union all
    select currency, spent_on, concat('spend ', spend_id) from {{ ref('int_spend__attributed') }}
    where amount_native is not null and amount is null
)

select currency, min(day) as first_day, count(distinct record_key) as row_count from unconverted group by currency
