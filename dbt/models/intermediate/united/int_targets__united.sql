{{ united('targets') }}
