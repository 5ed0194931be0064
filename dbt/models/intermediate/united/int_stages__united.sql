{{ united('stages') }}
