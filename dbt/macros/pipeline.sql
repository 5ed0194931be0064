{# Days in a stage from which chances of a win are told apart: [from, next from). #}
{% macro age_bands() %}{{ return([0, 7, 14, 30, 60, 90, 180]) }}{% endmacro %}

{# One row per age band: age_from, age_to (excluded; a hundred years for the last). #}
{% macro age_band_rows() -%}
    {%- set bands = age_bands() -%}
    {%- for first in bands %}
    select {{ first }} as age_from, {{ bands[loop.index0 + 1] if not loop.last else 36500 }} as age_to
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Later of two beginnings, earlier of two ends (NULL: none) of half-open spans of days. #}
{% macro later_start(one, other) -%}greatest({{ one }}, coalesce({{ other }}, {{ one }})){%- endmacro %}
{% macro earlier_end(one, other) -%}
    case when {{ one }} is null then {{ other }} when {{ other }} is null then {{ one }} else least({{ one }}, {{ other }}) end
{%- endmacro %}

{# Whether two half-open spans of days meet; ends may be NULL. #}
{% macro spans_meet(from_one, to_one, from_other, to_other) -%}
    {{ from_one }} < coalesce({{ to_other }}, date '9999-12-31') and {{ from_other }} < coalesce({{ to_one }}, date '9999-12-31')
{%- endmacro %}

{#
  Steps of the partners that are active: with a deal registered (opened) or won in the last 90 days. Partners do not add up
  over scopes, so each scope counts its own: (scope_type, scope_id, day, partner_count, samples).
#}
{% macro active_partner_steps() %}
{%- for scope, key in [('company', "'all'"), ('team', 'team_id'), ('manager', 'manager_id'), ('partner', 'partner_id')] %}
    select scope_type, scope_id, min(day) as day, 1 as partner_count, 1 as samples, 1 as product_samples
    from ({{ partner_islands(scope, key) }}) as {{ scope }}_starts group by scope_type, scope_id, partner_id, island
    union all
    select scope_type, scope_id, {{ add_days('max(day)', 90) }}, -1, -1, -1
    from ({{ partner_islands(scope, key) }}) as {{ scope }}_ends group by scope_type, scope_id, partner_id, island
    {{ 'union all' if not loop.last }}
{%- endfor %}
{% endmacro %}

{# Days on which a partner's deal was opened or won, numbered by the stretches without a pause of 90 days. #}
{% macro partner_islands(scope, key) %}
    select scope_type, scope_id, partner_id, day, sum(is_start) over (
        partition by scope_id, partner_id order by day rows between unbounded preceding and current row) as island
    from (
        select scope_type, scope_id, partner_id, day, case
            when {{ days_between('lag(day) over (partition by scope_id, partner_id order by day)', 'day') }} <= 90 then 0 else 1 end as is_start
        from (select distinct '{{ scope }}' as scope_type, {{ key }} as scope_id, partner_id, day from {{ ref('fct_partner_days') }}) as seen
    ) as started
{% endmacro %}
