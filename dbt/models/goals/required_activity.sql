{{ config(meta={'empty_without': ['goals__required_activity']}) }}
select
    goal_id, version, kpi_code, scope_type, scope_id, scope_name, period_grain, period_start, period_end, remaining,
    working_days_left, driver_kpi_code, required, required_per_day, usual_per_day, factor, done, rates, rate_basis,
    is_low_sample, task_goal_id, task_target, task_gap, explanation_en, explanation_ru
from {{ source('raw', 'goals__required_activity') }}
