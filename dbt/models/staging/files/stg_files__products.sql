{{ stage_entity('products', [as_delivered('products')]) }}
