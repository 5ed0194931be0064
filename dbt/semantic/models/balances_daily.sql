-- Spans of days come apart into days; money in a currency is valued on each day by that day's rate.
with

spans as (select * from {{ source('published', 'kpi_balance_spans') }}),

rates as (select * from {{ source('published', 'fct_rates') }}),

days as (select day from {{ ref('days') }}),

valued as (
    select
        spans.measure_code, days.day, spans.fact_id, spans.manager_id, spans.team_id, spans.channel_id, spans.product_id,
        spans.partner_id, spans.strategy,
        case when spans.currency is null then spans.value else spans.value * rates.rate end as value,
        spans.currency is not null and rates.rate is null as is_unpriced
    from spans
    inner join days on days.day >= spans.from_on and (spans.to_on is null or days.day < spans.to_on)
    left join rates on spans.currency = rates.currency and days.day = rates.day
),

final as (
    select
        measure_code, day, fact_id, manager_id, team_id, channel_id, product_id, partner_id, strategy,
        cast(value as decimal(38, 10)) as value
    from valued
    union all
    -- money without a rate: one priced deal fewer, which makes the sum unknown, not smaller
    select
        'priced_open_deals', day, fact_id, manager_id, team_id, channel_id, product_id, partner_id, strategy,
        cast(-1 as decimal(38, 10))
    from valued
    where measure_code = 'open_pipeline' and is_unpriced
    union all
    -- a row without a figure for each day, so that a period's last day always stands
    select
        cast(null as {{ dbt.type_string() }}), day, cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}),
        cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}),
        cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), cast(null as decimal(38, 10))
    from days
)

select final.*, absent.unavailable
from final
cross join {{ ref('unavailable') }} as absent
