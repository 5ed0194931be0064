{{ stage_entity('products', [from_table('salesforce', 'product', 'products', {
    'product_id': as_salesforce_id('id'),
    'product_name': 'record_name',
    'category': 'family',
    'currency': 'currency_iso_code',
}, empties=['null'])]) }}
