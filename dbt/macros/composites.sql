{#
  KPIs that combine parts already summed at a scope and period: (code, formula, part that counts its
  cases). A part is a measure, or a distribution by its KPI's code; either over the trailing 90 days
  with `__90d` behind the name. Parts are doubles, NULL where nothing was measured.
#}
{% macro composite_formulas() %}
{{ return([
    ('sales_velocity', 'coalesce(open_deals, 0) * eligible_wins__90d / nullif(eligible_closes__90d, 0)'
        ~ ' * check_amount__90d / nullif(check_deals__90d, 0) / nullif(cycle_days_median__90d, 0)', 'eligible_closes__90d'),
    ('pipeline_coverage', 'pipeline_due / case when revenue_target > coalesce(booked_revenue, 0) then revenue_target - coalesce(booked_revenue, 0) end',
        'pipeline_due_deals'),
]) }}
{% endmacro %}

{# Names of the parts that a formula reads. #}
{% macro parts_of(formula) %}
{%- set words = ['nullif', 'coalesce', 'least', 'greatest', 'case', 'when', 'then', 'else', 'end', 'null', 'and', 'or', 'is', 'not', 'cast', 'as', 'double'] -%}
{%- set parts = [] -%}
{%- for name in modules.re.findall('[a-z][a-z0-9_]*', formula) if name not in words and name not in parts -%}
    {%- do parts.append(name) -%}
{%- endfor -%}
{{ return(parts) }}
{% endmacro %}

{# Measures wanted over another window than the period's own, as a list in SQL. #}
{% macro suffixed_parts() %}
{%- set wanted = ["'spend__lagged'", "'spend_covered_days__lagged'"] -%}
{%- for code, formula, cases in composite_formulas() -%}
    {%- for part in parts_of(formula ~ ' ' ~ cases) if part.endswith('__90d') or part.endswith('__lagged') -%}{%- do wanted.append("'" ~ part ~ "'") -%}{%- endfor -%}
{%- endfor -%}
{{ return(wanted | unique | join(', ')) }}
{% endmacro %}

{# One row per composite KPI x part, as a relation in SQL. #}
{% macro composite_parts() %}
{%- set rows = [] -%}
{%- for code, formula, cases in composite_formulas() -%}
    {%- for part in parts_of(formula ~ ' ' ~ cases) -%}{%- do rows.append("select '" ~ code ~ "' as kpi_code, '" ~ part ~ "' as part") -%}{%- endfor -%}
{%- endfor -%}
{{ rows | join(' union all ') if rows else "select '' as kpi_code, '' as part where false" }}
{% endmacro %}

{# Parts (kpi_parts) laid side by side and combined: one row per composite KPI x scope x window. #}
{% macro composite_rows(relation) %}
{%- set names = 'kpi_code, scope_type, scope_id, window_code, period_grain, period_start' %}
{%- for code, formula, cases in composite_formulas() %}
    select {{ names }}, cast(coalesce({{ cases }}, 0) as bigint) as samples, cast({{ formula }} as double) as value
    from (
        select {{ names }}
            {%- for part in parts_of(formula ~ ' ' ~ cases) %}, max(case when part = '{{ part }}' then value end) as {{ part }}{% endfor %}
        from {{ relation }} where kpi_code = '{{ code }}' group by {{ names }}
    ) as {{ code }}_parts
    union all
{%- endfor %}
    select {{ names }}, cast(null as bigint) as samples, value from {{ relation }} where false
{% endmacro %}

{# Whether the nth guard of a KPI holds: enough of its base, or, without a base, anything at all. #}
{% macro guard_holds(part, number) -%}
    case
        when coalesce({{ nth_part('kpis.guard_numerator', "';'", number) }}, '') = '' then true
        when coalesce({{ nth_part('kpis.guard_denominator', "';'", number) }}, '') = '' then coalesce(picked.{{ part }}_value, 0) > 0
        else coalesce(cast(picked.{{ part }}_value as double), 0) >= kpis.guard_minimum * coalesce(cast(picked.{{ part }}_base_value as double), 0)
    end
{%- endmacro %}
