"""Rate components: wins in their order fill the tiers of a quota; a line is a slice of one win.

What belongs here: slices, their rates, what of them is paid now. What does not: target components
(engine), gates (limits).

Source: decisions 27 and 33.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from dagster_project.pay.arithmetic import (
    ZERO,
    Slice,
    as_decimal,
    rounded,
    tier_at,
    tier_slices,
    tier_words,
)
from dagster_project.pay.goals import choose_target
from dagster_project.pay.inputs import Fact, Figure
from dagster_project.pay.limits import factor_of, gated_rate
from dagster_project.pay.lines import NOTHING, DealShare, Line
from dagster_project.pay.plans import Component, RateComponent, Tier
from dagster_project.pay.work import Work, facts_of, is_taken_back, lost_share, paid_share


@dataclass(frozen=True)
class _Piece:
    """Unrounded money of one win in one tier under one version."""

    size: Fraction
    rate: Fraction
    money: Fraction
    factor: Fraction


def pay_rate(work: Work, group: list[tuple[int, Component]]) -> None:
    """Add the lines of a rate component: one per win and tier, or one with the reason for none.

    Each version's tiers are run over the whole base with its quota prorated to the assigned days,
    and count by the version's share of those days (decisions 31).
    """
    component = group[-1][1]
    figure = work.figure(component.kpi, "manager")
    added = figure.earlier_reversals if figure and is_taken_back(work, component) else NOTHING
    line = Line(
        kind="earned",
        origin=work.inputs.period,
        plan=work.plan.plan,
        component=component.code,
        kpi_code=component.kpi,
        scope_type="manager",
        numerator=figure.numerator if figure else None,
        earlier_reversals=added or None,
    )
    if figure is None or figure.numerator is None:
        work.lines.append(replace(line, status="no_data", reason="no figure for these days"))
        return
    chosen = {n: choose_target(part, work.inputs) for n, part in group}
    for reason in dict.fromkeys(c.reason for c in chosen.values() if c.value is None):
        work.lines.append(replace(line, status="no_target", reason=reason))
    quotas = {
        n: Fraction(c.value) * work.asked_of(component.kpi)
        for n, c in chosen.items()
        if c.value is not None
    }
    group = [(n, part) for n, part in group if n in quotas]
    if not group:
        return
    wins = _remaining(work, component, figure, added)
    base = sum((size for _, size, _ in wins), ZERO)
    pieces: dict[tuple[int, Tier], dict[int, _Piece]] = {}
    notes: list[str] = []
    for number, part in group:
        version = work.segments[number].version
        limit, gate_factor, gate_notes = gated_rate(work, version, part.code)
        factor, factor_notes = factor_of(work, version, part.code)
        notes += [*gate_notes, *factor_notes]
        share = work.segments[number].share / work.covered(component.kpi)
        begin = ZERO
        for place, (_, size, _) in enumerate(wins):
            for piece in _tiered(part, quotas[number], base, begin, size):
                rate = Fraction(piece.tier.rate)
                rate = min(rate, limit) if limit is not None else rate
                money = piece.size * rate * factor * gate_factor * share
                told = pieces.setdefault((place, piece.tier), {})
                told[number] = _Piece(piece.size, rate, money, factor * gate_factor)
                work.add(number, money)
            begin += size
    last = group[-1][0]
    quota = quotas[last]
    common = replace(
        line,
        target=quota,
        target_from=chosen[last].origin,
        attainment=max(ZERO, base / quota),
        notes=tuple(dict.fromkeys(notes)),
    )
    if not pieces:
        work.lines.append(replace(common, reason="nothing credited in these days"))
    for (place, tier), by_version in sorted(
        pieces.items(), key=lambda item: (item[0][0], item[0][1].from_pct)
    ):
        fact, _, lost = wins[place]
        work.lines.append(_rate_line(work, common, tier, by_version, fact, lost))


def _remaining(
    work: Work, component: Component, figure: Figure, added: Decimal
) -> list[tuple[Fact | None, Fraction, Fraction]]:
    """Return (win, what is left of it, share lost) in order; without wins the sum as one."""
    facts = facts_of(work, component)
    if not facts:
        total = Fraction(figure.numerator or 0) + Fraction(added)
        return [(None, total, ZERO)] if total else []
    is_lowered = is_taken_back(work, component)
    told = []
    for fact in facts:
        version = work.version_at(fact.won_on)
        lost = lost_share(version, fact, work.known) if is_lowered else ZERO
        told.append((fact, Fraction(fact.amount) * (1 - lost), lost))
    return told


def _tiered(
    part: Component, quota: Fraction, base: Fraction, begin: Fraction, size: Fraction
) -> list[Slice]:
    """Cut one win into tiers: by its place in the sum, or whole by where the sum ends."""
    if not isinstance(part, RateComponent):
        raise TypeError(part)
    if part.mode == "marginal":
        return tier_slices(part.tiers, quota, begin, begin + size)
    if base <= 0 or size == 0:
        return []
    return [Slice(tier_at(part.tiers, base / quota), size)]


def _rate_line(
    work: Work,
    common: Line,
    tier: Tier,
    by_version: dict[int, _Piece],
    fact: Fact | None,
    lost: Fraction,
) -> Line:
    amount = rounded(sum((p.money for p in by_version.values()), ZERO), work.quantum)
    last = by_version[max(by_version)]
    rates = dict.fromkeys(as_decimal(p.rate, 6).normalize() for p in by_version.values())
    words = f"{tier_words(tier)}: {' / '.join(f'{r * 100:f}' for r in rates)} %"
    line = replace(
        common,
        segment=words,
        base=last.size,
        rate=last.rate,
        multiplier=last.factor,
        amount=amount,
        released=amount,
    )
    if fact is None:
        return line
    version = work.version_at(fact.won_on)
    share = paid_share(version, fact, work.known, lost)
    released = rounded(Fraction(amount) * share, work.quantum)
    taken = Fraction(fact.amount) * lost
    return replace(
        line,
        released=released,
        held=amount - released,
        deal_id=fact.deal_id,
        spell=fact.spell,
        taken_back=as_decimal(taken, 4) if taken else None,
        deals=(DealShare(fact.deal_id, fact.spell, fact.amount, fact.share),),
        status="paid" if released == amount else ("held" if released == 0 else "part_held"),
    )
