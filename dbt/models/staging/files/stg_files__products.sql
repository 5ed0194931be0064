{{ config(pre_hook="{{ drop_withdrawn_files('products') }}") }}

{{ stage_entity('products', [
    ('product_id', 'key', true),
    ('product_name', 'text', false),
    ('category', 'text', false),
    ('list_price', 'price', false),
    ('cost', 'price', false),
    ('cost_share', 'share', false),
    ('currency', 'text', false),
]) }}
