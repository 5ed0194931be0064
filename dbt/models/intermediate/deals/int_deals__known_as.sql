{{ config(materialized='view') }}
-- One row per id that a deal was ever known by: its own, and those of the deals merged into it.
select deal_id as known_as, deal_id, channel_id, lead_id from {{ ref('int_deals__attributed') }}
union all
select survivors.deal_id, deals.deal_id, deals.channel_id, deals.lead_id
from {{ ref('int_deals__survivors') }} as survivors
inner join {{ ref('int_deals__attributed') }} as deals on survivors.survivor_id = deals.deal_id
