{{ united('spend') }}
