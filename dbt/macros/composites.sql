{#
  KPIs that combine parts already summed at a scope and period: (code, formula, part that counts its
  cases). A part is a measure, or a distribution by its KPI's code; either over the trailing 90 days
  with `__90d` behind the name, over the last twelve whole months with `__12m`, or over the days that lie
  the usual way from lead to win earlier with `__lagged`. Parts are doubles, NULL where nothing was
  measured; `settings` may be read too.
#}
{% macro composite_formulas() %}
{{ return([
    ('ltv_predicted', 'case when active_customers >= settings.low_sample_below and customers_lost__12m > 0 then
        least(36, customers_at_start__12m / customers_lost__12m) * mrr / nullif(active_customers, 0)
        * coalesce(mrr_margin / nullif(mrr_costed, 0), gross_margin / nullif(costed_revenue, 0)) end', 'active_customers'),
    ('ltv_to_cac', '(ltv_margin / nullif(ltv_customers, 0)) / nullif(spend__lagged / nullif(new_customers, 0), 0)', 'ltv_customers'),
    ('cac_payback_months', 'case when coalesce(spend, 0) / nullif(new_customers, 0) is not null then payback_months end', 'new_customers'),
    ('sales_velocity', 'coalesce(open_deals, 0) * eligible_wins__90d / nullif(eligible_closes__90d, 0)
        * check_amount__90d / nullif(check_deals__90d, 0) / nullif(cycle_days_median__90d, 0)', 'eligible_closes__90d'),
    ('pipeline_coverage', 'pipeline_due / case when revenue_target > coalesce(booked_revenue, 0) then revenue_target - coalesce(booked_revenue, 0) end',
        'pipeline_due_deals'),
]) }}
{% endmacro %}

{# Names of the parts that a formula reads. #}
{% macro parts_of(formula) %}
{%- set words = ['nullif', 'coalesce', 'least', 'greatest', 'case', 'when', 'then', 'else', 'end', 'null', 'and', 'or', 'is', 'not', 'cast', 'as', 'double', 'settings', 'low_sample_below'] -%}
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
    cross join settings
    union all
{%- endfor %}
    select {{ names }}, cast(null as bigint) as samples, value from {{ relation }} where false
{% endmacro %}

{# Whether a guard of a KPI holds: enough of its base, or, without a base, anything at all. #}
{% macro guard_holds(part) -%}
    case
        when kpis.{{ part }}_part = '' then true
        when kpis.{{ part }}_base_part = '' then coalesce(picked.{{ part }}_value, 0) > 0
        else coalesce(cast(picked.{{ part }}_value as double), 0) >= kpis.guard_minimum * coalesce(cast(picked.{{ part }}_base_value as double), 0)
    end
{%- endmacro %}

{# Whether history, or employment, covers a base: a quarter or year of which the first month is missing is none to compare with. #}
{% macro is_base_known(grain, first_day, known_from) -%}
    ({{ grain }} in ('week', 'month') or {{ add_months(first_day, 1) }} > {{ known_from }})
{%- endmacro %}
