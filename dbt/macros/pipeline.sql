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
