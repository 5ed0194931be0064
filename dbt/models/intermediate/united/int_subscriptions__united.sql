{{ united('subscriptions') }}
