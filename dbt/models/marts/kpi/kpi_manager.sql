{{ wide_kpis('manager') }}
