{{ united('activities') }}
