{{ config(materialized='view') }}
-- One row per deal x product it touches; shares add up to exactly 1. No lines: the deal's own product.
select deals.deal_id, lines.product_id, lines.share, lines.is_primary
from {{ ref('int_deals__attributed') }} as deals
inner join {{ ref('int_deal_items__shared') }} as lines on deals.deal_id = lines.deal_id
union all
select deals.deal_id, deals.product_id, cast(1 as decimal(18, 6)), true
from {{ ref('int_deals__attributed') }} as deals
left join (select distinct deal_id from {{ ref('int_deal_items__shared') }}) as lines on deals.deal_id = lines.deal_id
where lines.deal_id is null
