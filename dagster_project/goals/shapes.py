"""What a goal is, and what must be known around it.

What belongs here: the shapes. What does not: reading them from a file's rows (reading) or from the
marts (planning).

**Units**: values in the KPI's own unit (shares 0..1, money in the reporting currency); ``end`` is
the first day after a period.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from dagster_project.period_names import shifted

SCOPES_RU = {
    "company": "компания",
    "team": "отдел",
    "manager": "менеджер",
    "channel": "канал",
    "product": "товар",
    "partner": "партнёр",
}
GOAL_KINDS = ("goal", "task")
TARGET_KINDS = ("absolute", "relative_percent", "percentage_points", "at_most", "at_least")
BASELINE_KINDS = ("previous_period", "year_ago", "trailing_3", "given")
Scope = tuple[str, str]
"""(scope type, scope id), such as ("manager", "crm:7")."""
COMPANY: Scope = ("company", "all")
SPARSE_SCOPES = ("product", "partner")
"""Scopes that have rows only for periods in which something happened."""


@dataclass(frozen=True)
class Kpi:
    """A row of the registry, as far as goals read it.

    ``needs_share``: known only where enough of a period's cases are; a day alone may miss that.
    """

    code: str
    name_en: str
    name_ru: str
    unit: str
    direction: str
    aggregation: str
    date_rule: str
    scopes: frozenset[str]
    grains: frozenset[str]
    strategies: frozenset[str]
    zero_rule: str
    needs_window: bool
    can_be_target: bool
    is_available: bool
    because_en: str | None = None
    because_ru: str | None = None
    formula_en: str = ""
    formula_ru: str = ""
    needs_share: bool = False

    @property
    def is_by_day(self) -> bool:
        """Tell whether the figure of a stretch is the sum of its days' parts."""
        return not self.needs_share and adds_up_over_days(
            self.aggregation, self.grains, self.date_rule
        )


@dataclass(frozen=True)
class Value:
    """A KPI of one scope and period; None is unknown, not 0."""

    start: date
    end: date
    numerator: Decimal | None
    denominator: Decimal | None
    value: Decimal | None
    sample_size: int = 0
    is_complete: bool = True


def _nothing(like: Value) -> Value:
    return Value(like.start, like.end, Decimal(0), None, Decimal(0), 0, like.is_complete)


_AS_KEPT, _WIDE = Decimal("1e-10"), Context(prec=38)
WHOLE_PERIOD = frozenset(
    {
        "as-of day",
        "last day",
        "12 months to the last day",
        "period",
        "period start",
        "month",
        "cohort",
        "month of change",
        "first win month",
    }
)
"""Date rules of KPIs that look at a stretch of time or at its end, not at single days."""


def as_kept(value: Decimal) -> Decimal:
    """Return a number at the ten decimals at which goals are published and baselines kept."""
    return value.quantize(_AS_KEPT, ROUND_HALF_UP, _WIDE)


def adds_up_over_days(aggregation: str, grains: Container[str], date_rule: str) -> bool:
    """Tell whether a KPI's figure of a stretch is the sum of its days' parts."""
    is_sum = aggregation in ("additive", "ratio") and "day" in grains
    return is_sum and date_rule not in WHOLE_PERIOD


@dataclass(frozen=True)
class Person:
    """A manager: days of employment, strategy, and the team by the day from which it held."""

    manager_id: str
    name: str
    employed_from: date | None
    left_on: date | None
    strategy: str | None
    teams: tuple[tuple[date, str], ...] = ()

    def team_on(self, day: date) -> str | None:
        """Return the team on a day; the first one reaches back to the beginning."""
        held = [team for since, team in self.teams if since <= day]
        return held[-1] if held else next((team for _, team in self.teams), None)


@dataclass(frozen=True)
class Goal:
    """One version of one goal, its words understood; the target may still wait for its baseline.

    ``given`` is the number as ``target_kind`` reads it: percent, points (as a share) or the value
    itself. ``target`` and ``baseline`` are None while nothing is known to work them out from.
    """

    goal_id: str
    version: int
    kind: str
    kpi: Kpi
    scope_type: str
    scope_id: str
    scope_name: str
    grain: str
    start: date
    end: date
    target_kind: str
    given: Decimal
    baseline_kind: str | None = None
    baseline_given: Decimal | None = None
    floor: Decimal | None = None
    stretch: Decimal | None = None
    parent_goal_id: str | None = None
    title: str | None = None
    owner_id: str | None = None
    owner_name: str | None = None
    rationale: str | None = None
    issued_on: date | None = None
    approved_by: str | None = None
    source_file: str | None = None
    source_row: int | None = None
    target: Decimal | None = None
    baseline: Decimal | None = None

    @property
    def named(self) -> dict[str, Any]:
        """The columns by which every table of goals tells which goal a row is about."""
        return {
            "goal_id": self.goal_id,
            "version": self.version,
            "kpi_code": self.kpi.code,
            "scope_type": self.scope_type,
            "scope_id": self.scope_id,
            "scope_name": self.scope_name,
            "period_grain": self.grain,
            "period_start": self.start,
            "period_end": self.end,
        }

    @property
    def scope(self) -> Scope:
        """The scope by which figures are found."""
        return (self.scope_type, self.scope_id)

    @property
    def is_up(self) -> bool:
        """Tell whether more is better, for this goal."""
        return {"at_most": False, "at_least": True}.get(
            self.target_kind, self.kpi.direction != "down"
        )


@dataclass(frozen=True)
class Told:
    """Words in both languages."""

    en: str
    ru: str


@dataclass(frozen=True)
class Refused:
    """A row of a targets file that is no goal, and why; ``row`` is what the file says."""

    row: Mapping[str, object]
    because: Told
    goal_id: str = ""


class Figures:
    """What is known of the past, by KPI and scope; planning fills it from the marts.

    Args:
        as_of: The day looked from, included.
        first_incomplete_on: The first day that is not over.
        fiscal_start: Month with which quarters and years begin.
        values: (KPI, scope, grain) -> values by first day of the period.
        days: (KPI, scope) -> (day, numerator, denominator), sorted by day.
        balances: (KPI, scope) -> (day, value) of balances, sorted by day.
        samples: (KPI, scope) -> (day, sample, how often), sorted by day, with the KPI's percentile.
        working_days: Sorted working days.
        people: Managers by id.
        first_day: The first day of the workspace's history; None: unknown.
        profiles: (strategy, scope type) -> the KPIs by which it is judged.
        cycle_days: Scope -> the median days of a deal, where enough were won.
        zero_codes: KPIs that are 0 where nothing happened.
    """

    def __init__(
        self,
        *,
        as_of: date,
        first_incomplete_on: date,
        fiscal_start: int,
        values: Mapping[tuple[str, Scope, str], Mapping[date, Value]],
        days: Mapping[tuple[str, Scope], Sequence[tuple[date, Decimal, Decimal]]],
        working_days: Sequence[date],
        people: Mapping[str, Person],
        balances: Mapping[tuple[str, Scope], Sequence[tuple[date, Decimal]]] | None = None,
        samples: Mapping[tuple[str, Scope], Sequence[tuple[date, int, int]]] | None = None,
        percentiles: Mapping[str, float] | None = None,
        low_sample_below: int = 20,
        company_strategy: str | None = None,
        first_day: date | None = None,
        profiles: Mapping[tuple[str, str], frozenset[str]] | None = None,
        cycle_days: Callable[[Scope], Decimal | None] = lambda scope: None,
        zero_codes: frozenset[str] = frozenset(),
    ) -> None:
        self.as_of, self.first_incomplete_on = as_of, first_incomplete_on
        self.fiscal_start = fiscal_start
        self._values, self._days = values, days
        self.balances, self.samples = balances or {}, samples or {}
        self.percentiles = percentiles or {}
        self.working_days, self.people = working_days, people
        self.low_sample_below = low_sample_below
        self.company_strategy = company_strategy
        self.cycle_days = cycle_days
        self.first_day = first_day
        self.profiles = profiles or {}
        self.zero_codes = zero_codes
        self._filled: dict[tuple[str, Scope, str], Mapping[date, Value]] = {}

    def values(self, code: str, scope: Scope, grain: str) -> Mapping[date, Value]:
        """Return a KPI's values of one grain by first day; gaps of what has sparse rows are 0."""
        key = (code, scope, grain)
        known = self._values.get(key, {})
        if not known or not self._is_sparse(code, scope):
            return known
        if key not in self._filled:
            begins = min(known)
            company = self._values.get((code, COMPANY, grain), {})
            nothing = {day: _nothing(value) for day, value in company.items() if day > begins}
            self._filled[key] = dict(sorted((nothing | dict(known)).items()))
        return self._filled[key]

    def value(self, code: str, scope: Scope, grain: str, start: date) -> Value | None:
        """Return a KPI's value of one period; of what has sparse rows it is 0 without a row."""
        known = self.values(code, scope, grain).get(start)
        if known is not None or not self._is_sparse(code, scope):
            return known
        company = self._values.get((code, COMPANY, grain), {}).get(start)
        return None if company is None else _nothing(company)

    def _is_sparse(self, code: str, scope: Scope) -> bool:
        return scope[0] in SPARSE_SCOPES and code in self.zero_codes

    def known_from(self, scope: Scope) -> date:
        """Return since when there is history of a scope; none is older than its people."""
        first = self.first_day or date.min
        if scope[0] == "manager" and scope[1] in self.people:
            return max(first, self.people[scope[1]].employed_from or first)
        since = [
            max(day, person.employed_from or day)
            for person in self.people.values()
            for day, team in person.teams
            if scope == ("team", team)
        ]
        return max(first, min(since, default=first))

    def is_base(self, scope: Scope, grain: str, start: date) -> bool:
        """Tell whether a period may be compared with: its first month, or all of less, is known."""
        first_part = grain if grain in ("day", "week") else "month"
        return shifted(first_part, start, 1) > self.known_from(scope)

    def days(self, code: str, scope: Scope) -> Sequence[tuple[date, Decimal, Decimal]]:
        """Return a KPI's parts by day."""
        return self._days.get((code, scope), ())

    def before(
        self, code: str, scope: Scope, grain: str, start: date, at_most: int = 12
    ) -> list[Value]:
        """Return the last complete values known of periods before one, oldest first.

        A period in which the history, or a manager's employment, begins is no whole one.
        """
        begins = self.first_day or date.min
        if scope[0] == "manager" and scope[1] in self.people:
            begins = max(begins, self.people[scope[1]].employed_from or begins)
        known = [
            value
            for day, value in self.values(code, scope, grain).items()
            if begins <= day < start and value.is_complete and value.value is not None
        ]
        return sorted(known, key=lambda value: value.start)[-at_most:]

    def wider(self, scope: Scope, day: date) -> list[Scope]:
        """Return the scopes that speak for one with too little history: its team, the company."""
        wider: list[Scope] = []
        if scope[0] == "manager" and scope[1] in self.people:
            team = self.people[scope[1]].team_on(day)
            wider += [("team", team)] if team else []
        return wider + ([COMPANY] if scope[0] != "company" else [])
