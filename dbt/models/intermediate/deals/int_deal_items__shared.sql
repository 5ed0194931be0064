{{ config(meta={'empty_without': ['int_deal_items__united']}) }}
-- One row per deal x product of its lines: the line's share of the deal and, where known, its cost. Of a product on several
-- lines: the cost where all of them have one, what is known of it (`known_cost`), and how much has none (`unknown_quantity`).
-- The shares of a deal add up to exactly 1: the last line takes the rounding.
with

deals as (select deal_id, manager_now_id from {{ ref('int_deals__current') }}),

survivors as (select * from {{ ref('int_deals__survivors') }}),

products as (select * from {{ ref('int_products__crosswalk') }}),

{{ last_full_delivery('deal_items') }}

delivered as (
    select
        coalesce(survivors.survivor_id, items.deal_id) as deal_id,
        coalesce(products.product_id, 'not_given') as product_id,
        coalesce(items.quantity, 1) as quantity,
        items.price,
        cast(cast(coalesce(items.quantity, 1) as decimal(24, 8)) * items.price - coalesce(items.discount, 0) as decimal(18, 4)) as line_amount,
        cast(cast(coalesce(items.quantity, 1) as decimal(24, 8)) * items.cost as decimal(18, 4)) as line_cost,
        items._is_row_rejected, items._source_file, items._source_row, items._observed_at, items._file_sha256
    from {{ ref('int_deal_items__united') }} as items
    left join survivors on items.deal_id = survivors.deal_id
    inner join deals on coalesce(survivors.survivor_id, items.deal_id) = deals.deal_id
    left join products on coalesce(items.product_id, items.source_name || ':~' || items.product_name) = products.product_ref
    left join last_full on items.source_name = last_full.source_name
    where (not items._is_row_rejected or items._left_out = 'deleted')
        and items._observed_at >= coalesce(last_full.observed_at, items._observed_at)
),

-- the lines of a deal come from the newest file that holds any of them, deleted ones too
newest_files as (
    select deal_id, _file_sha256, row_number() over (
        partition by deal_id order by max(_observed_at) desc nulls last, _file_sha256 desc) as file_rank
    from delivered group by deal_id, _file_sha256
),

by_product as (
    select
        delivered.deal_id, delivered.product_id,
        sum(delivered.quantity) as quantity,
        sum(delivered.line_amount) as line_amount,
        case when count(*) = count(delivered.line_cost) then sum(delivered.line_cost) end as line_cost,
        sum(delivered.line_cost) as known_cost,
        sum(case when delivered.line_cost is null then delivered.quantity else 0 end) as unknown_quantity,
        count(*) as line_count,
        count(delivered.line_amount) as priced_count,
        min(delivered._source_file) as _source_file, min(delivered._source_row) as _source_row
    from delivered
    inner join newest_files
        on delivered.deal_id = newest_files.deal_id and delivered._file_sha256 = newest_files._file_sha256
        and newest_files.file_rank = 1
    where not delivered._is_row_rejected
    group by delivered.deal_id, delivered.product_id
),

weighted as (
    select
        *,
        sum(line_amount) over (partition by deal_id) as deal_lines_amount,
        sum(line_count) over (partition by deal_id) as deal_line_count,
        sum(priced_count) over (partition by deal_id) as deal_priced_count,
        row_number() over (partition by deal_id order by product_id) as product_number,
        count(*) over (partition by deal_id) as product_count
    from by_product
),

raw_shares as (
    select
        *,
        cast(case
            when deal_priced_count = deal_line_count and deal_lines_amount > 0
                then cast(line_amount as double) / cast(deal_lines_amount as double)
            else cast(line_count as double) / cast(deal_line_count as double)
        end as decimal(18, 6)) as rounded_share
    from weighted
)

select
    deal_id,
    product_id,
    cast(quantity as decimal(18, 4)) as quantity,
    cast(line_amount as decimal(18, 4)) as line_amount,
    cast(line_cost as decimal(18, 4)) as line_cost,
    cast(known_cost as decimal(18, 4)) as known_cost,
    cast(unknown_quantity as decimal(18, 4)) as unknown_quantity,
    cast(case when product_number = product_count
        then cast(1 as decimal(18, 6)) - coalesce(sum(rounded_share) over (
            partition by deal_id order by product_number rows between unbounded preceding and 1 preceding), 0)
        else rounded_share end as decimal(18, 6)) as share,
    product_number = 1 as is_primary,
    _source_file,
    _source_row
from raw_shares
