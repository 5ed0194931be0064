-- One row per measure x day x scope: the events summed once for every scope.
with

settings as (select * from {{ ref('int_settings') }}),

summed as (
    select
        measure_code, occurred_on as day,
        case
            when grouping(team_id) = 0 then 'team' when grouping(manager_id) = 0 then 'manager' when grouping(channel_id) = 0 then 'channel'
            when grouping(product_id) = 0 then 'product' when grouping(partner_id) = 0 then 'partner'
            when grouping(strategy) = 0 then 'strategy' else 'company'
        end as scope_type,
        team_id, manager_id, channel_id, product_id, partner_id, strategy,
        sum(value) as value, sum(samples) as samples, sum(product_samples) as product_samples
    from {{ ref('kpi_events') }}
    group by grouping sets (
        (measure_code, occurred_on), (measure_code, occurred_on, team_id), (measure_code, occurred_on, manager_id),
        (measure_code, occurred_on, channel_id), (measure_code, occurred_on, product_id), (measure_code, occurred_on, partner_id),
        (measure_code, occurred_on, strategy))
),

named as (
    select
        measure_code, day, scope_type,
        case when scope_type = 'company' then 'all' else coalesce(team_id, manager_id, channel_id, product_id, partner_id, strategy) end as scope_id,
        cast(value as decimal(38, 10)) as value,
        cast(case when scope_type = 'product' then product_samples else samples end as bigint) as samples
    from summed
)

select
    measure_code, day, scope_type, scope_id,
    -- covered days of the company are days on which any channel is covered
    case when measure_code = 'spend_covered_days' then cast(1 as decimal(38, 10)) else value end as value,
    samples
from named
cross join settings
where scope_id is not null and day >= settings.history_start
