{{ config(meta={'empty_without': ['fct_pipeline_spans']}) }}
with

settings as (select reporting_currency from {{ ref('int_settings') }}),

windows as (
    select windows.window_code, windows.period_grain, windows.period_start, windows.first_day, windows.last_day, periods.period_end as due_end
    from {{ ref('kpi_windows') }} as windows
    inner join {{ ref('kpi_periods') }} as periods on windows.period_grain = periods.period_grain and windows.first_day = periods.period_start
    where windows.suffix = '' and windows.period_grain in ('month', 'quarter', 'year')
),

spans as (select * from {{ ref('fct_pipeline_spans') }} where planned_close_on is not null),

-- a period that began before every source told of plans is unknown
plans as (select max(plan_known_from) as known_from from spans),

at_start as (
    select
        spans.*, windows.window_code, windows.period_grain, windows.period_start, windows.last_day, windows.due_end,
        {{ add_days('windows.first_day', -1) }} as day
    from spans
    cross join plans
    inner join windows
        on spans.planned_close_on >= windows.first_day and spans.planned_close_on < windows.due_end
        and spans.from_on < windows.first_day and coalesce(spans.to_on, date '9999-12-31') >= windows.first_day
    where windows.first_day >= plans.known_from
),

at_end as (
    select spans.*, windows.window_code, windows.period_grain, windows.period_start, windows.last_day as day
    from spans
    inner join windows
        on spans.planned_close_on >= windows.first_day and spans.planned_close_on < windows.due_end
        and spans.from_on <= windows.last_day and coalesce(spans.to_on, date '9999-12-31') > windows.last_day
),

due as (
    select
        at_start.deal_id, at_start.window_code, at_start.period_grain, at_start.period_start, at_start.day, true as is_due_at_start,
        later.deal_id is not null and coalesce(later.planned_close_on, at_start.due_end) >= at_start.due_end as is_slipped,
        false as is_due_at_end, at_start.planned_close_on, later.planned_close_on as planned_close_later_on,
        at_start.amount_native, at_start.currency, at_start.manager_id, at_start.channel_id, at_start.partner_id,
        at_start._source_file, at_start._source_row
    from at_start
    left join {{ ref('fct_pipeline_spans') }} as later
        on at_start.deal_id = later.deal_id and later.from_on <= at_start.last_day
        and coalesce(later.to_on, date '9999-12-31') > at_start.last_day
    union all
    select
        deal_id, window_code, period_grain, period_start, day, false, false, true, planned_close_on, cast(null as date),
        amount_native, currency, manager_id, channel_id, partner_id, _source_file, _source_row
    from at_end
)

select
    due.deal_id, due.window_code, due.period_grain, due.period_start, due.is_due_at_start, due.is_slipped, due.is_due_at_end,
    due.planned_close_on, due.planned_close_later_on,
    {{ to_reporting('due.amount_native', 'case when due.currency = settings.reporting_currency then cast(1 as decimal(18, 8)) else rates.rate end') }} as amount,
    due.manager_id, versions.team_id, versions.strategy, due.channel_id, due.partner_id, due._source_file, due._source_row
from due
cross join settings
left join {{ ref('int_managers__versions') }} as versions
    on due.manager_id = versions.manager_id and due.day >= versions.valid_from and due.day < versions.valid_to
left join {{ ref('int_fx__daily') }} as rates on due.currency = rates.currency and due.day = rates.day
