{{ united('deal_changes') }}
