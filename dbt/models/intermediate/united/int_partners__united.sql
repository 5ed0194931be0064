{{ united('partners') }}
