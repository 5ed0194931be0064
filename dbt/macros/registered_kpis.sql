{#
  The computed KPIs of the registry, as mappings, while a model is compiled to be run; while it is only
  parsed, one KPI of the same shape stands for them. depends_on: {{ ref('kpi_registry') }}
#}
{% macro registered_kpis() %}
{%- set kpis = [] -%}
{%- if execute -%}
    {%- set found = run_query("select * from " ~ ref('kpi_registry') ~ " where is_computed order by sort_order") -%}
    {%- for row in found.rows -%}{%- do kpis.append(row.dict()) -%}{%- endfor -%}
{%- endif -%}
{{ return(kpis) }}
{% endmacro %}
