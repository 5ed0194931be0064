"""Statements of a period for everybody: inputs put together, history laid beside, pay worked out.

What belongs here: who gets a statement for which period, and from what. What does not: the rules
(pay), SQL (reading), keeping (frozen).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from dagster_project.closing.periods import periods_between
from dagster_project.closing.reading import LossRow, Marts, WinRow, knowledge_of
from dagster_project.pay.assignments import Assignment
from dagster_project.pay.feedback import DealSize
from dagster_project.pay.inputs import Fact, Figure, FigureKey, Inputs, Knowledge, Period, Target
from dagster_project.pay.plans import Plan
from dagster_project.pay.settlement import Settled, make_statement, ripened

Spans = list[tuple[date, date]]


class _Wins:
    """A period's wins and reopenings by (KPI, scope type, scope id)."""

    def __init__(self, won: Sequence[WinRow], lost: Sequence[LossRow]) -> None:
        self.won = self._indexed(won)
        self.lost = self._indexed(lost)

    @staticmethod
    def _indexed(rows: Sequence[Any]) -> dict[tuple[str, str, str], list[Any]]:
        told: dict[tuple[str, str, str], list[Any]] = {}
        for row in rows:
            scopes = (("manager", row.manager_id), ("team", row.team_id), ("company", "all"))
            for scope in scopes:
                told.setdefault((row.kpi_code, *scope), []).append(row)
        return told


@dataclass
class PayDesk:
    """Everything at hand to work out pay of a workspace at one moment.

    ``as_of``: the day of the marts. ``left_out``: managers whose assignments do not stand.
    ``history``: what has been stated, by manager, in the order of closing; ``state`` adds to it
    only when asked to.
    """

    marts: Marts
    plans: Mapping[str, Plan]
    assignments: Sequence[Assignment]
    currency: str
    fiscal_start: int
    as_of: date
    history: dict[str, list[Settled]] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    _targets: list[Target] | None = None
    _usual: dict[str, DealSize] | None = None
    _wins: dict[str, _Wins] = field(default_factory=dict)
    _figures: dict[str, dict[tuple, Figure]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read what does not depend on the period."""
        self._reversals = self.marts.reversals() if self.assignments or self.history else {}
        self._received = self.marts.received() if self.assignments or self.history else {}
        self._win_days = self.marts.win_days() if self.assignments or self.history else {}
        self._deletions = self.marts.deletions() if self.assignments or self.history else {}

    @property
    def targets(self) -> list[Target]:
        """Every goal of the marts."""
        if self._targets is None:
            self._targets = self.marts.targets()
        return self._targets

    @property
    def codes(self) -> set[str]:
        """Every KPI that a plan reads, or read when a period was stated."""
        plans = [*self.plans.values()]
        for told in self.history.values():
            plans += told[-1].plans.values()
        return {code for plan in plans for code in plan.kpi_codes()}

    def grains(self) -> list[str]:
        """Return the period grains of the plans that anybody is assigned to."""
        used = {self.plans[a.plan].period for a in self.assignments}
        used |= {h[-1].inputs.period.grain for h in self.history.values() if h}
        return [grain for grain in ("month", "quarter", "year") if grain in used]

    def assigned(self, period: Period) -> dict[str, tuple[Assignment, ...]]:
        """Return the assignments that touch a period, of plans of its grain, by manager."""
        told: dict[str, list[Assignment]] = {}
        for assignment in self.assignments:
            is_met = assignment.from_ < period.end and (
                assignment.to is None or assignment.to > period.start
            )
            if is_met and self.plans[assignment.plan].period == period.grain:
                told.setdefault(assignment.manager_id, []).append(assignment)
        return {m: tuple(sorted(a, key=lambda x: x.from_)) for m, a in sorted(told.items())}

    def prefetch(self, periods: Sequence[Period]) -> None:
        """Read figures and wins of several periods at once: one question instead of many."""
        for grain in dict.fromkeys(p.grain for p in periods):
            same = [p for p in periods if p.grain == grain]
            figures = self.marts.figures(self.codes, same)
            for period in same:
                self._figures[period.key] = {}
            for key, figure in figures.items():
                self._figures[key[0]][key] = figure
        if periods:
            first, last = min(p.start for p in periods), max(p.end for p in periods)
            won, lost = self.marts.wins(self.codes, first, last)
            for p in periods:
                self._wins[p.key] = _Wins(
                    [w for w in won if p.start <= w.fact.won_on < p.end],
                    [x for x in lost if p.start <= x.occurred_on < p.end],
                )

    # -- inputs ----------------------------------------------------------------------------------

    def inputs(self, manager_id: str, period: Period, held: Mapping[str, str]) -> Inputs:
        """Put together what one person's pay of a period depends on."""
        payee = self.marts.payee(manager_id, period)
        if payee is None:  # gone from what is delivered; what was stated is settled all the same
            payee = self.history[manager_id][-1].inputs.payee
        assignments = self.assigned(period).get(manager_id, ())
        figures: dict[FigureKey, Figure] = {}
        facts: list[Fact] = []
        for name in dict.fromkeys(a.plan for a in assignments):
            plan = self.plans[name]
            spans = _spans([a for a in assignments if a.plan == name], period)
            for code in sorted(plan.kpi_codes() & set(self.marts.terms)):
                for scope in self._scopes(plan, code, payee.manager_id, payee.team_id):
                    figure = self.figure(code, scope, period, spans)
                    if figure is not None:
                        figures[(name, code, scope[0])] = figure
            facts += self._facts(plan, period, spans, payee.manager_id, payee.team_id)
        codes = {code for _, code, _ in figures} | {
            code for a in assignments for code in self.plans[a.plan].kpi_codes()
        }
        return Inputs(
            payee,
            period,
            assignments,
            self.marts.working_days(period),
            {code: self.marts.terms[code] for code in sorted(codes & set(self.marts.terms))},
            figures,
            tuple(dict.fromkeys(facts)),
            tuple(
                t
                for t in self.targets
                if t.period_grain == period.grain
                and t.period_start == period.start
                and t.kpi_code in codes
                and t.scope_id in (payee.manager_id, payee.team_id, "all")
            ),
            self.marts.has_payments,
            held.get(manager_id),
        )

    @staticmethod
    def _scopes(plan: Plan, code: str, manager_id: str, team_id: str) -> list[tuple[str, str]]:
        """Return the scopes at which a plan may read a KPI."""
        scopes = [("manager", manager_id)]
        parts = [c for v in plan.versions for c in v.targets if c.kpi == code]
        if any(c.scope == "team" or c.on_low_sample == "team" for c in parts):
            scopes.append(("team", team_id))
        if any(c.scope == "company" for c in parts):
            scopes.append(("company", "all"))
        return scopes

    def figure(
        self, code: str, scope: tuple[str, str], period: Period, spans: Spans
    ) -> Figure | None:
        """Return a KPI of the assigned days, with what earlier wins' reversals take off it."""
        if period.key not in self._figures:
            self._figures[period.key] = self.marts.figures(self.codes, [period])
        whole = self._figures[period.key].get((period.key, code, *scope))
        if whole is None:
            return None
        is_whole = spans == [(period.start, period.end)]
        told = whole if is_whole else self.marts.figure_of_days(code, scope, spans, whole)
        earlier, moved = Decimal(0), Decimal(0)
        for row in self._wins_of(period).lost.get((code, *scope), ()):
            is_inside = _within(row.occurred_on, spans)
            if row.won_on is None or row.won_on < period.start:
                earlier -= row.amount if is_inside else Decimal(0)
            else:  # a win undone within the period is undone on its own day, as in the facts
                moved += row.amount * (_within(row.won_on, spans) - is_inside)
        numerator = None if told.numerator is None else told.numerator + moved
        return replace(told, numerator=numerator, earlier_reversals=earlier)

    def _wins_of(self, period: Period) -> _Wins:
        if period.key not in self._wins:
            self._wins[period.key] = _Wins(*self.marts.wins(self.codes, period.start, period.end))
        return self._wins[period.key]

    def _facts(
        self, plan: Plan, period: Period, spans: Spans, manager_id: str, team_id: str
    ) -> list[Fact]:
        """Return the wins behind a plan's components, less what was reopened in the period."""
        found = self._wins_of(period)
        parts = [c for v in plan.versions for c in v.components]
        of = {"manager": ("manager", manager_id), "team": ("team", team_id)}
        facts = []
        for scope_type, code in sorted({(c.scope, c.kpi) for c in parts}):
            scope = of.get(scope_type, ("company", "all"))
            undone: dict[tuple[str, int], Decimal] = {}
            for row in found.lost.get((code, *scope), ()):
                if row.won_on is not None and row.won_on >= period.start:
                    key = (row.deal_id, row.spell)
                    undone[key] = undone.get(key, Decimal(0)) + row.amount
            summed: dict[tuple[str, int], Fact] = {}
            for win in found.won.get((code, *scope), ()):
                if not _within(win.fact.won_on, spans):
                    continue
                before = summed.get(win.fact.key)
                amount = win.fact.amount + (before.amount if before else Decimal(0))
                share = win.fact.share if scope_type == "manager" else Decimal(1)
                summed[win.fact.key] = replace(
                    win.fact, scope_type=scope_type, amount=amount, share=share
                )
            facts += [
                replace(fact, amount=fact.amount + undone.get(key, Decimal(0)))
                for key, fact in summed.items()
            ]
        return facts

    # -- statements ------------------------------------------------------------------------------

    def state(self, period: Period, *, remember: bool = False) -> list[Settled]:
        """Work out everybody's statement for a period.

        Args:
            period: The period.
            remember: Add the statements to the history, as later periods will see them.

        Returns:
            Statements by manager: everybody who is assigned, and everybody else whose earlier
            statements still have something to settle or to carry.
        """
        held = self.marts.bad_splits(period.start, period.end)
        assigned = self.assigned(period)
        others = [
            manager_id
            for manager_id, told in self.history.items()
            if manager_id not in assigned
            and manager_id not in self.left_out
            and told[-1].inputs.period.grain == period.grain
        ]
        settled = []
        for manager_id in sorted([*assigned, *others]):
            inputs = self.inputs(manager_id, period, held)
            history = self.history.get(manager_id, [])
            told = make_statement(
                self.plans,
                inputs,
                currency=self.currency,
                knowledge=self._knowledge(inputs, history),
                history=history,
            )
            is_empty = not told.statement.lines and not told.statement.carried_in
            if manager_id in others and is_empty:
                continue
            settled.append(told)
            if remember:
                self.history.setdefault(manager_id, []).append(told)
        return settled

    def _knowledge(self, inputs: Inputs, history: Sequence[Settled]) -> dict[str, Knowledge]:
        told = {inputs.period.key: self._known(inputs, None)}
        latest = {s.inputs.period.key: s for s in history}
        for key, origin in latest.items():
            if key == inputs.period.key:
                continue
            before = [s.knowledge[key] for s in history if key in s.knowledge][-1]
            known = self._known(origin.inputs, before)
            told[key] = replace(known, ripened=self._ripened(origin, before))
        return told

    def known(self, inputs: Inputs) -> Knowledge:
        """Return what is known now of a period's wins."""
        return self._known(inputs, None)

    def _known(self, inputs: Inputs, before: Knowledge | None) -> Knowledge:
        return knowledge_of(
            inputs,
            before,
            reversals=self._reversals,
            received=self._received,
            win_days=self._win_days,
            deletions=self._deletions,
            as_of=self.as_of,
        )

    def _ripened(self, origin: Settled, before: Knowledge) -> dict[FigureKey, Figure]:
        frozen = origin.inputs
        waiting = {
            (x.plan, str(x.kpi_code), scope_type)
            for x in origin.statement.lines
            if x.status == "deferred"
            for scope_type in (str(x.scope_type), "team")
        }
        figures: dict[FigureKey, Figure] = {}
        for key in waiting & set(frozen.figures):
            scope = {
                "manager": ("manager", frozen.payee.manager_id),
                "team": ("team", frozen.payee.team_id),
            }.get(key[2], ("company", "all"))
            own = [a for a in frozen.assignments if a.plan == key[0]]
            figure = self.figure(key[1], scope, frozen.period, _spans(own, frozen.period))
            if figure is not None:
                figures[key] = figure
        return ripened(origin, before, figures)

    def usual_deal(self, inputs: Inputs) -> DealSize | None:
        """Return the payee's usual deal, None where nothing was won in a year."""
        if self._usual is None:
            self._usual = self.marts.usual_deals(self.as_of)
        return self._usual.get(inputs.payee.manager_id)

    def open_periods(self, closed: set[str], first_day: date) -> list[Period]:
        """Return the periods that anybody is assigned in and that are not closed, oldest first.

        Args:
            closed: Keys of closed periods.
            first_day: Nothing earlier is in the marts.
        """
        periods = []
        for grain in self.grains():
            own = [a.from_ for a in self.assignments if self.plans[a.plan].period == grain]
            begins = max(min(own, default=self.as_of), first_day)
            if begins <= self.as_of:
                periods += periods_between(grain, begins, self.as_of, self.fiscal_start)
        is_open = [p for p in periods if p.key not in closed]
        return sorted(is_open, key=lambda p: (p.end, p.start))


def _spans(assignments: Sequence[Assignment], period: Period) -> Spans:
    """Return the stretches of a period that assignments cover, joined where they touch."""
    spans: Spans = []
    for assignment in sorted(assignments, key=lambda a: a.from_):
        begin = max(assignment.from_, period.start)
        end = min(assignment.to or period.end, period.end)
        if begin >= end:
            continue
        if spans and spans[-1][1] == begin:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((begin, end))
    return spans


def _within(day: date, spans: Spans) -> bool:
    return any(begin <= day < end for begin, end in spans)
