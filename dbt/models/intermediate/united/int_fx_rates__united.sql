{{ united('fx_rates') }}
