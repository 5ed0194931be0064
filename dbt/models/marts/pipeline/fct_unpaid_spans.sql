select
    unpaid.deal_id, unpaid.spell_number, unpaid.from_on, unpaid.to_on, unpaid.unpaid_amount,
    deals.manager_id, deals.team_id, deals.strategy, deals.channel_id, deals.partner_id, deals._source_file, deals._source_row
from {{ ref('int_deals__unpaid') }} as unpaid
inner join {{ ref('fct_deals') }} as deals on unpaid.deal_id = deals.deal_id
