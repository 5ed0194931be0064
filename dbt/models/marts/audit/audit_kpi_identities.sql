-- One row per identity that does not hold: parts of a scope or of a period that do not add up to the whole.
with

kpis as (select kpi_code, scopes from {{ ref('dim_kpi') }} where is_available and aggregation = 'additive' and coverage_measure is null),

values_ as (
    select kpi_values.* from {{ ref('kpi_values') }} as kpi_values
    inner join kpis on kpi_values.kpi_code = kpis.kpi_code
    where kpi_values.period_grain in ('month', 'year')
),

company as (select * from values_ where scope_type = 'company'),

parts as (
    select kpi_code, scope_type, period_grain, period_start, sum(numerator) as parts_sum
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
),

by_period as (
    select
        'sum over months = year' as identity_name, years.kpi_code, 'year' as period_grain, years.period_start,
        years.numerator as whole, sum(months.numerator) as parts_sum
    from company as years
    inner join company as months
        on years.kpi_code = months.kpi_code and months.period_grain = 'month'
        and months.period_start >= years.period_start and months.period_start < years.period_end
    where years.period_grain = 'year'
    group by years.kpi_code, years.period_start, years.numerator
)

select identity_name, kpi_code, period_grain, period_start, cast(whole as double) as whole, cast(parts_sum as double) as parts_sum
from (select * from by_scope union all select * from by_period) as identities
where abs(coalesce(whole, 0) - coalesce(parts_sum, 0)) > 0.005
