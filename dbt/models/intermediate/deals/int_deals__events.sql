{{ config(meta={'empty_without': ['int_deals__attributed']}) }}
-- One row per deal x won, lost or reversed. A reversal is the exact negative of its win: at the win's rate and cost, with its
-- owner and (by `attributed_on`) its team.
with

deals as (select * from {{ ref('int_deals__attributed') }}),

spells as (select * from {{ ref('int_deals__won_spells') }}),

settings as (select * from {{ ref('stg_workspace__settings') }}),

rates as (select * from {{ ref('int_fx__daily') }}),

owners as (select deal_id, spell_number, manager_id from {{ ref('int_deals__owners') }} where moment = 'win'),

wins as (
    select
        spells.spell_number, spells.won_on, spells.won_at, spells.ended_on, spells.ended_at,
        deals.deal_id, coalesce(owners.manager_id, deals.manager_now_id) as manager_id,
        deals.amount_native,
        case when deals.currency = settings.reporting_currency then cast(1 as decimal(18, 8)) else rates.rate end as rate
    from spells
    cross join settings
    inner join deals on spells.deal_id = deals.deal_id
    left join owners on spells.deal_id = owners.deal_id and spells.spell_number = owners.spell_number
    left join rates on deals.currency = rates.currency and spells.won_on = rates.day
),

valued as (select wins.*, {{ to_reporting('wins.amount_native', 'wins.rate') }} as amount from wins),

{{ costs_of('valued', ['deal_id', 'spell_number'], 'won_on') }}

priced as (
    select valued.*, costs.cost
    from valued
    left join costs on valued.deal_id = costs.deal_id and valued.spell_number = costs.spell_number
),

signed as (
    select deal_id, 'won' as event, won_on as occurred_on, won_at as occurred_at, won_on as attributed_on, manager_id, spell_number, 1 as sign, amount, cost
    from priced
    union all
    select
        deal_id, 'reversed', ended_on, ended_at, won_on, manager_id, spell_number, -1,
        cast(-amount as decimal(18, 4)), cast(-cost as decimal(18, 4))
    from priced cross join settings where ended_on <= settings.as_of
    union all
    select deal_id, 'lost', lost_on, cast(null as timestamp), lost_on, manager_id, 0, 1, amount, cost
    from deals where outcome = 'lost' and lost_on is not null
)

select
    signed.deal_id, signed.event, signed.occurred_on, signed.occurred_at, signed.attributed_on,
    cast(signed.spell_number as integer) as spell_number,
    cast(signed.sign as integer) as sign,
    signed.amount, signed.cost,
    cast(signed.amount - signed.cost as decimal(18, 4)) as margin,
    case when coalesce(deals.partner_role, 'sourced') = 'sourced'
        then {{ rounded_product('signed.amount', 'partners.fee_share') }} end as partner_fee,
    deals.is_eligible_close,
    signed.manager_id, deals.channel_id, deals.product_id, deals.partner_id, deals.partner_role,
    deals._source_file, deals._source_row
from signed
inner join deals on signed.deal_id = deals.deal_id
left join {{ ref('int_partners__described') }} as partners on deals.partner_id = partners.partner_id
