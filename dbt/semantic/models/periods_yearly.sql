{{ periods_of('year') }}
