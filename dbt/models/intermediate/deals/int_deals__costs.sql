{{ config(meta={'empty_without': ['int_deals__current']}) }}
-- One row per costed deal x currency of a cost: what is known of the deal, in that currency, and as a share of its amount.
-- The costs of its lines, else its own, else for each line its own cost or that of its product; no lines: the deal's product.
-- A deal with any line of which nothing is known has no row.
with

deals as (select deal_id, currency, cost_native, product_id from {{ ref('int_deals__current') }}),

products as (select * from {{ ref('int_products__described') }} where unit_cost is not null or cost_share is not null),

lines as (select * from {{ ref('int_deal_items__shared') }}),

-- a deal without lines is one of its product
units as (
    select deal_id, product_id, known_cost, unknown_quantity, line_cost is not null as is_line_costed, share from lines
    union all
    select deals.deal_id, deals.product_id, cast(null as decimal(18, 4)), cast(1 as decimal(18, 4)), false, cast(1 as decimal(18, 6))
    from deals
    left join (select distinct deal_id from lines) as lined on deals.deal_id = lined.deal_id
    where lined.deal_id is null and deals.cost_native is null
),

described as (
    select
        units.*, products.currency as product_currency,
        case when not units.is_line_costed then {{ rounded_product('products.unit_cost', 'units.unknown_quantity') }} end as product_cost,
        case when not units.is_line_costed and products.unit_cost is null and units.known_cost is null
            then cast(cast(units.share as decimal(24, 6)) * products.cost_share as decimal(18, 8)) end as cost_share
    from units
    left join products on units.product_id = products.product_id
),

judged as (
    select
        deal_id, bool_and(is_line_costed) as is_costed_by_lines,
        bool_and(is_line_costed or product_cost is not null or cost_share is not null) as is_costed_with_products,
        sum(known_cost) as known_cost, sum(cost_share) as cost_share
    from described group by deal_id
),

parts as (
    select
        deals.deal_id, deals.currency,
        case when coalesce(judged.is_costed_by_lines, false) or deals.cost_native is null then coalesce(judged.known_cost, 0) else deals.cost_native end as cost_native,
        case when deals.cost_native is null then coalesce(judged.cost_share, 0) else 0 end as cost_share
    from deals
    left join judged on deals.deal_id = judged.deal_id
    where deals.cost_native is not null or judged.is_costed_with_products
    union all
    select described.deal_id, described.product_currency, described.product_cost, 0
    from described
    inner join deals on described.deal_id = deals.deal_id
    inner join judged on described.deal_id = judged.deal_id
    where described.product_cost is not null and deals.cost_native is null and judged.is_costed_with_products
)

select
    deal_id, currency,
    cast(sum(cost_native) as decimal(18, 4)) as cost_native,
    cast(sum(cost_share) as decimal(18, 8)) as cost_share
from parts
group by deal_id, currency
