"""The arithmetic of pay: exact fractions inside, kopecks at the end.

What belongs here: attainment, curves, tiers, rounding; functions of numbers alone. What does not:
which numbers they are given (engine).

Everything between an input and a rounded line is a ``Fraction`` of decimals, so that neither
attainment nor proration is ever rounded and a half kopeck is a half kopeck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from dagster_project.pay.plans import Tier

ZERO, ONE = Fraction(0), Fraction(1)


def rounded(value: Fraction, quantum: Decimal) -> Decimal:
    """Round half up, away from zero, to a multiple of ``quantum``."""
    step = Fraction(quantum)
    doubled = abs(value) / step * 2 + 1
    units = doubled.numerator // doubled.denominator // 2
    result = Decimal(units) * quantum
    return -result if value < 0 else result


def as_decimal(value: Fraction, places: int = 10) -> Decimal:
    """Show a fraction with so many decimal places."""
    return rounded(value, Decimal(1).scaleb(-places))


def attainment(actual: Fraction, target: Fraction, direction: str, target_kind: str) -> Fraction:
    """Return actual against target, 1 when met.

    Args:
        actual: The figure.
        target: The target; above 0, except for ``at_most``.
        direction: ``up`` or ``down``: which is better, by the registry.
        target_kind: ``at_most`` and ``at_least`` set the direction and stop at 1.

    Source: decisions 22: down is target / actual, an actual of 0 or less counts as 2.
    """
    better = {"at_most": "down", "at_least": "up"}.get(target_kind, direction)
    if better == "up":
        reached = max(ZERO, actual / target) if target > 0 else ZERO
    elif target == 0:
        reached = ONE if actual <= 0 else ZERO
    else:
        reached = Fraction(2) if actual <= 0 else target / actual
    return min(ONE, reached) if target_kind in ("at_most", "at_least") else reached


def curve_payout(
    points: Sequence[tuple[Decimal, Decimal]], reached: Fraction
) -> tuple[Fraction, str]:
    """Return the payout share for an attainment, and the segment that gave it in words.

    Straight lines between the points, 0 below the first, flat after the last. Where two points
    share an attainment the payout jumps, and the higher one counts from there on.
    """
    percent = reached * 100
    first, last = points[0], points[-1]
    if percent < Fraction(first[0]):
        return ZERO, f"below {_plain(first[0])} %: 0 %"
    if percent >= Fraction(last[0]):
        return Fraction(last[1]) / 100, f"from {_plain(last[0])} %: {_plain(last[1])} %"
    place = max(n for n, point in enumerate(points) if Fraction(point[0]) <= percent)
    (x1, y1), (x2, y2) = points[place], points[place + 1]
    rise = (percent - Fraction(x1)) * (Fraction(y2) - Fraction(y1))
    payout = Fraction(y1) + rise / (Fraction(x2) - Fraction(x1))
    words = f"{_plain(x1)}-{_plain(x2)} %: {_plain(y1)} to {_plain(y2)} %"
    return payout / 100, words


@dataclass(frozen=True)
class Slice:
    """A stretch of the base that lies in one tier; ``size`` is negative for a credit."""

    tier: Tier
    size: Fraction


def tier_slices(
    tiers: Sequence[Tier], quota: Fraction, begin: Fraction, end: Fraction
) -> list[Slice]:
    """Cut the way of the base from ``begin`` to ``end`` at the tiers' bounds.

    What lies below 0 is in no tier. Going down gives negative slices, so that a way there and back
    adds up to nothing.
    """
    low, high = max(ZERO, min(begin, end)), max(ZERO, begin, end)
    sign = 1 if end >= begin else -1
    slices = []
    for tier in tiers:
        floor = Fraction(tier.from_pct) * quota / 100
        top = high if tier.to_pct is None else min(high, Fraction(tier.to_pct) * quota / 100)
        size = top - max(low, floor)
        if size > 0:
            slices.append(Slice(tier, sign * size))
    return slices[::sign]


def tier_at(tiers: Sequence[Tier], reached: Fraction) -> Tier:
    """Return the tier in which an attainment lies: from its lower bound, included."""
    percent = max(ZERO, reached * 100)
    return [tier for tier in tiers if Fraction(tier.from_pct) <= percent][-1]


def step_factor(steps: Sequence[tuple[Decimal, Decimal]], value: Fraction) -> Fraction:
    """Return the factor of the last step that the value has reached; below the first, the first."""
    met = [factor for threshold, factor in steps if Fraction(threshold) <= value]
    return Fraction(met[-1] if met else steps[0][1])


def tier_words(tier: Tier) -> str:
    """Name a tier's bounds."""
    if tier.to_pct is None:
        return f"from {_plain(tier.from_pct)} %"
    return f"{_plain(tier.from_pct)}-{_plain(tier.to_pct)} %"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
