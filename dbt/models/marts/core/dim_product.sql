select product_id, product_name, category, list_price, unit_cost, cost_share, currency
from {{ ref('int_products__described') }}
