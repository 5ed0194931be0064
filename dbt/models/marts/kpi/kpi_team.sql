{{ wide_kpis('team') }}
