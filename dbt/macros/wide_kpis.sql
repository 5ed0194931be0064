{#
  kpi_values of one scope with a column per KPI that has meaning there, and the parts of every ratio
  beside it. Which columns there are comes from the registry, not from the data: they are stable.
#}
{% macro wide_kpis(scope) %}
{%- set kpis = [] -%}
{%- if execute -%}
    {%- set kpis = run_query(
        "select kpi_code, aggregation from " ~ ref('kpi_registry') ~ " where is_computed and concat(';', scopes, ';') like '%;" ~ scope ~ ";%' order by sort_order"
    ).rows -%}
{%- endif -%}
-- One row per {{ scope }} x period_grain x period_start. depends_on: {{ ref('kpi_registry') }}
select
    {%- if scope != 'company' %}
    spine.scope_id as {{ scope }}_id, max(spine.scope_name) as {{ scope }}_name,
    {%- endif %}
    spine.period_grain, spine.period_start, max(spine.period_end) as period_end, bool_and(spine.is_complete) as is_complete
    {%- for kpi_code, aggregation in kpis %},
    max(case when kpis.kpi_code = '{{ kpi_code }}' then kpis.value end) as {{ kpi_code }}
    {%- if aggregation == 'ratio' %},
    max(case when kpis.kpi_code = '{{ kpi_code }}' then kpis.numerator end) as {{ kpi_code }}_numerator,
    max(case when kpis.kpi_code = '{{ kpi_code }}' then kpis.denominator end) as {{ kpi_code }}_denominator
    {%- endif %}
    {%- endfor %}
from {{ ref('kpi_spine') }} as spine
left join {{ ref('kpi_values') }} as kpis
    on spine.scope_type = kpis.scope_type and spine.scope_id = kpis.scope_id
    and spine.period_grain = kpis.period_grain and spine.period_start = kpis.period_start
where spine.scope_type = '{{ scope }}'
group by spine.scope_id, spine.period_grain, spine.period_start
{% endmacro %}
