{{ wide_kpis('partner') }}
