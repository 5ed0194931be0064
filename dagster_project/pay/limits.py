"""What limits and shapes pay: multipliers, gates, caps, the guarantee.

What belongs here: what is applied to a payout or to lines that are there. What does not: how a
payout comes about (engine, rates).
"""

from __future__ import annotations

from fractions import Fraction

from dagster_project.pay.arithmetic import ONE, ZERO, rounded, step_factor
from dagster_project.pay.lines import NOTHING, Line
from dagster_project.pay.plans import Component, PlanVersion
from dagster_project.pay.work import Work, exact


def _judged(work: Work, kpi: str) -> tuple[Fraction | None, str | None]:
    """Return the value that a gate or multiplier reads, or why it does not read one."""
    figure = work.inputs.figures.get((work.plan.plan, kpi, "manager"))  # frozen, never ripened
    value = exact(figure, work.inputs.kpis[kpi].aggregation) if figure else None
    if figure is None or value is None:
        return None, f"{kpi} is unknown: not applied"
    if figure.is_low_sample:
        return None, f"{kpi} rests on {figure.sample_size} cases: not applied"
    return value, None


def _concerns(names: str | list[str], code: str) -> bool:
    return names == "all" or code in names


def factor_of(work: Work, version: PlanVersion, code: str) -> tuple[Fraction, list[str]]:
    """Return the product of the multipliers that concern a component, with notes."""
    factor, notes = ONE, []
    for multiplier in version.multipliers:
        if not _concerns(multiplier.components, code):
            continue
        value, why_not = _judged(work, multiplier.kpi)
        if value is None:
            notes.append(str(why_not))
            continue
        factor *= step_factor(multiplier.steps, value)
    return factor, notes


def _fired(work: Work, version: PlanVersion, code: str) -> tuple[list, list[str]]:
    fired, notes = [], []
    for gate in version.gates:
        if not _concerns(gate.components, code):
            continue
        value, why_not = _judged(work, gate.kpi)
        if value is None:
            notes.append(f"gate: {why_not}")
        elif value < Fraction(gate.below):
            fired.append(gate.effect)
            notes.append(f"gate: {gate.kpi} below {gate.below}")
    return fired, notes


def gated_payout(
    work: Work, version: PlanVersion, code: str, payout: Fraction
) -> tuple[Fraction, list[str]]:
    """Return a payout share after the gates that fire: scaled, then limited, then blocked."""
    effects, notes = _fired(work, version, code)
    for effect in effects:
        payout *= Fraction(effect.scale) if effect.scale is not None else ONE
    for effect in effects:
        if effect.limit_payout is not None:
            payout = min(payout, Fraction(effect.limit_payout))
    return (ZERO if any(e.block for e in effects) else payout), notes


def gated_rate(
    work: Work, version: PlanVersion, code: str
) -> tuple[Fraction | None, Fraction, list[str]]:
    """Return the highest rate that a gate allows, the factor of scales and blocks, and notes."""
    effects, notes = _fired(work, version, code)
    limits = [Fraction(e.limit_rate) for e in effects if e.limit_rate is not None]
    factor = ONE
    for effect in effects:
        factor *= Fraction(effect.scale) if effect.scale is not None else ONE
        factor *= ZERO if effect.block else ONE
    return (min(limits) if limits else None), factor, notes


def cap_component(
    work: Work, code: str, parts: list[tuple[int, Component]], lines: list[Line]
) -> None:
    """Bring one component's lines under its own cap, where every version of it has one."""
    capped = {n: Fraction(c.cap_amount) for n, c in parts if c.cap_amount is not None}
    if not capped or len(capped) < len(parts):
        return
    limit = sum((work.segments[n].share * cap for n, cap in capped.items()), ZERO)
    _cap(work, code, lines, limit)


def cap_all(work: Work) -> None:
    """Bring the plan's lines under the cap of the whole.

    Where only some versions of the period have a cap, the others' money does not count under it.
    """
    limit, is_capped = ZERO, False
    for number, segment in enumerate(work.segments):
        version = segment.version
        if version.cap_amount is not None:
            limit += segment.share * Fraction(version.cap_amount)
            is_capped = True
        elif version.overall_cap_pct is not None:
            limit += segment.share * segment.target_amount * Fraction(version.overall_cap_pct) / 100
            is_capped = True
        else:
            limit += work.by_segment.get(number, ZERO)
    if is_capped:
        _cap(work, "overall", work.lines, limit)


def _cap(work: Work, component: str, lines: list[Line], limit: Fraction) -> None:
    """Add the negative line that brings lines down to a limit; money that waits is cut first."""
    most = rounded(limit, work.quantum)
    earned = sum((x.amount for x in lines), NOTHING)
    if earned <= most:
        return
    released = sum((x.released for x in lines), NOTHING)
    cut = most - earned
    cut_released = min(released, most) - released
    work.lines.append(
        Line(
            kind="cap",
            origin=work.inputs.period,
            plan=work.plan.plan,
            component=component,
            base=limit,
            segment=f"at most {most}",
            amount=cut,
            released=cut_released,
            held=cut - cut_released,
        )
    )


def add_guarantee(work: Work) -> None:
    """Raise the plan's lines to the guaranteed minimum of the assigned days."""
    least = rounded(sum((s.share * s.guarantee for s in work.segments), ZERO), work.quantum)
    earned = sum((x.amount for x in work.lines), NOTHING)
    if earned >= least:
        return
    work.lines.append(
        Line(
            kind="guarantee",
            origin=work.inputs.period,
            plan=work.plan.plan,
            component="guarantee",
            segment=f"at least {least}",
            amount=least - earned,
            released=least - earned,
        )
    )
