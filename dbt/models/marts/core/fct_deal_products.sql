select deal_id, product_id, share, is_primary from {{ ref('int_deals__products') }}
