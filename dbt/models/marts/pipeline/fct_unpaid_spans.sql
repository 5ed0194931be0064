{{ config(meta={'empty_without': ['int_deals__unpaid']}) }}
select
    unpaid.deal_id, unpaid.spell_number, unpaid.from_on, unpaid.to_on, unpaid.unpaid_amount,
    wins.manager_id, wins.team_id, wins.strategy, wins.channel_id, wins.partner_id, wins._source_file, wins._source_row
from {{ ref('int_deals__unpaid') }} as unpaid
inner join {{ ref('fct_deal_events') }} as wins
    on unpaid.deal_id = wins.deal_id and unpaid.spell_number = wins.spell_number and wins.event = 'won'
