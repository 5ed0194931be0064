-- One row per identity that does not hold: parts of a scope or of a period that do not add up to the whole,
-- MRR whose movements do not lead from one month's end to the next.
with

kpis as (
    select kpi_code, scopes, aggregation from {{ ref('dim_kpi') }}
    where is_available and coverage_measure is null
        and (aggregation = 'additive' or kpi_code in ('mrr', 'active_customers', 'open_pipeline', 'weighted_pipeline', 'unpaid_won_amount'))
),

values_ as (
    select kpi_values.*, kpis.aggregation from {{ ref('kpi_values') }} as kpi_values
    inner join kpis on kpi_values.kpi_code = kpis.kpi_code
    where kpi_values.period_grain in ('month', 'year')
),

company as (select * from values_ where scope_type = 'company'),

parts as (
    select kpi_code, scope_type, period_grain, period_start, sum(numerator) as parts_sum, count(*) > count(numerator) as has_unknown_part
    from values_ where scope_type in ('team', 'manager', 'channel', 'product', 'strategy')
    group by kpi_code, scope_type, period_grain, period_start
),

by_scope as (
    select
        concat('sum over ', parts.scope_type, ' = company') as identity_name, company.kpi_code, company.period_grain, company.period_start,
        company.numerator as whole, parts.parts_sum
    from company
    inner join kpis on company.kpi_code = kpis.kpi_code
    inner join parts
        on company.kpi_code = parts.kpi_code and company.period_grain = parts.period_grain and company.period_start = parts.period_start
        and concat(';', kpis.scopes, ';') like concat('%;', parts.scope_type, ';%')
    -- a stock is unknown on a day on which some part of it has no rate, though other parts are known
    where kpis.aggregation = 'additive' or company.numerator is not null or not parts.has_unknown_part
),

by_period as (
    select
        'sum over months = year' as identity_name, years.kpi_code, 'year' as period_grain, years.period_start,
        years.numerator as whole, sum(months.numerator) as parts_sum
    from company as years
    inner join company as months
        on years.kpi_code = months.kpi_code and months.period_grain = 'month'
        and months.period_start >= years.period_start and months.period_start < years.period_end
    where years.period_grain = 'year' and years.aggregation = 'additive'
    group by years.kpi_code, years.period_start, years.numerator
),

-- from the start of the month to its end, of each customer and of every scope
movements as (
    select
        'start + movements = end of a customer' as identity_name, 'mrr' as kpi_code, 'month' as period_grain, month as period_start,
        mrr_end as whole, mrr_start + mrr_new + mrr_expansion + mrr_reactivated - mrr_contraction - mrr_churned as parts_sum
    from {{ ref('fct_mrr_movements') }}
    union all
    select
        concat('start + movements = end of a ', scope_type), 'mrr', 'month', period_start,
        sum(case when measure_code = 'mrr' then value else 0 end),
        sum(case when measure_code in ('mrr_contraction', 'mrr_churned') then -value when measure_code <> 'mrr' then value else 0 end)
    from {{ ref('kpi_measures') }}
    where window_code = 'period' and period_grain = 'month' and measure_code in (
        'mrr', 'mrr_at_start', 'mrr_new', 'mrr_expansion', 'mrr_reactivated', 'mrr_contraction', 'mrr_churned')
    group by scope_type, scope_id, period_start
),

-- each month begins where the one before ended
states as (
    select
        periods.period_start, periods.previous_start,
        coalesce(max(case when measures.measure_code = 'mrr' then measures.value end), 0) as mrr_end,
        coalesce(max(case when measures.measure_code = 'mrr_at_start' then measures.value end), 0) as mrr_start
    from {{ ref('kpi_periods') }} as periods
    left join {{ ref('kpi_measures') }} as measures
        on measures.scope_type = 'company' and measures.window_code = 'period' and periods.period_grain = measures.period_grain
        and periods.period_start = measures.period_start and measures.measure_code in ('mrr', 'mrr_at_start')
    where periods.period_grain = 'month'
    group by periods.period_start, periods.previous_start
),

continuity as (
    select
        'start = end of the month before' as identity_name, 'mrr' as kpi_code, 'month' as period_grain, states.period_start,
        states.mrr_start as whole, before.mrr_end as parts_sum
    from states
    inner join states as before on states.previous_start = before.period_start
),

-- what the steps of the pipeline lead to is what is open now
pipeline as (
    select
        'steps of the pipeline = open deals' as identity_name, 'open_pipeline' as kpi_code, 'day' as period_grain, settings.as_of as period_start,
        (select count(*) from {{ ref('fct_deals') }} where outcome = 'open') as whole,
        (select coalesce(sum(value), 0) from {{ ref('kpi_running_balances') }}
            where measure_code = 'open_deals' and scope_type = 'company' and day = settings.as_of) as parts_sum
    from {{ ref('int_settings') }} as settings
)

select identity_name, kpi_code, period_grain, period_start, cast(whole as double) as whole, cast(parts_sum as double) as parts_sum
from (
    select * from by_scope
    union all
    select * from by_period
    union all
    select * from movements
    union all
    select * from continuity
    union all
    select * from pipeline
) as identities
where abs(coalesce(whole, 0) - coalesce(parts_sum, 0)) > case when kpi_code = 'mrr' then 0 else 0.005 end
