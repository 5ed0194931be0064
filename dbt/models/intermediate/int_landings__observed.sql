-- One row per landed file: when its export was made. To the instant where its path, its newest record or the first sight of it
-- tells one; a day alone is the whole business day: what changed during it may be in the file.
{%- set dated = ['deals', 'leads', 'customers', 'subscriptions'] %}
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

told as (
    select _landing_key, max(last_updated_at) as last_updated_at, max(last_updated_on) as last_updated_on from (
        {%- for entity in dated %}
        select _landing_key, max(updated_at) as last_updated_at, max(updated_on) as last_updated_on
        from {{ ref('int_' ~ entity ~ '__united') }} group by _landing_key
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as by_entity
    group by _landing_key
),

-- what a record tells is landed as it is written: in UTC, or by the clock of its source
named as (
    select
        landed.landing_key as _landing_key, landed._observed_at as named_at, told.last_updated_at, told.last_updated_on,
        coalesce(landed._observed_at = told.last_updated_at or landed._observed_at
            = {{ utc_to_local('told.last_updated_at', 'landed._timezone', 'landed._utc_offset_seconds', 'landed._offset_valid_from') }}, false) as is_of_record
    from {{ ref('stg_workspace__landings') }} as landed
    left join told on landed.landing_key = told._landing_key
)

select
    named._landing_key,
    case
        when named.is_of_record then named.last_updated_at
        when {{ seconds_of_day('named.named_at') }} = 0 then {{ instant_of_day('cast(named.named_at as date)') }}
        else named.named_at
    end as observed_at,
    case
        when named.is_of_record then named.last_updated_at
        when {{ seconds_of_day('named.named_at') }} = 0 then {{ instant_of_day(add_days('cast(named.named_at as date)', 1)) }}
        else named.named_at
    end as observed_until,
    cast(case
        when named.is_of_record then named.last_updated_on
        when {{ seconds_of_day('named.named_at') }} = 0 then named.named_at
        else {{ utc_to_local('named.named_at', 'settings.timezone', 'settings.utc_offset_seconds', 'settings.offset_valid_from') }}
    end as date) as observed_on
from named
cross join settings
