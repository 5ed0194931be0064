"""Targets worth proposing: ambitious, yet reached before by the same person.

What belongs here: choosing among a person's own past results. What does not: judging a goal that
somebody has set (review; the same rule judges here).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from dagster_project.goals.numbers import shown
from dagster_project.goals.review import achievable
from dagster_project.goals.shapes import Figures, Goal, Told


@dataclass(frozen=True)
class Proposal:
    """A target for one scope, KPI and period, or why there is none."""

    goal: Goal
    target: Decimal | None
    verdict: str
    told: Told


def propose(wanted: Goal, figures: Figures) -> Proposal:
    """Return the easiest of the past results that would be ambitious now.

    Args:
        wanted: Scope, KPI and period; its number does not matter.
        figures: The past.

    A past result is reached before by its nature. Where none is ambitious (the last periods are the
    best ones), the best ever is proposed, with its verdict.
    """
    past = figures.before(wanted.kpi.code, wanted.scope, wanted.grain, wanted.start)
    values = sorted({v.value for v in past if v.value is not None and v.value > 0})
    judged = [(value, achievable(replace(wanted, target=value), figures)) for value in values]
    if not judged or judged[0][1].verdict == "no_history":
        told = achievable(replace(wanted, target=None), figures).told
        return Proposal(wanted, None, "no_history", told)
    ordered = judged if wanted.is_up else judged[::-1]
    target, found = next(((v, a) for v, a in ordered if a.verdict == "ambitious"), ordered[-1])
    reached = [v for v in past if v.value is not None and v.value == target]
    when = ", ".join(v.start.isoformat() for v in reached)
    value = shown(target, wanted.kpi.unit)
    told = Told(
        f"{value} was reached in the {wanted.grain} of {when}; {found.told.en}",
        f"{value} уже было ({when}); {found.told.ru}",
    )
    return Proposal(wanted, target, found.verdict, told)
