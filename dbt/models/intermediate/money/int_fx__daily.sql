-- One row per currency x day that has a rate: the last one on or before the day, not older than the limit. A rate of 0 or
-- less is none.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

currencies as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'currency'),

named as (
    select rates.*, upper(coalesce(currencies.name, rates.currency)) as rated_currency
    from {{ ref('int_fx_rates__united') }} as rates
    left join currencies on {{ as_match_name('rates.currency') }} = currencies.spelling_match
    where not rates._is_row_rejected and rates.rate > 0
),

delivered as (
    select rated_currency as currency, rate_on, rate, row_number() over (
        partition by rated_currency, rate_on
        order by _observed_at desc nulls last, _file_sha256 desc, _source_row desc) as version_rank
    from named
),

spans as (
    select
        currency, rate, rate_on,
        coalesce(lead(rate_on) over (partition by currency order by rate_on), date '9999-12-31') as next_on
    from delivered where version_rank = 1
),

bounded as (
    select
        spans.currency, spans.rate, spans.rate_on as first_day,
        least(
            {{ add_days('spans.next_on', '-1') }},
            {{ add_days('spans.rate_on', 'settings.fx_max_age_days') }},
            settings.last_day
        ) as last_day
    from spans cross join settings
)

select currency, cast(day as date) as day, rate
from (select currency, rate, {{ each_day('first_day', 'last_day') }} as day from bounded where first_day <= last_day) as days
union all
select settings.reporting_currency, date '1900-01-01', cast(1 as decimal(18, 8)) from settings
