{{ united('deal_items') }}
