{#
  What is read out of the sequence of deliveries; when each was made says int_landings__observed.
#}

{# Whether the time that a later version of a record tells for its change can be that of the change. #}
{% macro is_change_dated(later, earlier) -%}
    {{ later }}.updated_at <= {{ later }}.observed_until
    and {{ later }}.updated_at > case when {{ earlier }}.observed_at < {{ later }}.observed_at then {{ earlier }}.observed_at else {{ earlier }}.updated_at end
{%- endmacro %}

{# Instant of a minute of a business day, which begins with minute 0. #}
{% macro instant_of_day(day, minute=0) -%}
    {{ local_to_utc('(' ~ add_minutes('cast(' ~ day ~ ' as timestamp)', minute) ~ ')', 'settings.timezone', 'settings.utc_offset_seconds', 'settings.offset_valid_from') }}
{%- endmacro %}
