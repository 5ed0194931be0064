{{ stage_entity('products', [from_table('bitrix24', 'product', 'products', {
    'product_id': 'id',
    'product_name': 'name',
    'category': 'section_id',
    'list_price': 'price',
    'currency': 'currency_id',
})]) }}
