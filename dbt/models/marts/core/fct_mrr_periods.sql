{{ config(meta={'empty_without': ['fct_subscriptions']}) }}
-- The state of a customer at both ends of a window of months; belongs to whom its largest subscription
-- belongs to at the end, and where nothing runs then, its last one.
with

windows as (
    select
        window_code, period_grain, period_start, first_day, last_day,
        {{ add_days('first_day', -1) }} as day_before,
        {{ add_days(add_months(add_days('last_day', 1), -12), -1) }} as year_before,
        -- the day before the last month, where a compared window ends within one
        case when window_code <> 'period' and extract(day from {{ add_days('last_day', 1) }}) <> 1
            then {{ add_days("cast(date_trunc('month', last_day) as date)", -1) }} end as part_before
    from {{ ref('kpi_windows') }}
    where suffix = '' and period_grain in ('month', 'quarter', 'year')
),

spells as (
    select
        subscription_id, customer_id, manager_id, channel_id, started_on, coalesce(ended_on, date '9999-12-31') as ended_on,
        mrr, margin, _source_file, _source_row
    from {{ ref('fct_subscriptions') }}
    where mrr is not null
),

touching as (
    select
        windows.*, spells.*,
        row_number() over (
            partition by windows.window_code, windows.period_grain, windows.period_start, spells.customer_id
            order by case when spells.ended_on > windows.last_day then spells.mrr end desc nulls last,
                spells.ended_on desc, spells.mrr desc, spells.started_on desc, spells.subscription_id) as place
    from windows
    inner join spells
        on spells.started_on <= windows.last_day and spells.ended_on > least(windows.year_before, windows.day_before)
),

states as (
    select
        window_code, period_grain, period_start, first_day, last_day, part_before, customer_id,
        {{ mrr_on('day_before') }} as mrr_start,
        {{ mrr_on('last_day') }} as mrr_end,
        {{ mrr_on('year_before') }} as mrr_year_before,
        {{ mrr_on('part_before') }} as mrr_part_start,
        {{ mrr_on('last_day', 'case when margin is not null then mrr end') }} as mrr_end_costed,
        cast(sum(case when started_on <= last_day and ended_on > last_day then margin end) as decimal(18, 4)) as margin_end,
        max(case when place = 1 then manager_id end) as manager_id,
        max(case when place = 1 then channel_id end) as channel_id,
        max(case when place = 1 then subscription_id end) as subscription_id,
        max(case when place = 1 then _source_file end) as _source_file,
        max(case when place = 1 then _source_row end) as _source_row
    from touching
    group by window_code, period_grain, period_start, first_day, last_day, part_before, customer_id
),

-- also where a subscription was over before its first month was
firsts as (
    select customer_id, min(started_on) as first_seen_on from spells where mrr > 0 and ended_on > started_on group by customer_id
)

select
    states.window_code, states.period_grain, states.period_start, states.first_day, states.last_day,
    states.customer_id, states.manager_id, versions.team_id, versions.strategy, states.channel_id, states.subscription_id,
    states.mrr_start, states.mrr_end, states.mrr_year_before,
    states.mrr_end_costed, states.margin_end, states.part_before, states.mrr_part_start, firsts.first_seen_on,
    states._source_file, states._source_row
from states
left join firsts on states.customer_id = firsts.customer_id
left join {{ ref('int_managers__versions') }} as versions
    on states.manager_id = versions.manager_id and states.last_day >= versions.valid_from and states.last_day < versions.valid_to
where states.mrr_start > 0 or states.mrr_end > 0 or states.mrr_year_before > 0 or states.mrr_part_start > 0
