"""What a statement is worked out from: figures, deals, targets, days. Frozen, no source behind it.

What belongs here: the shapes. What does not: reading them from a release (closing), or what is done
with them (engine, settlement).

**Units**: money in the reporting currency; shares 0..1; ``to`` and ``end`` are exclusive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from dagster_project.pay.assignments import Assignment
from dagster_project.pay.checks import KpiTerms

FigureKey = tuple[str, str, str]
"""(plan, KPI, scope type): a figure is that of the days that the payee is assigned to the plan."""


@dataclass(frozen=True)
class Period:
    """A month, quarter or year; ``end`` is the first day after it."""

    grain: str
    start: date
    end: date

    @property
    def key(self) -> str:
        """The period's name that sorts: grain and first day."""
        return f"{self.grain}:{self.start.isoformat()}"


@dataclass(frozen=True)
class Payee:
    """A manager as employed: ``left_on`` is the last day of employment."""

    manager_id: str
    manager_name: str
    team_id: str
    hired_on: date | None = None
    left_on: date | None = None


@dataclass(frozen=True)
class Figure:
    """A KPI of one scope over the assigned days, with its parts; None is unknown, not 0.

    ``earlier_reversals``: what reversals of deals won in earlier periods take off the numerator;
    given as a positive sum.
    """

    kpi_code: str
    scope_type: str
    scope_id: str
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    value: Decimal | None = None
    sample_size: int = 0
    is_low_sample: bool = False
    is_mature: bool = True
    earlier_reversals: Decimal = Decimal(0)


@dataclass(frozen=True)
class Fact:
    """A deal behind a figure: what it adds to the numerator, and the payee's share of it.

    ``spell`` counts a deal's wins: one that is reopened and won again has two.
    """

    kpi_code: str
    scope_type: str
    deal_id: str
    spell: int
    won_on: date
    won_at: datetime | None
    amount: Decimal
    share: Decimal = Decimal(1)

    @property
    def key(self) -> tuple[str, int]:
        """The win that money hangs on."""
        return (self.deal_id, self.spell)


@dataclass(frozen=True)
class Target:
    """A goal as the goals' tables give it: one version of one goal, its value resolved.

    ``target_kind``: ``at_most`` and ``at_least`` are met or not, never surpassed; everything else
    is ``absolute`` once resolved. ``target_value`` None: the baseline is not known yet.
    """

    goal_id: str
    kind: str
    kpi_code: str
    scope_type: str
    scope_id: str
    period_grain: str
    period_start: date
    target_value: Decimal | None
    version: int = 1
    issued_on: date | None = None
    target_kind: str = "absolute"
    approved_by: str | None = None


@dataclass(frozen=True)
class Inputs:
    """Everything that one person's pay of one period depends on, beside the plan itself.

    ``working_days``: those of the whole period. ``targets``: all goals of this grain and period
    that may concern the payee. ``held_because``: a reason to compute but not to pay.
    """

    payee: Payee
    period: Period
    assignments: tuple[Assignment, ...]
    working_days: tuple[date, ...]
    kpis: Mapping[str, KpiTerms]
    figures: Mapping[FigureKey, Figure]
    facts: tuple[Fact, ...] = ()
    targets: tuple[Target, ...] = ()
    has_payments: bool = False
    held_because: str | None = None


@dataclass(frozen=True)
class Reversal:
    """A win that was reopened, deleted or refunded: so much of so much, on a day.

    ``part`` and ``whole`` are in one currency, the deal's where the refund has it too.
    """

    deal_id: str
    spell: int
    occurred_on: date
    kind: str
    part: Decimal
    whole: Decimal


@dataclass(frozen=True)
class Received:
    """Money received for a deal, refunds apart: so much of so much, in one currency."""

    deal_id: str
    spell: int
    part: Decimal
    whole: Decimal


@dataclass(frozen=True)
class Knowledge:
    """What is known, at one moment, of a period's deals and of figures that ripen later."""

    reversals: tuple[Reversal, ...] = ()
    received: tuple[Received, ...] = ()
    ripened: Mapping[FigureKey, Figure] = field(default_factory=dict)

    @cached_property
    def _reversed(self) -> dict[tuple[str, int], list[Reversal]]:
        told: dict[tuple[str, int], list[Reversal]] = {}
        for row in self.reversals:
            told.setdefault((row.deal_id, row.spell), []).append(row)
        return told

    @cached_property
    def _received(self) -> dict[tuple[str, int], Received]:
        return {(row.deal_id, row.spell): row for row in self.received}

    def reversals_of(self, key: tuple[str, int]) -> list[Reversal]:
        """Return what has come back of a win."""
        return self._reversed.get(key, [])

    def paid_part(self, key: tuple[str, int]) -> tuple[Fraction, Fraction] | None:
        """Return (received, whole) of a win; None where no payment names it."""
        row = self._received.get(key)
        return (Fraction(row.part), Fraction(row.whole)) if row else None
