{#
  Ad cabinets: a cut is how finely a file divides its money (by campaign, by keyword, by region): its
  table and those of the named columns that it has; `detail` is a row's values in them.
#}
{% macro ads_cut(table, columns) -%}
    concat_ws('+', '{{ table }}'{% for column in columns %}, case when {{ has_column(column) }} then '{{ column }}' end{% endfor %})
{%- endmacro %}

{% macro ads_detail(columns) -%}
    concat_ws('|'{% for column in columns %}, coalesce({{ column }}, ''){% endfor %})
{%- endmacro %}

{# Whether the file of a row has anything in a column. #}
{% macro has_column(column) -%}
    max({{ column }}) over (partition by raw_._landing_key) is not null
{%- endmacro %}

{# No money is written as a dash there. #}
{% macro ads_money(value) -%}
    case when trim({{ value }}) in ('-', '--', '—', '–') then '0' else {{ value }} end
{%- endmacro %}

{# Code of a currency; Excel writes a question mark for a sign that its encoding lacks. #}
{% macro as_currency_code(value) -%}
    case lower(replace(trim({{ value }}), '.', ''))
        when '₽' then 'RUB' when 'руб' then 'RUB' when 'р' then 'RUB' when '$' then 'USD' when '€' then 'EUR' when '₸' then 'KZT' when 'тг' then 'KZT' when '?' then null
        else upper(nullif(trim({{ value }}), '')) end
{%- endmacro %}

{# First or last day of a week or month that a segment names by its beginning, within the report's period. #}
{% macro segment_start(week, month, period_start) -%}
    cast(greatest({{ week_day(week) }}, {{ month_day(month) }}, try_cast({{ period_start }} as date)) as {{ dbt.type_string() }})
{%- endmacro %}

{% macro segment_end(week, month, period_end) -%}
    cast(least({{ week_day(week) }} + 6, last_day({{ month_day(month) }}), try_cast({{ period_end }} as date)) as {{ dbt.type_string() }})
{%- endmacro %}

{% macro week_day(value) -%}try_cast({{ value }} as date){%- endmacro %}

{% macro month_day(value) -%}
    coalesce(try_cast(case when length(trim({{ value }})) = 7 then trim({{ value }}) || '-01' else {{ value }} end as date),
        cast(try_strptime(trim({{ value }}), ['%b %Y', '%B %Y']) as date))
{%- endmacro %}

{# Newest value of a column in a reference table of the same source. #}
{% macro newest_told(system, table, column, id, updated_at=none) -%}
    (select {% if updated_at %}max_by(told_.{{ column }}, coalesce(told_.{{ updated_at }}, '')){% else %}max(told_.{{ column }}){% endif %}
        from {{ source('raw', system ~ '__' ~ table) }} as told_
        where told_.source_name = raw_.source_name and told_.id = {{ id }})
{%- endmacro %}

{# A whole number over `days_left` days, rounded down. #}
{% macro share_of_days(value) -%}
    cast(({{ value }} - {{ value }} % days_left) / days_left as bigint)
{%- endmacro %}
