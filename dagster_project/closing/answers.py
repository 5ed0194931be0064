"""Questions about pay: what if a figure moved, and what another plan would have cost.

What belongs here: evaluations that nobody is paid by. What does not: statements (statements),
printing (cli).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from dagster_project.closing.closing import (
    make_desk,
    plan_context,
    published_marts,
    read_plan_set,
)
from dagster_project.closing.frozen import read_closed
from dagster_project.closing.periods import label, parse_period, period_of, periods_between
from dagster_project.closing.reading import Marts
from dagster_project.closing.statements import PayDesk
from dagster_project.errors import StatementRefused, WorkspaceError
from dagster_project.masks import published_name
from dagster_project.pay.assignments import Assignment
from dagster_project.pay.engine import evaluate
from dagster_project.pay.feedback import Change, Hint, hints, what_if
from dagster_project.pay.inputs import Period
from dagster_project.pay.lines import NOTHING, Line
from dagster_project.pay.plans import Plan
from dagster_project.pay.reading import read_plan
from dagster_project.settings import Workspace


@dataclass(frozen=True)
class WhatIf:
    """A running period as it stands, as it would stand, and what is worth doing."""

    manager_name: str
    period: str
    currency: str
    before: list[Line]
    after: list[Line]
    hints: list[Hint]

    @property
    def gain(self) -> Decimal:
        """What the change is worth."""
        return sum((x.amount for x in self.after), NOTHING) - sum(
            (x.amount for x in self.before), NOTHING
        )


def parse_change(text: str, known: Mapping[str, Any]) -> Change:
    """Read ``meetings=+5``, ``calls=-10`` or ``booked_revenue=2000000``.

    Raises:
        WorkspaceError: It is none of these, or the KPI is not known.
    """
    code, _, value = text.partition("=")
    try:
        amount = Decimal(value.replace("_", ""))
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        raise WorkspaceError(
            "reading --kpi", found=f"`{text}`", expected="such as meetings=+5 or calls=400"
        )
    if code not in known:
        raise WorkspaceError(
            "reading --kpi",
            found=f"no KPI `{code}` in the plan",
            expected=f"one of: {', '.join(sorted(known))}",
        )
    return Change(code, amount, is_relative=value[:1] in "+-")


def ask_what_if(
    workspace: Workspace, manager: str, changes: Sequence[str], period: str | None = None
) -> WhatIf:
    """Work out a manager's running period as it is published, and with figures moved.

    Args:
        workspace: The workspace.
        manager: An id, a name or an alias.
        changes: As ``parse_change`` reads them.
        period: 2026-10 and the like; default the period that holds the release's day.

    Raises:
        WorkspaceError: Nobody of that name, no plan in that period, a change that is not read.
        StatementRefused: The statement cannot be worked out.
    """
    doing = f"working out pay of {manager}"
    with published_marts(workspace, doing) as (marts, manifest):
        as_of = date.fromisoformat(manifest["as_of"])
        plan_set = read_plan_set(workspace, marts, is_lenient=True)
        desk = make_desk(workspace, marts, plan_set, as_of, read_closed(workspace.closed, as_of))
        manager_id = marts.resolver(
            workspace.config.aliases.get("manager", {}), published_name(workspace)
        )(manager)
        if manager_id is None:
            known = ", ".join(row["manager_name"] for row in marts.managers())
            raise WorkspaceError(
                doing, found=f"no manager `{manager}`", expected=f"one of: {known}"
            )
        own = [a for a in plan_set.assignments if a.manager_id == manager_id]
        fiscal = workspace.config.fiscal_year_start_month
        wanted = parse_period(period, fiscal, doing) if period else None
        if wanted:
            held = [a for a in own if _meets(a, wanted.start, wanted.end)]
        else:
            held = [a for a in own if a.is_in_force(as_of)]
        if not held:
            raise WorkspaceError(
                doing,
                found=f"no plan for `{manager}` in {period or as_of}",
                expected="an assignment in bonus/assignments.csv",
            )
        target = wanted or period_of(desk.plans[held[-1].plan].period, as_of, fiscal)
        inputs = desk.inputs(manager_id, target, {})
        if not inputs.assignments:
            raise WorkspaceError(
                doing,
                found=f"a plan by {desk.plans[held[-1].plan].period}",
                expected="a period of the plan's own grain",
                where="--period",
            )
        moved = [parse_change(text, inputs.kpis) for text in changes]
        known = desk.known(inputs)
        before, after = what_if(desk.plans, inputs, known, moved, min(as_of, _last_day(target.end)))
        told = hints(desk.plans, inputs, known, as_of=as_of, deal=desk.usual_deal(inputs))
        return WhatIf(
            inputs.payee.manager_name,
            label(target, fiscal),
            desk.currency,
            before,
            after,
            told,
        )


def _last_day(end: date) -> date:
    return end - timedelta(days=1)


def _meets(assignment: Assignment, start: date, end: date) -> bool:
    return assignment.from_ < end and (assignment.to is None or assignment.to > start)


# -- another plan --------------------------------------------------------------------------------


@dataclass
class Replay:
    """A year under two plans: per manager what each earns; who could not be worked out, and why."""

    first_day: date
    last_day: date
    old: str
    new: str
    currency: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def cost(self) -> Decimal:
        """What the new plan costs the company more; below 0: less."""
        return sum((row["difference"] for row in self.rows), NOTHING)


def compare_plans(workspace: Workspace, old: Path, new: Path, *, months: int = 12) -> Replay:
    """Replay the last complete months under two plans, for the people whom the old one is for.

    The last version of each plan counts for the whole stretch. People are those assigned to the
    old plan by name, with their own amounts and days; where there are none, everybody employed
    whose strategy is the plan's.

    Raises:
        PlanRefused: A plan is not sound.
        WorkspaceError: Nothing is published, or there is nobody to replay.
    """
    doing = f"comparing {old.name} with {new.name}"
    with published_marts(workspace, doing) as (marts, manifest):
        context = plan_context(workspace, marts.terms, marts.has_payments)
        plans = []
        for path in (old, new):
            if not path.is_file():
                raise WorkspaceError(
                    doing, found="no such file", expected="a plan", where=str(path)
                )
            plans.append(_timeless(read_plan(path.read_bytes(), str(path), context).plan))
        as_of = date.fromisoformat(manifest["as_of"])
        fiscal = workspace.config.fiscal_year_start_month
        last = marts.last_complete_day()
        end = period_of("month", last + timedelta(days=1), fiscal).start
        for plan in plans:
            end = min(end, period_of(plan.period, end, fiscal).start)
        first = _months_before(end, months)
        first = min(period_of(plan.period, first, fiscal).start for plan in plans)
        told = Replay(
            first,
            _last_day(end),
            plans[0].plan,
            plans[1].plan,
            workspace.config.reporting_currency,
        )
        people = _people(workspace, marts, plans[0], first, end)
        if not people:
            raise WorkspaceError(
                doing,
                found=f"nobody assigned to `{plans[0].plan}` or of its strategy",
                expected="people to replay",
            )
        runs = [_earned(workspace, marts, plan, people, (first, end), as_of) for plan in plans]
        names = {row["manager_id"]: row["manager_name"] for row in marts.managers()}
        sums = comparable(runs[0], runs[1])
        for manager_id in sorted({a.manager_id for a in people} & set(sums)):
            before, after = sums[manager_id]
            told.rows.append(
                {
                    "manager_id": manager_id,
                    "manager_name": names.get(manager_id, manager_id),
                    "old": before,
                    "new": after,
                    "difference": after - before,
                }
            )
        reasons: dict[tuple[str, str], list[str]] = {}
        for plan, run in zip(plans, runs, strict=True):
            for (manager_id, period), found in run.refused.items():
                key = (f"{plan.plan}, {label(period, fiscal)}", found)
                reasons.setdefault(key, []).append(names.get(manager_id, manager_id))
        told.refused += [
            f"{where}, {', '.join(who)}: {found}; left out under both plans"
            for (where, found), who in reasons.items()
        ]
        told.rows.sort(key=lambda row: (-row["difference"], row["manager_name"]))
        return told


def _months_before(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def _timeless(plan: Plan) -> Plan:
    """Return a plan whose last version holds for all time."""
    last = max(plan.versions, key=lambda v: v.from_)
    forever = last.model_copy(update={"from_": date(1900, 1, 1), "to": None})
    return plan.model_copy(update={"versions": [forever]})


def _people(
    workspace: Workspace, marts: Marts, plan: Plan, first: date, end: date
) -> list[Assignment]:
    own = [
        a
        for a in read_plan_set(workspace, marts, is_lenient=True).assignments
        if a.plan == plan.plan and _meets(a, first, end)
    ]
    if own:
        return own
    return [
        Assignment(row["manager_id"], plan.plan, first)
        for row in marts.managers()
        if (plan.strategy is None or row["strategy"] == plan.strategy)
        and (row["left_on"] is None or row["left_on"] >= first)
    ]


@dataclass
class Run:
    """A stretch under one plan: what each person earns in a period, or why that is not known."""

    earned: dict[tuple[str, Period], Decimal] = field(default_factory=dict)
    refused: dict[tuple[str, Period], str] = field(default_factory=dict)


def comparable(old: Run, new: Run) -> dict[str, tuple[Decimal, Decimal]]:
    """Return per person the sums under both plans, of the days that both could be worked out for.

    A period that one plan refuses is left out of the other's sum as well: a difference would
    otherwise be of twelve months against eleven. Who has no other period has no sums.
    """
    gone = [*old.refused, *new.refused]
    told = [*old.earned, *new.earned]
    before = -1
    while before != len(gone):  # a refused month takes its quarter along, and that its months
        before = len(gone)
        gone += [key for key in dict.fromkeys(told) if key not in gone and _overlaps(key, gone)]
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for side, run in enumerate((old, new)):
        for key, amount in run.earned.items():
            if key not in gone:
                pair = list(sums.get(key[0], (NOTHING, NOTHING)))
                pair[side] += amount
                sums[key[0]] = (pair[0], pair[1])
    return sums


def _overlaps(key: tuple[str, Period], others: Sequence[tuple[str, Period]]) -> bool:
    manager_id, period = key
    return any(
        manager_id == who and period.start < other.end and other.start < period.end
        for who, other in others
    )


def _earned(
    workspace: Workspace,
    marts: Marts,
    plan: Plan,
    people: Sequence[Assignment],
    stretch: tuple[date, date],
    as_of: date,
) -> Run:
    """Return what each person would have earned under a plan, reversals to date taken."""
    assignments = [
        Assignment(
            a.manager_id, plan.plan, a.from_, a.to, a.target_amount, a.ramp, a.guarantee, a.line
        )
        for a in people
    ]
    fiscal = workspace.config.fiscal_year_start_month
    desk = PayDesk(
        marts,
        {plan.plan: plan},
        assignments,
        workspace.config.reporting_currency,
        fiscal,
        as_of,
    )
    told = Run()
    for period in periods_between(plan.period, stretch[0], _last_day(stretch[1]), fiscal):
        for manager_id in desk.assigned(period):
            inputs = desk.inputs(manager_id, period, {})
            left = inputs.payee.left_on
            if left is not None and left < period.start:
                continue
            try:
                lines = evaluate(desk.plans, inputs, desk.known(inputs))
            except StatementRefused as error:
                told.refused[(manager_id, period)] = str(error.found)
                continue
            told.earned[(manager_id, period)] = sum((x.amount for x in lines), NOTHING)
    return told
