"""The shape of a bonus plan: one file, one plan, dated versions inside.

What belongs here: which keys a plan has and what a single value may be. What does not: invariants
between them (checks), arithmetic (arithmetic), who is paid by which plan (assignments).

Units: curve points, tier bounds and caps are percent; rates, gate limits and multiplier steps are
in the KPI's own unit (shares 0..1); amounts are money of ``currency``. ``to`` is exclusive.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

CREDITS = "won_date"
SCOPES = ("manager", "team", "company")


def _number(value: Any) -> Any:
    """Let numbers pass as they are written; words, yes and no are none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")
    return Decimal(value)


Number = Annotated[Decimal, BeforeValidator(_number)]
NotNegative = Annotated[Number, Field(ge=0)]
Points = list[tuple[NotNegative, NotNegative]]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
ComponentList = Literal["all"] | list[Code]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class _Component(_Strict):
    kpi: Code
    name: Code | None = None
    goal: str | None = None
    cap_amount: NotNegative | None = None

    @property
    def code(self) -> str:
        """The component's own name: that of its KPI unless given."""
        return self.name or self.kpi


class TargetComponent(_Component):
    """Pay a share of the target amount by attainment of a target."""

    weight: NotNegative
    curve: Code
    scope: Literal["manager", "team", "company"] = "manager"
    target: Annotated[Number, Field(gt=0)] | None = None
    min_sample: Annotated[int, Field(ge=1)] | None = None
    on_low_sample: Literal["defer", "team", "zero"] | None = None
    immature: Literal["defer", "pay"] = "defer"


class Tier(_Strict):
    """A rate from one share of the quota, included, to another, not included."""

    from_pct: NotNegative
    to_pct: NotNegative | None = None
    rate: NotNegative


class RateComponent(_Component):
    """Pay a share of a base, by tiers of a quota."""

    quota: Annotated[Number, Field(gt=0)] | Literal["goal"]
    tiers: Annotated[list[Tier], Field(min_length=1)]
    mode: Literal["marginal", "whole_base"] = "marginal"

    @property
    def scope(self) -> str:
        """A rate is paid on what the manager is credited with."""
        return "manager"


def _component_kind(value: Any) -> str:
    if isinstance(value, dict):
        return "rate" if {"tiers", "quota"} & set(value) else "target"
    return "rate" if isinstance(value, RateComponent) else "target"


Component = Annotated[
    Annotated[TargetComponent, Tag("target")] | Annotated[RateComponent, Tag("rate")],
    Discriminator(_component_kind),
]


class Effect(_Strict):
    """What a gate does when it fires; exactly one of the four."""

    block: Literal[True] | None = None
    limit_rate: NotNegative | None = None
    limit_payout: NotNegative | None = None
    scale: NotNegative | None = None


class Gate(_Strict):
    """A condition on another KPI; it fires where the KPI lies below the limit."""

    kpi: Code
    below: Number
    effect: Effect
    components: ComponentList = "all"


class Multiplier(_Strict):
    """A factor by steps of another KPI: (from this value on, factor)."""

    kpi: Code
    steps: Annotated[list[tuple[Number, NotNegative]], Field(min_length=1)]
    components: ComponentList = "all"


class Clawback(_Strict):
    """How a reversal inside the window is taken back: by running the origin anew."""

    window_days: Annotated[int, Field(ge=0)]
    method: Literal["rerun_origin"] = "rerun_origin"
    floor: Literal[0] = 0
    carry: bool = True


class Rounding(_Strict):
    """To what a line is rounded."""

    line: Annotated[Number, Field(gt=0)] = Decimal("0.01")
    mode: Literal["half_up"] = "half_up"


class PlanVersion(_Strict):
    """The plan's terms from one day, included, to another, not included."""

    from_: date = Field(alias="from")
    to: date | None = None
    target_amount: NotNegative | None = None
    guarantee: NotNegative | None = None
    components: Annotated[list[Component], Field(min_length=1)]
    curves: dict[Code, Points] = Field(default_factory=dict)
    pool: bool = False
    gates: list[Gate] = Field(default_factory=list)
    multipliers: list[Multiplier] = Field(default_factory=list)
    credit_on: Literal["won_date"] = "won_date"
    release_on: Literal["won_date", "payment_date"] = "won_date"
    cap_amount: NotNegative | None = None
    overall_cap_pct: NotNegative | None = None
    clawback: Clawback | None = None
    rounding: Rounding = Rounding()

    @property
    def targets(self) -> list[TargetComponent]:
        """Components that pay by attainment."""
        return [c for c in self.components if isinstance(c, TargetComponent)]

    @property
    def rates(self) -> list[RateComponent]:
        """Components that pay a share of a base."""
        return [c for c in self.components if isinstance(c, RateComponent)]

    @property
    def needs_target_amount(self) -> bool:
        """Tell whether money hangs on a target amount: some target component has a weight."""
        return any(c.weight > 0 for c in self.targets)

    def is_in_force(self, day: date) -> bool:
        """Tell whether these terms hold on a day."""
        return self.from_ <= day and (self.to is None or day < self.to)

    def component(self, code: str) -> TargetComponent | RateComponent | None:
        """Return a component by its code."""
        return next((c for c in self.components if c.code == code), None)


class Plan(_Strict):
    """A bonus plan; statements of it are made per ``period``."""

    plan: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    strategy: Literal["mass", "large", "subscription", "partner"] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    period: Literal["month", "quarter", "year"]
    versions: Annotated[list[PlanVersion], Field(min_length=1)]

    def version_on(self, day: date) -> PlanVersion | None:
        """Return the terms in force on a day."""
        return next((v for v in self.versions if v.is_in_force(day)), None)

    def kpi_codes(self) -> set[str]:
        """Return every KPI that the plan reads."""
        codes: set[str] = set()
        for version in self.versions:
            codes |= {c.kpi for c in version.components}
            codes |= {g.kpi for g in version.gates} | {m.kpi for m in version.multipliers}
        return codes
