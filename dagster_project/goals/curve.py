"""How much of a period's result is usually there by a working day, and where a period lands.

What belongs here: the working-day x season curve of sums. What does not: ratios and balances, which
have none (progress).

Source: decision 23: the median share over the last 12 periods of the grain, at least 6, at the same
fraction of elapsed working days; else the team's, the company's, a straight line. Movements of MRR,
which no day holds, have a straight line.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import dropwhile
from statistics import median

from dagster_project.goals.shapes import Figures, Goal, Scope, Value

AT_LEAST = 6


def working_days_of(figures: Figures, start: date, end: date) -> list[date]:
    """Return the working days of a stretch, the end excluded."""
    days = figures.working_days
    return list(days[bisect_left(days, start) : bisect_left(days, end)])


@dataclass
class Running:
    """A KPI's parts of one scope, summed from the first day on: sums of stretches at once."""

    days: list[date]
    numerators: list[Decimal]
    denominators: list[Decimal]

    @classmethod
    def of(cls, figures: Figures, code: str, scope: Scope) -> Running:
        """Sum what is known by day."""
        days, upper, lower = [], [Decimal(0)], [Decimal(0)]
        for day, numerator, denominator in figures.days(code, scope):
            days.append(day)
            upper.append(upper[-1] + numerator)
            lower.append(lower[-1] + denominator)
        return cls(days, upper, lower)

    def between(self, start: date, end: date) -> tuple[Decimal, Decimal]:
        """Return the parts of a stretch, the end excluded."""
        first, last = bisect_left(self.days, start), bisect_left(self.days, end)
        upper = self.numerators[last] - self.numerators[first]
        return upper, self.denominators[last] - self.denominators[first]


@dataclass
class Curve:
    """Past periods of one scope, asked for the usual share at a fraction of working days.

    ``basis``: whose periods they are: own, team, company, or straight_line; ``periods``: of each
    the share after every working day.
    """

    basis: str
    periods: list[list[Decimal]]
    _shares: dict[Fraction, Decimal] = field(default_factory=dict)

    def share(self, gone: Fraction) -> Decimal:
        """Return the median share of the whole that was there at this fraction."""
        if not self.periods:
            return as_decimal(gone)
        if gone not in self._shares:
            self._shares[gone] = median([share_at(steps, gone) for steps in self.periods])
        return self._shares[gone]


def share_at(steps: list[Decimal], gone: Fraction) -> Decimal:
    """Return the share of one past period, on a straight line between two working days.

    Args:
        steps: The share after each working day of the period, from none to all of them.
        gone: Fraction of its working days.
    """
    before, rest = divmod(gone.numerator * (len(steps) - 1), gone.denominator)
    share = steps[before]
    return share + (steps[before + 1] - share) * rest / gone.denominator if rest else share


def as_decimal(value: Fraction) -> Decimal:
    """Return a fraction as a decimal."""
    return Decimal(value.numerator) / value.denominator


class Curves:
    """The curves of all goals, each worked out once."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self._running: dict[tuple[str, Scope], Running] = {}
        self._curves: dict[tuple[str, Scope, str, date], Curve] = {}
        self._usual: dict[tuple[str, Scope, str, date], Decimal | None] = {}
        self._steps: dict[tuple[str, Scope, str, date], list[Decimal]] = {}

    def running(self, code: str, scope: Scope) -> Running:
        """Return a KPI's running sums."""
        key = (code, scope)
        if key not in self._running:
            self._running[key] = Running.of(self.figures, code, scope)
        return self._running[key]

    def of(self, goal: Goal) -> Curve:
        """Return the curve that a goal's period is held against."""
        key = (goal.kpi.code, goal.scope, goal.grain, goal.start)
        if key not in self._curves:
            self._curves[key] = self._find(goal)
        return self._curves[key]

    def _find(self, goal: Goal) -> Curve:
        if not goal.kpi.is_by_day:
            return Curve("straight_line", [])  # no day says how much was there by then
        for scope in (goal.scope, *self.figures.wider(goal.scope, goal.start)):
            past = self.figures.before(goal.kpi.code, scope, goal.grain, goal.start)
            usable = [v for v in past if v.value is not None and v.value > 0]
            if len(usable) < AT_LEAST:
                continue
            basis = "own" if scope == goal.scope else scope[0]
            periods = [self._steps_of(goal.kpi.code, scope, goal.grain, v) for v in usable]
            return Curve(basis, [steps for steps in periods if len(steps) > 1])
        return Curve("straight_line", [])

    def _steps_of(self, code: str, scope: Scope, grain: str, period: Value) -> list[Decimal]:
        """Return the share of a past period after none, one ... all of its working days."""
        key = (code, scope, grain, period.start)
        if key not in self._steps:
            running, whole = self.running(code, scope), period.value or Decimal(1)
            working = working_days_of(self.figures, period.start, period.end)
            self._steps[key] = [
                running.between(period.start, day)[0] / whole for day in (*working, period.end)
            ]
        return self._steps[key]

    def usual(self, goal: Goal) -> Decimal | None:
        """Return the median result of the scope's own last periods, since the first with any."""
        key = (goal.kpi.code, goal.scope, goal.grain, goal.start)
        if key not in self._usual:
            past = self.figures.before(goal.kpi.code, goal.scope, goal.grain, goal.start)
            values = [v.value for v in past if v.value is not None]
            values = list(dropwhile(lambda value: value == 0, values))
            self._usual[key] = median(values) if values else None
        return self._usual[key]


def elapsed(working: list[date], day: date) -> Fraction:
    """Return the fraction of a period's working days gone by the end of a day."""
    return Fraction(bisect_right(working, day), len(working)) if working else Fraction(1)
