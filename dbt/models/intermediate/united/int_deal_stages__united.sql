{{ united('deal_stages') }}
