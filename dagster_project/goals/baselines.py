"""What a relative target starts from.

What belongs here: which periods a baseline is taken from and its value. What does not: keeping it
(planning).

Source: decision 24: it is taken once its periods are complete, then stored; ``trailing_3`` is the
mean of sums, and sum over sum of ratios. Decision 59: a base before history or employment is none,
as in the comparatives of ``kpi_values``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from dagster_project.goals.attainment import resolved
from dagster_project.goals.shapes import Figures, Goal, Value, as_kept
from dagster_project.period_names import shifted, year_before

Kept = dict[tuple[str, ...], Decimal]


def key_of(goal: Goal) -> tuple[str, ...]:
    """Return under what a baseline is kept: a goal's version and what its base is taken from."""
    kind = goal.baseline_kind or ""
    told = (goal.goal_id, str(goal.version), goal.kpi.code, *goal.scope)
    return (*told, goal.grain, goal.start.isoformat(), kind)


def baseline_of(goal: Goal, figures: Figures) -> Decimal | None:
    """Return a goal's baseline; None where it has none or its periods are not complete."""
    if goal.baseline_kind == "given":
        return goal.baseline_given
    starts = base_starts(goal)
    if not all(figures.is_base(goal.scope, goal.grain, start) for start in starts) or not starts:
        return None
    values = [figures.value(goal.kpi.code, goal.scope, goal.grain, start) for start in starts]
    known = [v for v in values if v is not None and v.is_complete and _adds(goal, v)]
    told = _together(goal, known) if len(known) == len(starts) else None
    return None if told is None else as_kept(told)  # the first run reckons with no other


def _adds(goal: Goal, value: Value) -> bool:
    """Tell whether a period is known: by its value, of several ratios by their parts."""
    is_part = goal.baseline_kind == "trailing_3" and goal.kpi.aggregation == "ratio"
    return value.denominator is not None if is_part else value.value is not None


def base_starts(goal: Goal) -> list[date]:
    """Return the first days of the periods that a baseline is taken from; none: it is given."""
    if goal.baseline_kind in (None, "given"):
        return []
    if goal.baseline_kind == "year_ago":
        return [year_before(goal.grain, goal.start)]
    count = 3 if goal.baseline_kind == "trailing_3" else 1
    return [shifted(goal.grain, goal.start, -n) for n in range(1, count + 1)]


def _together(goal: Goal, values: list[Value]) -> Decimal | None:
    if len(values) == 1:
        return values[0].value
    if goal.kpi.aggregation == "ratio":
        whole = sum((v.denominator or Decimal(0) for v in values), Decimal(0))
        part = sum((v.numerator or Decimal(0) for v in values), Decimal(0))
        return part / whole if whole else None
    told = [v.value for v in values if v.value is not None]
    return sum(told, Decimal(0)) / len(told)


def with_target(goal: Goal, figures: Figures, kept: Kept) -> Goal:
    """Return a goal with its baseline and its target, as far as they are known."""
    baseline = kept.get(key_of(goal))
    if baseline is None:
        baseline = baseline_of(goal, figures)
    target = resolved(goal, goal.given, baseline)
    return replace(
        goal,
        baseline=baseline,
        target=target if target is None or target > 0 or goal.target_kind == "at_most" else None,
        floor=resolved(goal, goal.floor, baseline),
        stretch=resolved(goal, goal.stretch, baseline),
    )
