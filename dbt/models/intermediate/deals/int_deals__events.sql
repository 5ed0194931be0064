-- One row per deal x won, lost or reversed. A reversal is the exact negative of its win, at the win's rate.
with

deals as (select * from {{ ref('int_deals__attributed') }}),

spells as (select * from {{ ref('int_deals__won_spells') }}),

settings as (select * from {{ ref('stg_workspace__settings') }}),

rates as (select * from {{ ref('int_fx__daily') }}),

wins as (
    select
        spells.deal_id, spells.spell_number, spells.won_on, spells.won_at, spells.ended_on, spells.ended_at,
        deals.won_on = spells.won_on and spells.ended_on is null as is_standing,
        case when deals.currency = settings.reporting_currency then cast(1 as decimal(18, 8)) else rates.rate end as rate
    from spells
    cross join settings
    inner join deals on spells.deal_id = deals.deal_id
    left join rates on deals.currency = rates.currency and spells.won_on = rates.day
),

priced as (
    select
        wins.*,
        {{ to_reporting('deals.amount_native', 'wins.rate') }} as amount,
        case when wins.is_standing then deals.cost
            when deals.rate <> 0 then cast(cast(deals.cost as double) / cast(deals.rate as double) * cast(wins.rate as double) as decimal(18, 4))
            else deals.cost end as cost
    from wins
    inner join deals on wins.deal_id = deals.deal_id
),

signed as (
    select deal_id, 'won' as event, won_on as occurred_on, won_at as occurred_at, spell_number, 1 as sign, amount, cost from priced
    union all
    select deal_id, 'reversed', ended_on, ended_at, spell_number, -1, cast(-amount as decimal(18, 4)), cast(-cost as decimal(18, 4))
    from priced cross join settings where ended_on <= settings.as_of
    union all
    select deal_id, 'lost', lost_on, cast(null as timestamp), 0, 1, amount, cost
    from deals where outcome = 'lost' and lost_on is not null
)

select
    signed.deal_id, signed.event, signed.occurred_on, signed.occurred_at,
    cast(signed.spell_number as integer) as spell_number,
    cast(signed.sign as integer) as sign,
    signed.amount, signed.cost,
    cast(signed.amount - signed.cost as decimal(18, 4)) as margin,
    case when coalesce(deals.partner_role, 'sourced') = 'sourced'
        then {{ rounded_product('signed.amount', 'partners.fee_share') }} end as partner_fee,
    deals.is_eligible_close,
    deals.manager_id, deals.channel_id, deals.product_id, deals.partner_id, deals.partner_role,
    deals._source_file, deals._source_row
from signed
inner join deals on signed.deal_id = deals.deal_id
left join {{ ref('int_partners__described') }} as partners on deals.partner_id = partners.partner_id
