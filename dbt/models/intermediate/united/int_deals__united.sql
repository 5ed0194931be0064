{{ united('deals') }}
