-- A row's price is what the customer pays for one, discount and tax included. An export of the interface repeats
-- the deal on a row of its own for each product.
{{ stage_entity('deal_items', [
    from_table('bitrix24', 'product_row', 'deal_items', {
        'deal_id': 'owner_id',
        'product_id': bitrix24_link('product_id'),
        'product_name': 'product_name',
        'quantity': 'quantity',
        'price': 'price',
    }, left_out="case when coalesce(nullif(trim(owner_type), ''), 'D') not in ('D', '2') then 'other_object' end"),
    from_table('bitrix24', 'deal', 'deal_items', {
        'deal_id': 'id',
        'product_name': 'product_name',
        'quantity': 'product_quantity',
        'price': 'product_price',
    }, left_out="case when nullif(trim(product_name), '') is null then 'no_product' when " ~ is_yes('is_recurring') ~ " then 'recurring_template' end"),
]) }}
