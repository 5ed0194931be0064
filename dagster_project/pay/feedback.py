"""Feedback on open periods: what stands now, what would be paid today, what more is worth.

What belongs here: asking the engine "what if" and ranking the answers. What does not: rules of pay
(engine), where figures come from (closing).

Everything is a difference of two statements of the same engine, so that what is promised here is
what the statement will pay if it happens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from dagster_project.pay.arithmetic import as_decimal, curve_payout
from dagster_project.pay.engine import evaluate
from dagster_project.pay.inputs import Fact, Figure, FigureKey, Inputs, Knowledge
from dagster_project.pay.lines import NOTHING, Line
from dagster_project.pay.plans import Plan

TASKS = 3
_DEAL = "what if"
_KOPECK = Fraction(1, 100)
_REVENUE, _MARGIN, _COUNT = "revenue", "margin", "count"


@dataclass(frozen=True)
class Change:
    """A figure moved: by so much, or to so much; a ratio's numerator and cases are moved."""

    kpi_code: str
    amount: Decimal
    is_relative: bool = True


@dataclass(frozen=True)
class Hint:
    """One piece of feedback.

    ``kind``: now, if_ended_today, next_deal or task. ``amount``: money; ``change`` of the KPI that
    a task or a deal asks for.
    """

    kind: str
    amount: Decimal
    kpi_code: str | None = None
    change: Decimal | None = None
    position: int = 1


@dataclass(frozen=True)
class DealSize:
    """A deal of a usual size, and how KPIs count it.

    ``counts_as``: KPI -> revenue, margin or count, by what a win adds to it.
    """

    amount: Decimal
    margin: Decimal | None
    counts_as: Mapping[str, str]


def earned(plans: Mapping[str, Plan], inputs: Inputs, known: Knowledge) -> Decimal:
    """Return what a period's own lines come to."""
    return sum((x.amount for x in evaluate(plans, inputs, known)), NOTHING)


def changed(inputs: Inputs, changes: Sequence[Change], as_of: date) -> Inputs:
    """Return the inputs with figures moved; sums with wins behind them get one more win.

    Where the period has several plans, the figures of the plan of that day move: an earlier plan's
    days are over. What is counted over the whole period, as movements of MRR, moves in each.

    Args:
        inputs: The frozen inputs.
        changes: Figures to move.
        as_of: The day of the win that is imagined.
    """
    figures = dict(inputs.figures)
    facts = list(inputs.facts)
    running = _running(inputs, as_of)
    for change in changes:
        for key, figure in inputs.figures.items():
            if key[1] != change.kpi_code or key[2] != "manager":
                continue
            if key[0] not in running and not _is_of_all_days(inputs, key, running):
                continue
            moved, by = _moved(figure, change, inputs.kpis[key[1]].aggregation)
            figures[key] = moved
            has_wins = any(f.kpi_code == key[1] for f in inputs.facts)
            if by and has_wins:
                at = datetime(as_of.year, as_of.month, as_of.day, 23, 59)  # noqa: DTZ001
                fact = Fact(key[1], "manager", _DEAL, 1, as_of, at, by)
                facts = [f for f in facts if (f.kpi_code, f.deal_id) != (key[1], _DEAL)]
                facts.append(fact)
    return replace(inputs, figures=figures, facts=tuple(facts))


def _running(inputs: Inputs, as_of: date) -> set[str]:
    """Return the plans in force on a day; where none is, the last one."""
    in_force = {a.plan for a in inputs.assignments if a.is_in_force(as_of)}
    return in_force or {a.plan for a in inputs.assignments[-1:]}


def _is_of_all_days(inputs: Inputs, key: FigureKey, running: set[str]) -> bool:
    """Tell whether a figure of an earlier plan is the whole period's, as the running plan's is."""
    terms = inputs.kpis[key[1]]
    if "day" not in terms.grains:
        return True
    told = [inputs.figures.get((name, *key[1:])) for name in running]
    return terms.aggregation != "additive" and inputs.figures[key] in told


def _moved(figure: Figure, change: Change, aggregation: str) -> tuple[Figure, Decimal]:
    """Return a figure moved, and by how much its sum moves."""
    if aggregation == "ratio":
        denominator = figure.denominator or Decimal(0)
        before = figure.numerator or Decimal(0)
        after = before + change.amount if change.is_relative else change.amount * denominator
        return replace(figure, numerator=after), NOTHING
    if aggregation in ("additive", "semi_additive"):
        before = figure.numerator or Decimal(0)
        after = before + change.amount if change.is_relative else change.amount
        return replace(figure, numerator=after), after - before
    before = figure.value or Decimal(0)
    after = before + change.amount if change.is_relative else change.amount
    return replace(figure, value=after), NOTHING


def what_if(
    plans: Mapping[str, Plan],
    inputs: Inputs,
    known: Knowledge,
    changes: Sequence[Change],
    as_of: date,
) -> tuple[list[Line], list[Line]]:
    """Return the lines as they stand and as they would stand."""
    return (
        evaluate(plans, inputs, known),
        evaluate(plans, changed(inputs, changes, as_of), known),
    )


def hints(
    plans: Mapping[str, Plan],
    inputs: Inputs,
    known: Knowledge,
    *,
    as_of: date,
    deal: DealSize | None = None,
) -> list[Hint]:
    """Return feedback on an open period.

    Args:
        plans: The plans of the assignments.
        inputs: The inputs so far.
        known: What is known of payments and reversals.
        as_of: The last day that has passed.
        deal: A deal of the usual size; None where there is none to go by.
    """
    now = earned(plans, inputs, known)
    told = [Hint("now", now), Hint("if_ended_today", _if_ended(plans, inputs, known, as_of))]
    if deal is not None:
        counted = _deal_changes(inputs, deal)
        worth = earned(plans, changed(inputs, counted, as_of), known) - now
        told.append(Hint("next_deal", worth, change=deal.amount))
    tasks = [
        Hint("task", gain, code, as_decimal(step, 4))
        for code, step in _steps(plans, inputs, known)
        if (gain := _gain(plans, inputs, known, code, step, as_of, now)) > 0
    ]
    best: dict[str, Hint] = {}
    for task in tasks:
        kept = best.get(str(task.kpi_code))
        if kept is None or task.amount > kept.amount:
            best[str(task.kpi_code)] = task
    ranked = sorted(best.values(), key=lambda t: (-t.amount, str(t.kpi_code)))[:TASKS]
    return told + [replace(t, position=n) for n, t in enumerate(ranked, start=1)]


def _gain(
    plans: Mapping[str, Plan],
    inputs: Inputs,
    known: Knowledge,
    code: str,
    step: Fraction,
    as_of: date,
    now: Decimal,
) -> Decimal:
    change = Change(code, as_decimal(step, 10))
    return earned(plans, changed(inputs, [change], as_of), known) - now


def _if_ended(plans: Mapping[str, Plan], inputs: Inputs, known: Knowledge, as_of: date) -> Decimal:
    """Return what would be earned had the period ended today: targets and money by days gone."""
    gone = [day for day in inputs.working_days if day <= as_of]
    if not gone:
        return NOTHING
    ended = tuple(
        replace(a, to=_after(as_of) if a.to is None or a.to > as_of else a.to)
        for a in inputs.assignments
        if a.from_ <= as_of
    )
    left = inputs.payee.left_on
    payee = replace(inputs.payee, left_on=as_of if left is None or left > as_of else left)
    if not ended:
        return NOTHING
    return earned(plans, replace(inputs, payee=payee, assignments=ended), known)


def _after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


def _deal_changes(inputs: Inputs, deal: DealSize) -> list[Change]:
    worth = {_REVENUE: deal.amount, _MARGIN: deal.margin, _COUNT: Decimal(1)}
    told = []
    for code, part in deal.counts_as.items():
        amount = worth[part]
        if amount is not None and any(key[1] == code for key in inputs.figures):
            told.append(Change(code, amount))
    return told


def _steps(
    plans: Mapping[str, Plan], inputs: Inputs, known: Knowledge
) -> list[tuple[str, Fraction]]:
    """Return how far each component's next point of its curve is, rounded up so that it is reached.

    Whole numbers of cases, money in kopecks.
    """
    lines = evaluate(plans, inputs, known)
    steps: list[tuple[str, Fraction]] = []
    for line in lines:
        if line.kind != "earned" or line.target is None or line.attainment is None:
            continue
        if line.scope_type != "manager" or line.weight is None or line.kpi_code is None:
            continue
        terms = inputs.kpis[line.kpi_code]
        if terms.direction != "up" or terms.aggregation not in ("additive", "ratio"):
            continue
        version = plans[line.plan].version_on(min(inputs.period.end, _last(inputs)))
        component = version.component(line.component) if version else None
        if component is None or not hasattr(component, "curve"):
            continue
        curve = version.curves[component.curve]
        stands, _ = curve_payout(curve, line.attainment)
        above = [x for x, y in curve if Fraction(x) > line.attainment * 100 and y > stands * 100]
        if above:
            short = (Fraction(above[0]) / 100 - line.attainment) * line.target
            if terms.aggregation == "ratio":
                short *= Fraction(line.denominator or 0)
            is_whole = terms.unit == "count" or terms.aggregation == "ratio"
            unit = Fraction(1) if is_whole else _KOPECK
            steps.append((line.kpi_code, -(-short // unit) * unit))
    return steps


def _last(inputs: Inputs) -> date:
    return inputs.working_days[-1] if inputs.working_days else inputs.period.start
