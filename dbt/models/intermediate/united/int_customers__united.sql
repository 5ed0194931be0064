{{ united('customers') }}
