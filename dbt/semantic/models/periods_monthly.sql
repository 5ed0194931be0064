{{ periods_of('month') }}
