{{ periods_of('quarter') }}
