{{ wide_kpis('company') }}
