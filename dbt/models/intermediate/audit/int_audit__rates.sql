-- One row per currency that lacks a rate on some day that needs one.
with

unconverted as (
    select deals.currency, coalesce(deals.won_on, deals.lost_on, settings.as_of) as day
    from {{ ref('int_deals__attributed') }} as deals
    cross join {{ ref('stg_workspace__settings') }} as settings
    where deals.amount_native is not null and deals.amount is null
    union all
    -- a win that was taken back since
    select deals.currency, events.attributed_on
    from {{ ref('int_deals__events') }} as events
    inner join {{ ref('int_deals__attributed') }} as deals on events.deal_id = deals.deal_id
    where events.event = 'reversed' and events.amount is null and deals.amount_native is not null
    union all
    select currency, paid_on from {{ ref('int_payments__attributed') }} where amount_native is not null and amount is null
    union all
    select currency, started_on from {{ ref('int_subscriptions__spells') }} where amount_native is not null and mrr is null
    union all
    select currency, spent_on from {{ ref('int_spend__attributed') }} where amount_native is not null and amount is null
)

select currency, min(day) as first_day, count(*) as row_count from unconverted group by currency
