{{ config(meta={'empty_without': ['int_payments__attributed']}) }}
-- One row per won deal x span of days on which the same part of its amount was unpaid. Payments count from the win on, in
-- the deal's currency at the win's rate; what is paid above the amount is not set against other deals.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

deals as (select deal_id, currency, amount_native from {{ ref('int_deals__attributed') }}),

wins as (
    select
        spells.deal_id, spells.spell_number, spells.won_on,
        case when spells.ended_on <= settings.as_of then spells.ended_on end as ended_on, events.amount
    from {{ ref('int_deals__won_spells') }} as spells
    cross join settings
    inner join {{ ref('int_deals__events') }} as events
        on spells.deal_id = events.deal_id and spells.spell_number = events.spell_number and events.event = 'won'
    where events.amount > 0 and exists (select 1 from {{ ref('int_payments__attributed') }})
),

paid as (
    select
        wins.deal_id, wins.spell_number, greatest(payments.paid_on, wins.won_on) as day,
        cast(sum(case when payments.currency = deals.currency
            then cast(cast(payments.amount_native as double) * cast(wins.amount as double) / cast(deals.amount_native as double) as decimal(18, 4))
            else payments.amount end) as decimal(18, 4)) as amount
    from wins
    inner join deals on wins.deal_id = deals.deal_id
    inner join {{ ref('int_payments__attributed') }} as payments on wins.deal_id = payments.deal_id
    where wins.ended_on is null or payments.paid_on < wins.ended_on
    group by wins.deal_id, wins.spell_number, greatest(payments.paid_on, wins.won_on)
),

points as (
    select deal_id, spell_number, day, sum(amount) as amount
    from (
        select deal_id, spell_number, day, amount from paid
        union all
        select deal_id, spell_number, won_on, cast(0 as decimal(18, 4)) from wins
    ) as both_
    group by deal_id, spell_number, day
),

levels as (
    select
        deal_id, spell_number, day as from_on,
        lead(day) over (partition by deal_id, spell_number order by day) as next_on,
        sum(amount) over (partition by deal_id, spell_number order by day rows between unbounded preceding and current row) as paid_amount
    from points
)

select
    levels.deal_id, levels.spell_number, levels.from_on, coalesce(levels.next_on, wins.ended_on) as to_on,
    cast(wins.amount - least(greatest(levels.paid_amount, 0), wins.amount) as decimal(18, 4)) as unpaid_amount
from levels
inner join wins on levels.deal_id = wins.deal_id and levels.spell_number = wins.spell_number
where wins.amount > greatest(levels.paid_amount, 0)
