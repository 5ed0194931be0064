{{ config(meta={'empty_without': ['goals__goal_review']}) }}
select
    goal_id, version, kind, parent_goal_id, title, owner_manager_id, owner_name, kpi_code, scope_type, scope_id, scope_name,
    period_grain, period_start, period_end, issued_on, is_refused, refused_because_en, refused_because_ru, unit, target_kind,
    target, baseline_kind, baseline, specific_verdict, specific_evidence_en, specific_evidence_ru, measurable_verdict,
    measurable_evidence_en, measurable_evidence_ru, achievable_verdict, achievable_evidence_en, achievable_evidence_ru,
    relevant_verdict, relevant_evidence_en, relevant_evidence_ru, time_bound_verdict, time_bound_evidence_en,
    time_bound_evidence_ru, z_score, percentile, best_ever, same_season, required_growth, best_growth, children_sum,
    children_gap, children_gap_rate, source_file, source_row
from {{ source('raw', 'goals__goal_review') }}
