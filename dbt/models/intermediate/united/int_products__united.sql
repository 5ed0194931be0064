{{ united('products') }}
