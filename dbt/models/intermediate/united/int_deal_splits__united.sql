{{ united('deal_splits') }}
