{{ stage_entity('products', [from_table('stripe', 'product', 'products', {'product_id': 'id', 'product_name': 'record_name'})]) }}
