"""What a plan pays for one period's frozen inputs: the lines of one person, before settlement.

What belongs here: the order of evaluation from targets to holds. What does not: numbers alone
(arithmetic), what earlier periods still owe (settlement), where inputs come from (closing).

Source: decisions 27 fix the order: targets, attainment, limit_rate, curve or tiers, multipliers,
scale / limit_payout / block, weights, rounding of lines, caps, release and hold.

A line's status: ``paid``, ``shown`` (weight 0), ``pooled`` (paid in the pool's line), ``deferred``
(paid once the figure has ripened), ``no_target``, ``no_data``, ``low_sample``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from dagster_project.pay.arithmetic import ZERO, as_decimal, attainment, curve_payout, rounded
from dagster_project.pay.checks import KpiTerms
from dagster_project.pay.goals import Chosen, choose_target
from dagster_project.pay.inputs import Figure, Inputs, Knowledge
from dagster_project.pay.limits import (
    add_guarantee,
    cap_all,
    cap_component,
    factor_of,
    gated_payout,
)
from dagster_project.pay.lines import NOTHING, DealShare, Line
from dagster_project.pay.plans import Component, Plan, RateComponent, TargetComponent
from dagster_project.pay.rates import pay_rate
from dagster_project.pay.work import (
    Work,
    exact,
    facts_of,
    is_taken_back,
    lost_share,
    refused,
    require_available,
    segments_of,
)


def evaluate(
    plans: Mapping[str, Plan], inputs: Inputs, known: Knowledge | None = None
) -> list[Line]:
    """Work out what a person has earned in a period, line by line.

    Args:
        plans: The plans that the person's assignments name.
        inputs: The frozen inputs.
        known: What is known of reversals, payments and ripened figures; default nothing: no deal
            is paid for yet and none has come back.

    Returns:
        Lines of kind earned, cap and guarantee; their amounts add up to what is earned.

    Raises:
        StatementRefused: A KPI is not available, the person has left before, targets are
            ambiguous, a plan has no terms for assigned days.
    """
    known = known or Knowledge()
    payee, period = inputs.payee, inputs.period
    if payee.left_on is not None and payee.left_on < period.start:
        raise refused(inputs, f"employment ended on {payee.left_on}", "a period worked in")
    if not inputs.working_days:
        raise refused(inputs, "no working day in the period", "a calendar with working days")
    lines: list[Line] = []
    for name in dict.fromkeys(a.plan for a in inputs.assignments):
        plan = plans[name]
        segments = segments_of(plan, inputs)
        if not segments:
            continue
        require_available(plan, segments, inputs)
        work = Work(plan, inputs, known, segments)
        _pay_components(work)
        cap_all(work)
        add_guarantee(work)
        lines += work.lines
    return lines


def _pay_components(work: Work) -> None:
    codes = dict.fromkeys(c.code for s in work.segments for c in s.version.components)
    pools: dict[int, Fraction] = {}
    for code in codes:
        first = len(work.lines)
        of_code = [(n, s.version.component(code)) for n, s in enumerate(work.segments)]
        parts = [(n, c) for n, c in of_code if c is not None]
        for group in _alike(parts):
            sample = group[-1][1]
            if isinstance(sample, RateComponent):
                pay_rate(work, group)
            else:
                _pay_target(work, group, pools)
        cap_component(work, code, parts, work.lines[first:])
    if pools:
        _pay_pool(work, pools)


def _alike(parts: list[tuple[int, Component]]) -> list[list[tuple[int, Component]]]:
    """Group a component's versions by what they measure: attainment is worked out once for each."""
    groups: dict[tuple, list[tuple[int, Component]]] = {}
    for number, component in parts:
        is_rate = isinstance(component, RateComponent)
        fixed = None if is_rate else component.target
        key = (is_rate, component.kpi, component.scope, component.goal, fixed)
        groups.setdefault(key, []).append((number, component))
    return list(groups.values())


@dataclass(frozen=True)
class _Measured:
    """A figure for pay: what counts, what was added back, what was taken, and the deals."""

    figure: Figure | None
    actual: Fraction | None
    added_back: Decimal
    taken: Fraction
    facts: tuple[DealShare, ...]
    status: str = "paid"
    reason: str | None = None
    notes: tuple[str, ...] = ()


def _measure(work: Work, component: TargetComponent) -> _Measured:
    terms = work.inputs.kpis[component.kpi]
    figure = work.figure(component.kpi, component.scope)
    facts = facts_of(work, component)
    deals = tuple(DealShare(f.deal_id, f.spell, f.amount, f.share) for f in facts)
    nothing = _Measured(figure, None, NOTHING, ZERO, deals)
    ripening = replace(
        nothing,
        status="deferred",
        reason="the figure is still ripening; the line is paid once it has",
    )
    if _is_waited_for(figure, component, terms):
        return ripening
    if figure is None or exact(figure, terms.aggregation) is None:
        return replace(nothing, status="no_data", reason="no figure for these days: unknown")
    notes: tuple[str, ...] = ()
    if component.min_sample is not None and figure.sample_size < component.min_sample:
        told = f"{figure.sample_size} cases, fewer than {component.min_sample}"
        rule = component.on_low_sample or "defer"
        if rule != "team":
            status = {"defer": "deferred", "zero": "low_sample"}[rule]
            return replace(nothing, status=status, reason=told)
        figure = work.figure(component.kpi, "team")
        if _is_waited_for(figure, component, terms):
            return ripening
        if figure is None or exact(figure, terms.aggregation) is None:
            return replace(nothing, status="no_data", reason=f"{told}; no figure of the team")
        notes = (f"{told}: the team's figure stands in",)
    actual = exact(figure, terms.aggregation)
    added, taken = NOTHING, ZERO
    if is_taken_back(work, component):
        added = figure.earlier_reversals
        taken = sum(
            (
                Fraction(f.amount) * lost_share(work.version_at(f.won_on), f, work.known)
                for f in facts
            ),
            ZERO,
        )
        actual = actual + Fraction(added) - taken
    return _Measured(figure, actual, added, taken, deals, notes=notes)


def _is_waited_for(figure: Figure | None, component: TargetComponent, terms: KpiTerms) -> bool:
    """Tell whether a figure still ripens and the plan waits until it has."""
    is_ripening = figure is not None and not figure.is_mature and terms.is_cohort
    return is_ripening and component.immature == "defer"


def _asked(work: Work, chosen: Chosen, component: Component) -> Fraction:
    """Return the target of the assigned days: sums by days and ramp, other rising ones by ramp."""
    terms = work.inputs.kpis[component.kpi]
    whole = Fraction(chosen.value)
    if terms.aggregation == "additive":
        return whole * work.asked_of(component.kpi)
    is_rising = terms.direction == "up" and chosen.kind != "at_most"
    return whole * work.asked / work.share if is_rising else whole


def _pay_target(work: Work, group: list[tuple[int, Component]], pools: dict[int, Fraction]) -> None:
    component = group[-1][1]
    measured = _measure(work, component)
    terms = work.inputs.kpis[component.kpi]
    figure = measured.figure
    line = Line(
        kind="earned",
        origin=work.inputs.period,
        plan=work.plan.plan,
        component=component.code,
        kpi_code=component.kpi,
        scope_type=component.scope,
        numerator=figure.numerator if figure else None,
        denominator=figure.denominator if figure else None,
        earlier_reversals=measured.added_back or None,
        taken_back=as_decimal(measured.taken, 4) if measured.taken else None,
        weight=component.weight,
        deals=measured.facts,
        status=measured.status,
        reason=measured.reason,
        notes=measured.notes,
    )
    chosen = choose_target(component, work.inputs)
    if chosen.value is None:
        work.lines.append(replace(line, status="no_target", reason=chosen.reason))
        return
    asked = _asked(work, chosen, component)
    line = replace(line, target=asked, target_from=chosen.origin)
    if measured.actual is None:
        work.lines.append(line)
        return
    reached = attainment(measured.actual, asked, terms.direction, chosen.kind)
    money, payout_sum, factor_sum, words, notes = ZERO, ZERO, ZERO, [], list(measured.notes)
    for number, part in group:
        segment = work.segments[number]
        if segment.version.pool:
            pools[number] = pools.get(number, ZERO) + reached * Fraction(part.weight) / 100
            continue
        payout, told = curve_payout(segment.version.curves[part.curve], reached)
        factor, factor_notes = factor_of(work, segment.version, part.code)
        paid, gate_notes = gated_payout(work, segment.version, part.code, payout * factor)
        weight = Fraction(part.weight) / 100
        share = segment.share * segment.target_amount * weight * paid
        money += share
        work.add(number, share)
        payout_sum += paid * segment.share
        factor_sum += factor * segment.share
        words.append(told)
        notes += [*factor_notes, *gate_notes]
    is_pooled = not words
    status = "pooled" if is_pooled else ("shown" if component.weight == 0 else "paid")
    amount = rounded(money, work.quantum)
    covered = sum((work.segments[n].share for n, _ in group), ZERO)
    work.lines.append(
        replace(
            line,
            attainment=reached,
            segment="; ".join(dict.fromkeys(words)) or None,
            payout=None if is_pooled else payout_sum / covered,
            multiplier=None if is_pooled else factor_sum / covered,
            amount=amount,
            released=amount,
            status=status,
            notes=tuple(dict.fromkeys(notes)),
        )
    )


def _pay_pool(work: Work, pools: dict[int, Fraction]) -> None:
    money, words, notes, reached_sum, covered = ZERO, [], [], ZERO, ZERO
    for number, reached in pools.items():
        segment = work.segments[number]
        curve = segment.version.curves[segment.version.targets[0].curve]
        payout, told = curve_payout(curve, reached)
        factor, factor_notes = factor_of(work, segment.version, "all")
        paid, gate_notes = gated_payout(work, segment.version, "all", payout * factor)
        share = segment.share * segment.target_amount * paid
        money += share
        work.add(number, share)
        words.append(told)
        notes += [*factor_notes, *gate_notes]
        reached_sum += reached * segment.share
        covered += segment.share
    amount = rounded(money, work.quantum)
    work.lines.append(
        Line(
            kind="earned",
            origin=work.inputs.period,
            plan=work.plan.plan,
            component="pool",
            attainment=reached_sum / covered,
            segment="; ".join(dict.fromkeys(words)),
            weight=Decimal(100),
            amount=amount,
            released=amount,
            notes=tuple(dict.fromkeys(notes)),
        )
    )
