"""Which target a component is held against: written in the plan, or one goal among the given.

What belongs here: the choice and its reasons. What does not: resolving baselines (the goals'
tables), proration and ramp (engine).

Source: decisions 24 (versions of a goal) and 26 (which goal).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from dagster_project.errors import StatementRefused
from dagster_project.pay.inputs import Inputs, Target
from dagster_project.pay.plans import RateComponent, TargetComponent


@dataclass(frozen=True)
class Chosen:
    """A target's value and where it comes from; value None with the reason."""

    value: Decimal | None
    kind: str = "absolute"
    origin: str | None = None
    reason: str | None = None


def choose_target(component: TargetComponent | RateComponent, inputs: Inputs) -> Chosen:
    """Return the one target of a component for the payee and the period.

    Raises:
        StatementRefused: Two goals fit, or the goal that is named measures something else.
    """
    if isinstance(component, RateComponent) and component.quota != "goal":
        return Chosen(component.quota, origin="plan")
    if isinstance(component, TargetComponent) and component.target is not None:
        return Chosen(component.target, origin="plan")
    goals = {
        t.goal_id: [x for x in inputs.targets if x.goal_id == t.goal_id]
        for t in _fit(component, inputs)
    }
    if len(goals) > 1:
        raise _refused(
            inputs,
            f"{len(goals)} goals for `{component.kpi}`: {', '.join(sorted(goals))}",
            "one goal for one KPI, scope and period; `goal:` in the plan names which",
        )
    if not goals:
        named = f" called `{component.goal}`" if component.goal else ""
        return Chosen(None, reason=f"no goal{named} for {component.kpi} in this period")
    (versions,) = goals.values()
    return _in_time(versions, inputs)


def _fit(component: TargetComponent | RateComponent, inputs: Inputs) -> list[Target]:
    period = inputs.period
    if component.goal is not None:
        own = (component.goal, f"{component.goal}@{period.start}")  # of a line with many periods
        named = [t for t in inputs.targets if t.goal_id in own]
        for target in named:
            is_same = target.kpi_code == component.kpi and target.scope_type == component.scope
            if not is_same or target.kind != "goal":
                raise _refused(
                    inputs,
                    f"goal `{component.goal}` is a {target.kind} on {target.kpi_code} of scope "
                    f"{target.scope_type}",
                    f"a goal on {component.kpi} of scope {component.scope}",
                )
    else:
        named = list(inputs.targets)
    scope_id = {
        "manager": inputs.payee.manager_id,
        "team": inputs.payee.team_id,
        "company": "all",
    }[component.scope]
    return [
        t
        for t in named
        if t.kind == "goal"
        and t.kpi_code == component.kpi
        and t.scope_type == component.scope
        and t.scope_id == scope_id
        and t.period_grain == period.grain
        and t.period_start == period.start
    ]


def _in_time(versions: list[Target], inputs: Inputs) -> Chosen:
    """Take the last version issued before the period began; later ones only when approved."""
    allowed = [
        t
        for t in versions
        if t.issued_on is None or t.issued_on < inputs.period.start or t.approved_by
    ]
    if not allowed:
        first = min(t.issued_on for t in versions if t.issued_on)
        return Chosen(
            None,
            reason=f"goal {versions[0].goal_id} was issued on {first}, after the period began, "
            "and nobody approved it (approved_by)",
        )
    chosen = max(allowed, key=lambda t: t.version)
    origin = f"{chosen.goal_id} v{chosen.version}"
    if chosen.target_value is None:
        return Chosen(None, reason=f"goal {origin} has no value yet: its baseline is unknown")
    if chosen.target_value <= 0 and not (
        chosen.target_kind == "at_most" and chosen.target_value == 0
    ):
        return Chosen(None, reason=f"goal {origin} is {chosen.target_value}: not above 0")
    return Chosen(chosen.target_value, chosen.target_kind, origin)


def _refused(inputs: Inputs, found: str, expected: str) -> StatementRefused:
    return StatementRefused(
        "choosing a target",
        found=found,
        expected=expected,
        where=f"{inputs.payee.manager_name} ({inputs.payee.manager_id}), "
        f"{inputs.period.grain} of {inputs.period.start}",
        remedy="mend the goals or name one in the plan; until then this statement pays nothing",
    )
