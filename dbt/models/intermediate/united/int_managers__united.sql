{{ united('managers') }}
