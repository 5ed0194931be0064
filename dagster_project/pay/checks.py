"""The invariants of a plan: what must hold between its values before anybody is paid by it.

What belongs here: rules that look at several values, or at the KPI registry. What does not: the
shape of single values (plans), a payee's dates (assignments), the text of an error (reading).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from dagster_project.pay.documents import Path
from dagster_project.pay.plans import Effect, Gate, Plan, PlanVersion, RateComponent

Terms = Mapping[str, "KpiTerms"]


@dataclass(frozen=True)
class KpiTerms:
    """What pay must know of a KPI: a row of the registry, and whether this workspace can feed it.

    ``is_cohort``: the figure ripens after its period (conversions), so it may be deferred.
    """

    kpi_code: str
    unit: str
    direction: str
    aggregation: str
    scopes: frozenset[str]
    grains: frozenset[str]
    can_be_paid: bool
    is_cohort: bool = False
    is_available: bool = True
    unavailable_because: str | None = None


@dataclass(frozen=True)
class PlanContext:
    """What a plan is held against.

    ``has_payments``: whether payments are delivered; None where that is not known yet.
    """

    kpis: Terms
    currency: str
    has_payments: bool | None = None


@dataclass(frozen=True)
class Problem:
    """A broken invariant: the place in the file, what was found and what was expected."""

    path: Path
    found: str
    expected: str


def broken_invariants(plan: Plan, context: PlanContext) -> list[Problem]:
    """Return everything that keeps a plan from being paid by; empty where it is sound."""
    problems: list[Problem] = []
    if plan.currency != context.currency:
        problems.append(
            Problem(
                ("currency",),
                f"currency {plan.currency}",
                f"the reporting currency of the workspace, {context.currency}",
            )
        )
    problems += _version_dates(plan)
    for number, version in enumerate(plan.versions):
        where: Path = ("versions", number)
        for rule in _RULES:
            problems += [
                Problem((*where, *problem.path), problem.found, problem.expected)
                for problem in rule(plan, version, context)
            ]
    return problems


def _version_dates(plan: Plan) -> Iterator[Problem]:
    for number, version in enumerate(plan.versions):
        if version.to is not None and version.to <= version.from_:
            yield Problem(
                ("versions", number, "to"),
                f"a version from {version.from_} to {version.to}",
                "a last day after the first (`to` is the first day that no longer counts)",
            )
    placed = sorted(range(len(plan.versions)), key=lambda n: plan.versions[n].from_)
    for earlier, later in pairwise(placed):
        first, second = plan.versions[earlier], plan.versions[later]
        if first.to is None or first.to > second.from_:
            yield Problem(
                ("versions", later, "from"),
                f"a version from {second.from_}, while the one from {first.from_} is in force "
                f"until {first.to or 'further notice'}",
                "versions that do not overlap: end the earlier one where the later begins",
            )
        elif first.to < second.from_:
            yield Problem(
                ("versions", later, "from"),
                f"no version from {first.to} to {second.from_}",
                "versions that follow each other without a gap",
            )


def _weights(plan: Plan, version: PlanVersion, context: PlanContext) -> Iterator[Problem]:
    if not version.targets:
        return
    total = sum((c.weight for c in version.targets), Decimal(0))
    is_shown_only = total == 0 and version.rates  # beside a rate, figures that nobody is paid for
    if total != 100 and not is_shown_only:
        told = " + ".join(f"{c.code} {c.weight}" for c in version.targets)
        yield Problem(("components",), f"weights of {total} ({told})", "weights of exactly 100")


def _codes(plan: Plan, version: PlanVersion, context: PlanContext) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, component in enumerate(version.components):
        if component.code in seen:
            yield Problem(
                ("components", number),
                f"two components called `{component.code}`",
                "a `name:` of its own for each of them",
            )
        seen.add(component.code)
        if component.code in _RESERVED:
            yield Problem(
                ("components", number), f"the name `{component.code}`", "a name that is not kept"
            )


_RESERVED = ("overall", "guarantee", "pool", "all")


def _kpis(plan: Plan, version: PlanVersion, context: PlanContext) -> Iterator[Problem]:
    used = [(("components", n, "kpi"), c.kpi, c.scope) for n, c in enumerate(version.components)]
    used += [(("gates", n, "kpi"), g.kpi, "manager") for n, g in enumerate(version.gates)]
    used += [
        (("multipliers", n, "kpi"), m.kpi, "manager") for n, m in enumerate(version.multipliers)
    ]
    for path, code, scope in used:
        terms = context.kpis.get(code)
        if terms is None:
            near = ", ".join(sorted(c for c, k in context.kpis.items() if k.can_be_paid))
            yield Problem(path, f"no KPI `{code}`", f"one of: {near}")
        elif not terms.can_be_paid:
            yield Problem(
                path,
                f"`{code}`, which the registry bars from pay (can_be_paid false)",
                "a KPI that pay may hang on",
            )
        elif scope not in terms.scopes:
            yield Problem(
                path,
                f"`{code}`, which has no meaning for scope {scope}",
                f"a KPI with figures per {scope}",
            )
        elif plan.period not in terms.grains:
            yield Problem(
                path,
                f"`{code}`, which has no figures per {plan.period}",
                f"a KPI of grain {plan.period}, or another period of the plan",
            )


def _curves(plan: Plan, version: PlanVersion, context: PlanContext) -> Iterator[Problem]:
    for name, points in version.curves.items():
        if not points:
            yield Problem(("curves", name), "a curve without points", "at least one point")
        for number, (left, right) in enumerate(pairwise(points), start=1):
            if right[0] < left[0] or right[1] < left[1]:
                yield Problem(
                    ("curves", name, number),
                    f"curve `{name}` goes from [{left[0]}, {left[1]}] to [{right[0]}, {right[1]}]",
                    "points that never decrease, neither in attainment nor in payout",
                )
            elif right == left:
                yield Problem(
                    ("curves", name, number), f"the same point twice in `{name}`", "each point once"
                )
    for place, component in enumerate(version.components):
        if isinstance(component, RateComponent):
            continue
        where: Path = ("components", place, "curve")
        if component.curve not in version.curves:
            yield Problem(
                where,
                f"no curve `{component.curve}`",
                f"one of the curves of this version: {', '.join(version.curves) or 'none'}",
            )
        elif version.pool and component.curve != version.targets[0].curve:
            yield Problem(
                where,
                f"curve `{component.curve}` in a pool on `{version.targets[0].curve}`",
                "one curve for all components of a pool",
            )


def _tiers(plan: Plan, version: PlanVersion, context: PlanContext) -> Iterator[Problem]:
    for place, component in enumerate(version.components):
        if not isinstance(component, RateComponent):
            continue
        where: Path = ("components", place, "tiers")
        tiers = component.tiers
        if tiers[0].from_pct != 0:
            yield Problem(
                (*where, 0), f"tiers that start at {tiers[0].from_pct} %", "a first tier from 0"
            )
        for number, (lower, upper) in enumerate(pairwise(tiers), start=1):
            if lower.to_pct is None:
                yield Problem(
                    (*where, number - 1),
                    f"an open tier from {lower.from_pct} % before another one",
                    "only the last tier open",
                )
            elif lower.to_pct < upper.from_pct:
                yield Problem(
                    (*where, number),
                    f"a gap between {lower.to_pct} % and {upper.from_pct} %",
                    f"a tier from {lower.to_pct}",
                )
            elif lower.to_pct > upper.from_pct:
                yield Problem(
                    (*where, number),
                    f"an overlap between {upper.from_pct} % and {lower.to_pct} %",
                    f"a tier from {lower.to_pct}",
                )
        for number, tier in enumerate(tiers):
            if tier.to_pct is not None and tier.to_pct <= tier.from_pct:
                yield Problem(
                    (*where, number),
                    f"a tier from {tier.from_pct} % to {tier.to_pct} %",
                    "an end above the beginning",
                )
        if tiers[-1].to_pct is not None:
            yield Problem(
                (*where, len(tiers) - 1),
                f"a last tier that ends at {tiers[-1].to_pct} %",
                "a last tier without an end (leave to_pct out, or null)",
            )
        terms = context.kpis.get(component.kpi)
        if terms is not None and terms.aggregation != "additive":
            yield Problem(
                ("components", place, "kpi"),
                f"a rate on `{component.kpi}`, which is {terms.aggregation}",
                "a KPI that adds up: a rate is a share of a sum",
            )


def _gates(plan: Plan, version: PlanVersion, context: PlanContext) -> Iterator[Problem]:
    for number, gate in enumerate(version.gates):
        where: Path = ("gates", number)
        yield from _names_of(version, gate.components, where)
        given = [name for name in Effect.model_fields if getattr(gate.effect, name) is not None]
        if len(given) != 1:
            yield Problem(
                (*where, "effect"),
                f"a gate with {' and '.join(given) or 'no effect'}",
                "exactly one of block, limit_rate, limit_payout, scale",
            )
            continue
        yield from _reach(version, gate, given[0], where)
    for number, multiplier in enumerate(version.multipliers):
        where = ("multipliers", number)
        yield from _names_of(version, multiplier.components, where)
        if multiplier.steps[0][0] != 0:
            yield Problem(
                (*where, "steps", 0),
                f"steps that start at {multiplier.steps[0][0]}",
                "a first step from 0",
            )
        for place, (lower, upper) in enumerate(pairwise(multiplier.steps), start=1):
            if upper[0] <= lower[0]:
                yield Problem(
                    (*where, "steps", place),
                    f"a step at {upper[0]} after one at {lower[0]}",
                    "steps in rising order",
                )


_FEW_PERCENT = 3


def _percents(plan: Plan, version: PlanVersion, context: PlanContext) -> Iterator[Problem]:
    """Refuse shares written as percents: a curve that ends at 1 pays one percent for everything."""
    told: list[tuple[Path, str, Decimal]] = []
    for name, points in version.curves.items():
        if points:
            where: Path = ("curves", name, len(points) - 1)
            told.append((where, f"curve `{name}` ends at an attainment of", points[-1][0]))
            told.append((where, f"curve `{name}` ends at a payout of", points[-1][1]))
    for n, component in enumerate(version.components):
        if isinstance(component, RateComponent):
            last = len(component.tiers) - 1
            where = ("components", n, "tiers", last)
            told.append((where, "the last tier begins at", component.tiers[last].from_pct))
    if version.overall_cap_pct is not None:
        told.append((("overall_cap_pct",), "a cap of", version.overall_cap_pct))
    for path, what, number in told:
        if 0 < number <= _FEW_PERCENT:
            yield Problem(
                path, f"{what} {number} %", f"percents: {float(number * 100):g} for {number}"
            )


_ABOVE_ONE = ("nrr", "nrr_trailing_12m")


def _shares(plan: Plan, version: PlanVersion, context: PlanContext) -> Iterator[Problem]:
    """Refuse percents written as shares: a rate of 6 pays six times the base, not 6 %."""
    told: list[tuple[Path, Decimal, Decimal]] = []
    for n, component in enumerate(version.components):
        where: Path = ("components", n)
        if isinstance(component, RateComponent):
            if _is_of_sums(component.kpi, context):  # of a count it is money for each
                tiers = enumerate(component.tiers)
                told += [((*where, "tiers", k, "rate"), t.rate, Decimal(1)) for k, t in tiers]
        elif component.target is not None:
            told.append(((*where, "target"), component.target, _most(component.kpi, context)))
    for n, gate in enumerate(version.gates):
        where = ("gates", n)
        told.append(((*where, "below"), gate.below, _most(gate.kpi, context)))
        limit, scale = gate.effect.limit_rate, gate.effect.scale
        if limit is not None and all(_is_of_sums(c.kpi, context) for c in version.rates):
            told.append(((*where, "effect", "limit_rate"), limit, Decimal(1)))
        if scale is not None:
            told.append(((*where, "effect", "scale"), scale, Decimal(2)))  # a premium may be meant
    for n, multiplier in enumerate(version.multipliers):
        most = _most(multiplier.kpi, context)
        for k, (threshold, _) in enumerate(multiplier.steps):
            told.append((("multipliers", n, "steps", k), threshold, most))
    for path, number, most in told:
        if number > most:
            name = next(part for part in reversed(path) if isinstance(part, str))
            yield Problem(
                path,
                f"`{name}` of {number}, which is a share: {number * 100} %",
                f"a share of at most {most}: {number / 100} for {number} %",
            )


def _is_of_sums(kpi: str, context: PlanContext) -> bool:
    """Tell whether a rate is a share of the money: of a month's MRR, several months may be paid."""
    terms = context.kpis.get(kpi)
    return terms is not None and terms.unit == "money" and not kpi.startswith("mrr")


def _most(kpi: str, context: PlanContext) -> Decimal:
    """Return the greatest value that may be written for a KPI: shares end at 1, a few at 2."""
    terms = context.kpis.get(kpi)
    if terms is None or terms.unit != "share":
        return Decimal("Infinity")
    return Decimal(2 if kpi in _ABOVE_ONE else 1)


def _names_of(version: PlanVersion, names: str | list[str], where: Path) -> Iterator[Problem]:
    if names == "all":
        return
    if version.pool:
        yield Problem(
            (*where, "components"), "single components of a pool", "`all`: a pool is paid as one"
        )
    known = [c.code for c in version.components]
    for name in names:
        if name not in known:
            yield Problem(
                (*where, "components"), f"no component `{name}`", f"some of: {', '.join(known)}"
            )


def _reach(version: PlanVersion, gate: Gate, effect: str, where: Path) -> Iterator[Problem]:
    """Refuse a limit that could never bite: it would look like a safeguard and be none."""
    reached = [
        c for c in version.components if gate.components == "all" or c.code in gate.components
    ]
    if effect == "limit_rate" and not any(isinstance(c, RateComponent) for c in reached):
        yield Problem(
            (*where, "effect"), "limit_rate over no rate component", "limit_payout, scale or block"
        )
    if effect == "limit_payout" and all(isinstance(c, RateComponent) for c in reached):
        yield Problem(
            (*where, "effect"),
            "limit_payout over no target component",
            "limit_rate, scale or block",
        )


def _samples(plan: Plan, version: PlanVersion, context: PlanContext) -> Iterator[Problem]:
    for place, component in enumerate(version.components):
        if isinstance(component, RateComponent):
            continue
        where: Path = ("components", place)
        terms = context.kpis.get(component.kpi)
        if component.on_low_sample and component.min_sample is None:
            yield Problem((*where, "on_low_sample"), "no min_sample", "min_sample beside it")
        if terms is None:
            continue
        if component.on_low_sample == "team":
            if terms.aggregation not in ("ratio", "distribution") or component.scope != "manager":
                yield Problem(
                    (*where, "on_low_sample"),
                    f"the team's figure in place of a manager's for `{component.kpi}`, which is "
                    f"{terms.aggregation} of scope {component.scope}",
                    "a rate or a median of scope manager; sums of a team are no one's own",
                )
            elif "team" not in terms.scopes:
                yield Problem(
                    (*where, "on_low_sample"), "a KPI without figures per team", "defer or zero"
                )
        if version.pool and component.on_low_sample == "defer":
            yield Problem(
                (*where, "on_low_sample"), "a deferred part of a pool", "team or zero in a pool"
            )
        if version.pool and terms.is_cohort and component.immature == "defer":
            yield Problem(
                (*where, "kpi"),
                f"`{component.kpi}`, which ripens after its period, in a pool",
                "`immature: pay`, or no pool",
            )
        if component.target is not None and component.goal is not None:
            yield Problem((*where, "target"), "both target and goal", "one of the two")


def _money(plan: Plan, version: PlanVersion, context: PlanContext) -> Iterator[Problem]:
    if version.overall_cap_pct is not None and not version.targets:
        yield Problem(
            ("overall_cap_pct",),
            "a cap in percent of a target amount, without target components",
            "cap_amount",
        )
    if version.overall_cap_pct is not None and version.cap_amount is not None:
        yield Problem(("cap_amount",), "two caps of the whole", "overall_cap_pct or cap_amount")
    if version.release_on == "payment_date" and context.has_payments is False:
        yield Problem(
            ("release_on",),
            "release_on: payment_date, and no payments are delivered",
            "payments among the entities of a source, or release_on: won_date",
        )
    if version.pool and not version.targets:
        yield Problem(("pool",), "a pool without target components", "pool left out")


_RULES: tuple[Callable[[Plan, PlanVersion, PlanContext], Iterator[Problem]], ...] = (
    _weights,
    _codes,
    _kpis,
    _curves,
    _tiers,
    _gates,
    _percents,
    _shares,
    _samples,
    _money,
)
