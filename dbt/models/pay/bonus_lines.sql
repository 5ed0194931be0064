{{ config(meta={'empty_without': ['pay__lines']}) }}
select
    period, period_grain, period_start, period_end, revision, statement_status, manager_id, line_number, kind, origin_grain,
    origin_start, origin_end, plan, component, kpi_code, scope_type, numerator, denominator, earlier_reversals, taken_back,
    target, target_from, attainment, segment, weight, base, rate, payout, multiplier, cast(amount as decimal(18, 4)) as amount,
    cast(released as decimal(18, 4)) as released, cast(held as decimal(18, 4)) as held, deal_id, spell, deals, status, reason,
    notes
from {{ source('raw', 'pay__lines') }}
