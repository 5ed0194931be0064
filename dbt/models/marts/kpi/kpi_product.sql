{{ wide_kpis('product') }}
