{{ config(meta={'empty_without': ['int_deal_items__shared']}) }}
select deal_id, product_id, quantity, line_amount, line_cost, share, is_primary, _source_file, _source_row
from {{ ref('int_deal_items__shared') }}
