{{ config(pre_hook="{{ drop_withdrawn_files('deal_items') }}") }}

{{ stage_entity('deal_items', [
    ('deal_id', 'reference', true),
    ('product_id', 'reference', false),
    ('product_name', 'text', false),
    ('quantity', 'number', false),
    ('price', 'price', false),
    ('discount', 'price', false),
    ('cost', 'price', false),
], required_any=['product_id', 'product_name']) }}
