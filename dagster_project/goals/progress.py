"""Plan against fact: one row per goal and day up to the day looked from.

What belongs here: actual to date, expected to date, pace, landing, status. What does not: the curve
itself (curve), the meaning of a target (attainment).

**Shape**: rows of ``marts.plan_fact``. What no days add up to (composites, cohorts over a window,
figures of whole months, rates that need enough of a period's cases) is known on the last day only;
before that ``actual`` is None.

Source: decisions 21 to 25.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dagster_project.goals.attainment import TWO, attained, is_met, progressed
from dagster_project.goals.curve import Curves, as_decimal, elapsed, working_days_of
from dagster_project.goals.reading import in_force
from dagster_project.goals.shapes import Figures, Goal, Scope
from dagster_project.period_names import shifted


@dataclass(frozen=True)
class Pace:
    """From which pace a goal that still runs is ahead, on track, at risk; below: behind."""

    ahead: Decimal = Decimal("1.05")
    on_track: Decimal = Decimal("0.95")
    at_risk: Decimal = Decimal("0.80")


def plan_fact(
    versions: Sequence[Goal], figures: Figures, curves: Curves, pace: Pace
) -> Iterator[dict[str, Any]]:
    """Yield the rows of one goal, oldest first, from its versions in order."""
    goal = versions[0]
    last = min(goal.end - timedelta(days=1), figures.as_of)
    if goal.start > last:
        return
    told: dict[tuple[str, Scope], dict[date, Decimal | None]] = {}
    working = working_days_of(figures, goal.start, goal.end)
    day = goal.start
    while day <= last:
        held = in_force(versions, day)
        is_complete = day == goal.end - timedelta(days=1) and day < figures.first_incomplete_on
        gone = Fraction(1) if is_complete else elapsed(working, day)
        whose = (held.kpi.code, held.scope)  # a later version may be another's, or of another KPI
        if whose not in told:
            told[whose] = _actuals(held, figures, curves, last)
        actual = told[whose].get(day)
        measured = _measured(held, actual, gone, is_complete, figures, curves, pace)
        yield {
            "goal_id": held.goal_id,
            "version": held.version,
            "day": day,
            "is_latest": day == last,
            "kind": held.kind,
            "title": held.title,
            "kpi_code": held.kpi.code,
            "scope_type": held.scope_type,
            "scope_id": held.scope_id,
            "scope_name": held.scope_name,
            "period_grain": held.grain,
            "period_start": held.start,
            "period_end": held.end,
            "unit": held.kpi.unit,
            "target": held.target,
            "baseline": held.baseline,
            "floor": held.floor,
            "stretch": held.stretch,
            "actual": actual,
            "is_complete": is_complete,
            **measured,
        }
        day += timedelta(days=1)


def _measured(
    goal: Goal,
    actual: Decimal | None,
    gone: Fraction,
    is_complete: bool,
    figures: Figures,
    curves: Curves,
    pace: Pace,
) -> dict[str, Any]:
    target = goal.target
    told: dict[str, Any] = {"status": "no_data"}
    expected, landing, basis = _expected(goal, actual, gone, is_complete, figures, curves)
    told |= {"expected": expected, "expected_basis": basis}
    if actual is None or target is None:
        return told
    told["attainment"] = attained(goal, actual, target)
    told["progress"] = progressed(actual, goal.baseline, target)
    told["landing"] = landing
    told["gap"] = None if landing is None else landing - target
    told["pace"] = _pace(goal, actual, expected)
    told["status"] = _status(goal, actual, told["pace"], is_complete, pace)
    return told


def _pace(goal: Goal, actual: Decimal, expected: Decimal | None) -> Decimal | None:
    """Return actual / expected, turned over where less is better, so that more is always ahead."""
    if expected is None:
        return None
    if goal.is_up:
        return actual / expected if expected > 0 else None
    return TWO if actual <= 0 else min(TWO, expected / actual)


def _status(
    goal: Goal, actual: Decimal, pace: Decimal | None, is_complete: bool, limits: Pace
) -> str:
    is_good = goal.target is not None and is_met(goal, actual, goal.target)
    if is_complete:
        return "met" if is_good else "missed"
    if is_good and goal.is_up and goal.kpi.aggregation == "additive":
        return "met"
    if pace is None or pace >= limits.ahead:
        return "on_track" if pace is None else "ahead"
    if pace >= limits.on_track:
        return "on_track"
    return "at_risk" if pace >= limits.at_risk else "behind"


def _expected(
    goal: Goal,
    actual: Decimal | None,
    gone: Fraction,
    is_complete: bool,
    figures: Figures,
    curves: Curves,
) -> tuple[Decimal | None, Decimal | None, str | None]:
    """Return what is usually there by now, where the period lands, and what tells so."""
    target = goal.target
    if is_complete:
        return target, actual, "period_over"
    if goal.kpi.aggregation == "additive":
        curve = curves.of(goal)
        share = curve.share(gone)
        expected = None if target is None else target * share
        if actual is None:
            return expected, None, curve.basis
        usual = curves.usual(goal)
        if usual is not None:
            return expected, actual + (1 - share) * usual, curve.basis
        return expected, actual / share if share > 0 else None, curve.basis
    if goal.kpi.aggregation == "semi_additive":
        start = _balance_before(goal, figures)
        if start is None or target is None or actual is None:
            return None, None, "straight_line"
        share = as_decimal(gone)
        landing = start + (actual - start) / share if share > 0 else actual
        return start + (target - start) * share, landing, "straight_line"
    return target, actual, "target"


def _balance_before(goal: Goal, figures: Figures) -> Decimal | None:
    """Return the balance at the end of the day before the period; None before all history."""
    if "day" not in goal.kpi.grains:
        before = shifted(goal.grain, goal.start, -1)
        known = figures.value(goal.kpi.code, goal.scope, goal.grain, before)
        return None if known is None else known.value
    eve = goal.start - timedelta(days=1)
    (_, balance), *_ = _evenings(goal, figures, [eve])
    return balance if eve >= figures.known_from(goal.scope) else None


def _evenings(
    goal: Goal, figures: Figures, days: Sequence[date]
) -> Iterator[tuple[date, Decimal | None]]:
    """Yield the balance of each day; one of 0 has no row."""
    known = dict(figures.balances.get((goal.kpi.code, goal.scope), ()))
    absent = Decimal(0) if goal.kpi.zero_rule == "zero" else None
    yield from ((day, known.get(day, absent)) for day in days)


# -- actuals by day ------------------------------------------------------------------------------


def _actuals(
    goal: Goal, figures: Figures, curves: Curves, last: date
) -> dict[date, Decimal | None]:
    """Return the actual to date of each day; that of the last day is the period's own value."""
    whole = figures.value(goal.kpi.code, goal.scope, goal.grain, goal.start)
    value = None if whole is None else whole.value
    told: dict[date, Decimal | None] = {}
    if value is not None:
        told = dict(_daily(goal, figures, curves, last))
    told[last] = value
    return told


def _daily(
    goal: Goal, figures: Figures, curves: Curves, last: date
) -> Iterator[tuple[date, Decimal | None]]:
    kpi, scope = goal.kpi, goal.scope
    days = [goal.start + timedelta(days=n) for n in range((last - goal.start).days + 1)]
    if kpi.aggregation == "semi_additive":
        if "day" in kpi.grains:
            yield from _evenings(goal, figures, days)
        return
    if kpi.aggregation == "distribution":
        yield from _medians(goal, figures, days)
        return
    if not kpi.is_by_day:
        return
    running = curves.running(kpi.code, scope)
    for day in days:
        upper, lower = running.between(goal.start, day + timedelta(days=1))
        if kpi.aggregation == "additive":
            yield day, upper
        elif kpi.aggregation == "ratio":
            yield day, upper / lower if lower else None


def _medians(
    goal: Goal, figures: Figures, days: Sequence[date]
) -> Iterator[tuple[date, Decimal | None]]:
    """Yield the percentile of what occurred up to each day, between the two neighbours."""
    known = figures.samples.get((goal.kpi.code, goal.scope), ())
    share = Decimal(repr(figures.percentiles.get(goal.kpi.code, 0.5)))
    seen: list[int] = []
    place = 0
    for day in days:
        while place < len(known) and known[place][0] <= day:
            if known[place][0] >= goal.start:
                for _ in range(known[place][2]):
                    insort(seen, known[place][1])
            place += 1
        if not seen:
            yield day, None
            continue
        at = share * (len(seen) - 1)
        lower = int(at)
        upper = min(lower + 1, len(seen) - 1)
        yield day, seen[lower] + (at - lower) * (seen[upper] - seen[lower])
