{{ united('payments') }}
