{{ united('calendar') }}
