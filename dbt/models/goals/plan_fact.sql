{{ config(meta={'empty_without': ['goals__plan_fact']}) }}
select
    goal_id, version, day, is_latest, kind, title, kpi_code, scope_type, scope_id, scope_name, period_grain, period_start,
    period_end, is_complete, unit, target, baseline, floor, stretch, actual, attainment, progress, expected, expected_basis,
    pace, landing, gap, status
from {{ source('raw', 'goals__plan_fact') }}
