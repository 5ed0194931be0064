{{ stage_entity('products', [from_table('recurly', 'plan', 'products', {'product_id': 'id', 'product_name': 'coalesce(record_name, code)'})]) }}
