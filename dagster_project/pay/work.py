"""A plan at work on one person's period: its days, its figures, its deals.

What belongs here: what components, gates and rates alike ask for. What does not: how anything is
paid (engine, rates), what limits it (limits).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from dagster_project.errors import StatementRefused
from dagster_project.pay.arithmetic import ONE, ZERO
from dagster_project.pay.assignments import Assignment
from dagster_project.pay.inputs import Fact, Figure, Inputs, Knowledge
from dagster_project.pay.lines import Line
from dagster_project.pay.plans import Component, Plan, PlanVersion, TargetComponent


@dataclass(frozen=True)
class Segment:
    """Days of the period under one assignment and one version of its plan.

    ``share``: its working days of the period's. ``ramp``: the share of targets asked of it.
    """

    assignment: Assignment
    version: PlanVersion
    share: Fraction
    ramp: Fraction

    @property
    def target_amount(self) -> Fraction:
        """Money at 100 % of everything, for a whole period."""
        given = self.assignment.target_amount
        return Fraction(given if given is not None else self.version.target_amount or 0)

    @property
    def guarantee(self) -> Fraction:
        """The minimum for a whole period."""
        given = self.assignment.guarantee
        return Fraction(given if given is not None else self.version.guarantee or 0)


@dataclass
class Work:
    """A plan at work on one person's period."""

    plan: Plan
    inputs: Inputs
    known: Knowledge
    segments: list[Segment]
    lines: list[Line] = field(default_factory=list)
    by_segment: dict[int, Fraction] = field(default_factory=dict)

    @property
    def share(self) -> Fraction:
        """Assigned working days of the period's."""
        return sum((s.share for s in self.segments), ZERO)

    @property
    def asked(self) -> Fraction:
        """Share of an additive target that is asked: assigned days, ramped."""
        return sum((s.share * s.ramp for s in self.segments), ZERO)

    def covered(self, kpi: str) -> Fraction:
        """Share of the period's working days that a figure is of: the assigned ones.

        A sum without days of its own, as movements of MRR, is of all days of employment: its target
        is asked for those, and the assigned ones are paid their part of it.
        """
        terms = self.inputs.kpis[kpi]
        if terms.aggregation != "additive" or "day" in terms.grains:
            return self.share
        return Fraction(len(employed_days(self.inputs)), len(self.inputs.working_days))

    def asked_of(self, kpi: str) -> Fraction:
        """Share of an additive target that is asked of a figure: its days, ramped."""
        return self.covered(kpi) * self.asked / self.share

    @property
    def quantum(self) -> Decimal:
        """To what lines are rounded: as the last version in force says."""
        return self.segments[-1].version.rounding.line

    def figure(self, kpi: str, scope: str) -> Figure | None:
        """Return a figure as it has ripened, else as frozen."""
        key = (self.plan.plan, kpi, scope)
        return self.known.ripened.get(key) or self.inputs.figures.get(key)

    def version_at(self, day: date) -> PlanVersion:
        """Return the terms under which a deal of this day is credited."""
        return self.plan.version_on(day) or self.segments[-1].version

    def add(self, number: int, money: Fraction) -> None:
        """Count unrounded money towards a segment, for caps of only some versions."""
        self.by_segment[number] = self.by_segment.get(number, ZERO) + money


def is_shown(component: Component) -> bool:
    """Tell whether a component is only shown: a target component without weight."""
    return isinstance(component, TargetComponent) and component.weight == 0


def refused(
    inputs: Inputs, found: str, expected: str, remedy: str | None = None
) -> StatementRefused:
    """Return the refusal of a statement, in the words of all errors."""
    return StatementRefused(
        "working out pay",
        found=found,
        expected=expected,
        where=f"{inputs.payee.manager_name} ({inputs.payee.manager_id}), "
        f"{inputs.period.grain} of {inputs.period.start}",
        remedy=remedy or "mend what is named; until then this statement pays nothing",
    )


def employed_days(inputs: Inputs) -> list[date]:
    """Return the working days of the period on which a payee is employed."""
    payee = inputs.payee
    return [
        day
        for day in inputs.working_days
        if (payee.hired_on is None or day >= payee.hired_on)
        and (payee.left_on is None or day <= payee.left_on)
    ]


def assigned_days(inputs: Inputs, plan_name: str) -> list[date]:
    """Return the working days of the period on which a payee is employed and on a plan."""
    own = [a for a in inputs.assignments if a.plan == plan_name]
    return [day for day in employed_days(inputs) if any(a.is_in_force(day) for a in own)]


def segments_of(plan: Plan, inputs: Inputs) -> list[Segment]:
    """Split the assigned days by assignment and version.

    Raises:
        StatementRefused: The plan has no version for one of them.
    """
    total = len(inputs.working_days)
    days = assigned_days(inputs, plan.plan)
    uncovered = [day for day in days if plan.version_on(day) is None]
    if uncovered:
        raise refused(
            inputs,
            f"plan `{plan.plan}` has no version for {uncovered[0]}",
            "terms for every assigned day",
            "add a version to the plan, or end the assignment",
        )
    segments = []
    own = [a for a in inputs.assignments if a.plan == plan.plan]
    for assignment in sorted(own, key=lambda a: a.from_):
        for version in sorted(plan.versions, key=lambda v: v.from_):
            held = [d for d in days if assignment.is_in_force(d) and version.is_in_force(d)]
            if held:
                segments.append(
                    Segment(
                        assignment,
                        version,
                        Fraction(len(held), total),
                        ramp_share(assignment, inputs, held),
                    )
                )
    return segments


def ramp_share(assignment: Assignment, inputs: Inputs, days: Sequence[date]) -> Fraction:
    """Return the mean share of targets over working days: by months since the start.

    The ramp runs from the hiring, or from the assignment where that begins later; a month begun
    midway counts with the first full one (decisions 35).
    """
    if not assignment.ramp:
        return ONE
    hired = inputs.payee.hired_on
    start = max(hired, assignment.from_) if hired else assignment.from_
    first_full = start.year * 12 + start.month - (1 if start.day == 1 else 0)
    shares = []
    for day in days:
        month = max(0, day.year * 12 + day.month - 1 - first_full)
        shares.append(Fraction(assignment.ramp[month]) if month < len(assignment.ramp) else ONE)
    return sum(shares, ZERO) / len(shares)


def require_available(plan: Plan, segments: Sequence[Segment], inputs: Inputs) -> None:
    """Refuse where a KPI or the payments that the plan reads are not delivered.

    Raises:
        StatementRefused: With the reason that the registry gives.
    """
    for segment in segments:
        version = segment.version
        used = [c.kpi for c in version.components if not is_shown(c)]
        used += [g.kpi for g in version.gates] + [m.kpi for m in version.multipliers]
        for code in used:
            terms = inputs.kpis.get(code)
            if terms is None or not terms.is_available:
                because = terms.unavailable_because if terms else "it is not in the registry"
                raise refused(
                    inputs,
                    f"`{code}`, which plan `{plan.plan}` reads, is not available: {because}",
                    "every KPI of the plan available",
                    "deliver its inputs, or take it out of the plan",
                )
        if version.release_on == "payment_date" and not inputs.has_payments:
            raise refused(
                inputs,
                f"plan `{plan.plan}` releases on payment, and no payments are delivered",
                "payments among the delivered entities",
            )


def exact(figure: Figure, aggregation: str) -> Fraction | None:
    """Return a figure's value without rounding: of its parts where it has them."""
    if aggregation == "ratio":
        if figure.numerator is None or not figure.denominator:
            return None
        return Fraction(figure.numerator) / Fraction(figure.denominator)
    if aggregation in ("additive", "semi_additive") and figure.numerator is not None:
        return Fraction(figure.numerator)
    return None if figure.value is None else Fraction(figure.value)


def facts_of(work: Work, component: Component) -> list[Fact]:
    """Return the wins behind a component's figure, in the order in which they fill tiers."""
    own = [a for a in work.inputs.assignments if a.plan == work.plan.plan]
    found = [
        f
        for f in work.inputs.facts
        if f.kpi_code == component.kpi
        and f.scope_type == component.scope
        and any(a.is_in_force(f.won_on) for a in own)
    ]
    return sorted(found, key=lambda f: (str(f.won_at or f.won_on), f.deal_id, f.spell))


def is_taken_back(work: Work, component: Component) -> bool:
    """Tell whether reversals lower this component's money: sums of money under a clawback."""
    terms = work.inputs.kpis[component.kpi]
    has_clawback = any(s.version.clawback for s in work.segments)
    return terms.unit == "money" and terms.aggregation == "additive" and has_clawback


def lost_share(work_version: PlanVersion, fact: Fact, known: Knowledge) -> Fraction:
    """Return the share of a win that reversals inside the window have taken: at most all of it.

    What is refunded of a credit pays it out and takes nothing back.
    """
    if work_version.clawback is None:
        return ZERO
    lost = ZERO
    for reversal in known.reversals_of(fact.key):
        if (reversal.occurred_on - fact.won_on).days > work_version.clawback.window_days:
            continue
        if reversal.whole >= 0:
            whole = Fraction(reversal.whole)
            lost += Fraction(reversal.part) / whole if whole else ONE
    return min(ONE, lost)


def paid_share(version: PlanVersion, fact: Fact, known: Knowledge, lost: Fraction) -> Fraction:
    """Return which share of what is left of a win may be paid out."""
    if version.release_on == "won_date":
        return ONE
    told = known.paid_part(fact.key)
    if told is None:
        return ZERO
    part, whole = told
    left = whole - lost * whole
    if left == 0:
        return ONE
    return max(ZERO, min(ONE, (part - lost * whole) / left))
