select product_id, product_name from {{ source('published', 'dim_product') }}
