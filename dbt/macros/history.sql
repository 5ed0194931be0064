{#
  What is read out of the sequence of deliveries. An observation is one landed file: when its export was
  made, to the instant where its own `updated_at` or its path tells one, else to the day of its path.
#}

{#
  CTE `observations`(_landing_key, observed_at, observed_until, observed_on) of the CTE `accepted`. A day
  in a path is the whole business day: what changed during it may be in the file.
#}
{% macro observations() %}
{%- set local_day = utc_to_local('named_at', 'settings.timezone', 'settings.utc_offset_seconds', 'settings.offset_valid_from') %}
landings as (
    select _landing_key, max(_observed_at) as named_at, max(updated_at) as last_updated_at, max(updated_on) as last_updated_on
    from accepted group by _landing_key
),

observations as (
    select
        landings._landing_key,
        case
            when {{ is_within_hours('last_updated_at', 'named_at', 14) }} then last_updated_at
            when {{ seconds_of_day('named_at') }} = 0 then {{ day_start_utc('cast(named_at as date)') }}
            else named_at
        end as observed_at,
        case
            when {{ is_within_hours('last_updated_at', 'named_at', 14) }} then last_updated_at
            when {{ seconds_of_day('named_at') }} = 0 then {{ day_start_utc(add_days('cast(named_at as date)', 1)) }}
            else named_at
        end as observed_until,
        case
            when {{ is_within_hours('last_updated_at', 'named_at', 14) }} then last_updated_on
            when {{ seconds_of_day('named_at') }} = 0 then cast(named_at as date)
            else cast({{ local_day }} as date)
        end as observed_on
    from landings
    cross join settings
),
{% endmacro %}

{# Whether the time that a later version of a record tells for its change can be that of the change. #}
{% macro is_change_dated(later, earlier) -%}
    {{ later }}.updated_at <= {{ later }}.observed_until
    and {{ later }}.updated_at > case when {{ earlier }}.observed_at < {{ later }}.observed_at then {{ earlier }}.observed_at else {{ earlier }}.updated_at end
{%- endmacro %}

{# Instant at which a business day begins. #}
{% macro day_start_utc(day) -%}
    {{ local_to_utc('cast(' ~ day ~ ' as timestamp)', 'settings.timezone', 'settings.utc_offset_seconds', 'settings.offset_valid_from') }}
{%- endmacro %}
