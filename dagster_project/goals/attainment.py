"""How much of a target an actual is, and what a baseline makes of a target.

What belongs here: arithmetic of one goal and one figure. What does not: which figure (progress).

Source: decisions 21, 22: actual / target; for what should be small target / actual; ``at_most`` and
``at_least`` stop at 1. Pay has the same rule on exact fractions; a test holds the two together.
"""

from __future__ import annotations

from decimal import Decimal

from dagster_project.goals.shapes import Goal

ZERO, ONE, TWO = Decimal(0), Decimal(1), Decimal(2)


def attained(goal: Goal, actual: Decimal, target: Decimal) -> Decimal:
    """Return actual against target, 1 when met."""
    if goal.is_up:
        reached = max(ZERO, actual / target) if target > 0 else ZERO
    elif target == 0:
        reached = ONE if actual <= 0 else ZERO
    else:
        reached = TWO if actual <= 0 else target / actual
    return min(ONE, reached) if goal.target_kind in ("at_most", "at_least") else reached


def is_met(goal: Goal, actual: Decimal, target: Decimal) -> bool:
    """Tell whether an actual meets a target, by the goal's direction."""
    return actual >= target if goal.is_up else actual <= target


def progressed(actual: Decimal, baseline: Decimal | None, target: Decimal) -> Decimal | None:
    """Return how much of the way from the baseline to the target is gone."""
    if baseline is None or baseline == target:
        return None
    return (actual - baseline) / (target - baseline)


def resolved(goal: Goal, given: Decimal | None, baseline: Decimal | None) -> Decimal | None:
    """Return what a number of a goal comes to in the KPI's unit; None while no base is known."""
    if given is None:
        return None
    if goal.target_kind == "relative_percent":
        if baseline is None or baseline <= 0:
            return None
        return baseline * (1 + given / 100)
    if goal.target_kind == "percentage_points":
        return None if baseline is None else baseline + given
    return given
