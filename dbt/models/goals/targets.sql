{{ config(meta={'empty_without': ['goals__targets']}) }}
select
    goal_id, version, kind, parent_goal_id, title, rationale, owner_manager_id, owner_name, kpi_code, scope_type, scope_id,
    scope_name, period_grain, period_start, period_end, target_kind, given, target_value, baseline_kind, baseline, floor,
    stretch, issued_on, approved_by, is_in_force, source_file, source_row
from {{ source('raw', 'goals__targets') }}
