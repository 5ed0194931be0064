{{ wide_kpis('channel') }}
