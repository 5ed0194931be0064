"""The lines of a statement, and the statement: what is shown, kept and paid.

What belongs here: the shapes and the sums that define them. What does not: how a line comes about.

**Units**: money in the reporting currency, to the plan's rounding. Every line has
``amount = released + held``: what it adds to earnings, to money paid now, to money that waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from dagster_project.pay.inputs import Payee, Period

NOTHING = Decimal(0)
EARNED_KINDS = ("earned", "cap", "guarantee")
SETTLED_KINDS = ("deferred", "correction", "release")


@dataclass(frozen=True)
class DealShare:
    """A deal behind a line: what it adds to the line's base, and the payee's share of the deal."""

    deal_id: str
    spell: int
    amount: Decimal
    share: Decimal


@dataclass(frozen=True)
class Line:
    """One line of a statement.

    ``kind``: earned, cap and guarantee are of this period; deferred, correction and release settle
    an earlier one, named by ``origin``. ``status``: paid, or why not (see the engine).
    ``segment``: the stretch of the curve or the tier, in words.
    """

    kind: str
    origin: Period
    plan: str
    component: str
    kpi_code: str | None = None
    scope_type: str | None = None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    earlier_reversals: Decimal | None = None
    taken_back: Decimal | None = None
    target: Fraction | None = None
    target_from: str | None = None
    attainment: Fraction | None = None
    segment: str | None = None
    weight: Decimal | None = None
    base: Fraction | None = None
    rate: Fraction | None = None
    payout: Fraction | None = None
    multiplier: Fraction | None = None
    amount: Decimal = NOTHING
    released: Decimal = NOTHING
    held: Decimal = NOTHING
    deal_id: str | None = None
    spell: int | None = None
    deals: tuple[DealShare, ...] = ()
    status: str = "paid"
    reason: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a line that does not add up."""
        if self.amount != self.released + self.held:
            raise AssertionError(f"{self.component}: {self.amount} is not released + held")


@dataclass(frozen=True)
class Statement:
    """What one person is paid for one period, under one revision.

    ``restated``: what earlier revisions of this period came to, taken out again. ``status``: open,
    closed, held (computed, not paid) or refused (not computed, ``reason`` says why).
    """

    payee: Payee
    period: Period
    plans: tuple[str, ...]
    currency: str
    lines: tuple[Line, ...] = ()
    carried_in: Decimal = NOTHING
    restated: Decimal = NOTHING
    to_pay: Decimal = NOTHING
    carried_out: Decimal = NOTHING
    forgiven: Decimal = NOTHING
    revision: int = 0
    status: str = "open"
    reason: str | None = None
    closed_on: date | None = None
    notes: tuple[str, ...] = field(default=())

    def total(self, part: str, kinds: Iterable[str]) -> Decimal:
        """Return the sum of ``amount``, ``released`` or ``held`` over lines of some kinds."""
        return sum((getattr(x, part) for x in self.lines if x.kind in kinds), NOTHING)

    @property
    def earned(self) -> Decimal:
        """What this period's own lines come to."""
        return self.total("amount", EARNED_KINDS)

    @property
    def released(self) -> Decimal:
        """What of it is paid now."""
        return self.total("released", EARNED_KINDS)

    @property
    def held(self) -> Decimal:
        """What of it waits for payments."""
        return self.total("held", EARNED_KINDS)

    @property
    def deferred(self) -> Decimal:
        """What earlier periods' figures add now that they have ripened."""
        return self.total("amount", ("deferred",))

    @property
    def corrections(self) -> Decimal:
        """What re-runs of earlier periods take or give, paid and held parts together."""
        return self.total("amount", ("correction",))

    @property
    def releases(self) -> Decimal:
        """What earlier holds release."""
        return self.total("released", ("release",))

    @property
    def net(self) -> Decimal:
        """What this statement's lines come to in money now, before anything carried."""
        return self.total("released", (*EARNED_KINDS, *SETTLED_KINDS))

    def revised(self, revision: int, closed_on: date) -> Statement:
        """Return the statement as closed."""
        status = "closed" if self.status == "open" else self.status
        return replace(self, revision=revision, closed_on=closed_on, status=status)
