{#
  What is read out of the sequence of deliveries; when each was made says int_landings__observed.
#}

{# Whether the time that a later version of a record tells for its change can be that of the change. #}
{% macro is_change_dated(later, earlier) -%}
    {{ later }}.updated_at <= {{ later }}.observed_until
    and {{ later }}.updated_at > case when {{ earlier }}.observed_at < {{ later }}.observed_at then {{ earlier }}.observed_at else {{ earlier }}.updated_at end
{%- endmacro %}

{# Instant at which a business day begins. #}
{% macro day_start_utc(day) -%}
    {{ local_to_utc('cast(' ~ day ~ ' as timestamp)', 'settings.timezone', 'settings.utc_offset_seconds', 'settings.offset_valid_from') }}
{%- endmacro %}
