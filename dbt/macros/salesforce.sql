{#
  Ids of 15 characters tell upper from lower case; the 18-character form adds a checksum, a letter for each
  five characters whose bits are the upper-case ones. Anything that is no bare id stays as it is.
#}
{% macro as_salesforce_id(value) -%}
    case when length(trim({{ value }})) = 15 and regexp_matches(trim({{ value }}), '^[0-9A-Za-z]{15}$')
        then trim({{ value }}) || {{ salesforce_checksum(value, 1) }} || {{ salesforce_checksum(value, 6) }} || {{ salesforce_checksum(value, 11) }}
        else trim({{ value }}) end
{%- endmacro %}

{% macro salesforce_checksum(value, start) -%}
    substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1
        {%- for place in range(5) %} + case when substr(trim({{ value }}), {{ start + place }}, 1) <> lower(substr(trim({{ value }}), {{ start + place }}, 1)) then {{ 2 ** place }} else 0 end{% endfor %}, 1)
{%- endmacro %}

{# Old or new value of a changed owner; of any other field the text itself. #}
{% macro as_salesforce_owner(value) -%}
    case when regexp_matches({{ value }}, '^00[5G][0-9A-Za-z]{12}$') then {{ as_salesforce_id(value) }} else {{ value }} end
{%- endmacro %}

{# A day that a connector writes as midnight is a day, whatever the clock of the source. #}
{% macro salesforce_day(value) -%}
    case when substr({{ value }}, 12, 8) = '00:00:00' then left({{ value }}, 10) else {{ value }} end
{%- endmacro %}
