"""What a statement settles of earlier periods: ripened figures, reversals, payments, the balance.

What belongs here: re-runs of origins with their frozen inputs, and what of them is new. What does
not: how a period's own lines come about (engine).

Source: decisions 28 (deferred), 29-30 (re-runs; the released and the held part), 33 (release).
For each origin the last stated result is compared with re-runs in which one thing at a time moves
to what is known now: figures, then reversals, then payments. What remains between the re-run of
the last stated knowledge and what was stated before is part of the correction, so that

    correction = re-run with all reversals to date - earned - earlier corrections
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from dagster_project.errors import StatementRefused
from dagster_project.pay.engine import evaluate
from dagster_project.pay.inputs import Figure, FigureKey, Inputs, Knowledge, Period
from dagster_project.pay.lines import NOTHING, DealShare, Line, Statement
from dagster_project.pay.plans import Clawback, Plan, TargetComponent

Money = tuple[Decimal, Decimal]
"""(released, held)."""


@dataclass(frozen=True)
class Settled:
    """A stated period of one person: what it was worked out from and what was known of origins.

    ``knowledge``: by period key, for this period and every earlier one that it settled.
    ``periods``: those periods.
    """

    statement: Statement
    inputs: Inputs
    plans: Mapping[str, Plan]
    knowledge: Mapping[str, Knowledge]
    periods: Mapping[str, Period]


def make_statement(
    plans: Mapping[str, Plan],
    inputs: Inputs,
    *,
    currency: str,
    knowledge: Mapping[str, Knowledge],
    history: Sequence[Settled] = (),
) -> Settled:
    """Work out a person's statement: own lines, settlements of earlier periods, the balance.

    Args:
        plans: The plans in force now, by name.
        inputs: The period's frozen inputs.
        currency: Of all money.
        knowledge: By period key, what is known now of the period's and other periods' deals.
        history: Everything stated before for this person, in the order of closing; a period's
            later revision after its earlier one.

    Returns:
        The statement with what is needed to settle it later. A statement that cannot be worked
        out has status ``refused`` and no lines.
    """
    payee, period = inputs.payee, inputs.period
    names = tuple(dict.fromkeys(a.plan for a in inputs.assignments))
    balance = history[-1].statement.carried_out if history else NOTHING
    empty = Statement(payee, period, names, currency, carried_in=balance, carried_out=balance)
    own = {period.key: knowledge.get(period.key, Knowledge())}
    settles = {told.inputs.period.key for told in _origins(history, period)}
    kept = own | {key: known for key, known in knowledge.items() if key in settles}
    periods = {told.inputs.period.key: told.inputs.period for told in history}
    periods[period.key] = period
    try:
        has_left = _has_left(inputs) and bool(history)
        lines = _lines(plans, inputs, kept, history, has_left=has_left)
    except StatementRefused as error:
        told = replace(empty, status="refused", reason=error.render())
        return Settled(told, inputs, plans, own, periods)
    statement = _balanced(replace(empty, lines=tuple(lines)), plans, inputs, history)
    return Settled(statement, inputs, plans, kept, periods)


def _lines(
    plans: Mapping[str, Plan],
    inputs: Inputs,
    knowledge: Mapping[str, Knowledge],
    history: Sequence[Settled],
    *,
    has_left: bool,
) -> list[Line]:
    """Return own lines and settlements; who has left earns nothing and is settled to the end."""
    period = inputs.period
    lines: list[Line] = []
    if not has_left:
        now = knowledge.get(period.key, Knowledge())
        at_first = Knowledge(received=now.received)
        own = evaluate(plans, inputs, at_first)
        elsewhere = _stated_of(period, history, period)
        lines += own
        if now != at_first or elsewhere:
            lines += _settle(plans, inputs, at_first, now, _sums(own + elsewhere))
    is_restated = period.key in _latest(history)
    for origin in _origins(history, period):
        before = _known_before(origin.inputs.period, history, period)
        after = knowledge.get(origin.inputs.period.key, before)
        if before == after and not is_restated:
            continue  # nothing new is known: what was stated stands
        stated = list(_own_lines(origin)) + _stated_of(origin.inputs.period, history, period)
        lines += _settle(origin.plans, origin.inputs, before, after, _sums(stated))
    return lines


def _has_left(inputs: Inputs) -> bool:
    """Tell whether a period began after the payee's last day of employment."""
    left_on = inputs.payee.left_on
    return left_on is not None and left_on < inputs.period.start


def _latest(history: Sequence[Settled]) -> dict[str, Settled]:
    """Return the newest revision of each period."""
    return {told.inputs.period.key: told for told in history}


def _origins(history: Sequence[Settled], period: Period) -> list[Settled]:
    """Return the earlier periods that a statement settles, oldest first.

    One that began after the last day of employment has paid nothing and owes nothing.
    """
    earlier = [
        told
        for told in _latest(history).values()
        if _place(told.inputs.period) < _place(period)
        and told.statement.status != "refused"
        and not _has_left(told.inputs)
    ]
    return sorted(earlier, key=lambda told: _place(told.inputs.period))


def _place(period: Period) -> tuple[date, date]:
    """Order periods of all grains by when they are over."""
    return (period.end, period.start)


def _own_lines(told: Settled) -> list[Line]:
    """Return what a statement says of its own period, corrections of it included."""
    return [x for x in told.statement.lines if x.origin.key == told.inputs.period.key]


def _stated_of(origin: Period, history: Sequence[Settled], now: Period) -> list[Line]:
    """Return what other periods' statements said of an origin, by their newest revisions."""
    return [
        line
        for told in _latest(history).values()
        if told.inputs.period.key not in (origin.key, now.key)
        for line in told.statement.lines
        if line.origin.key == origin.key
    ]


def _known_before(origin: Period, history: Sequence[Settled], now: Period) -> Knowledge:
    """Return what was known of an origin when it was last stated."""
    told = [
        s.knowledge[origin.key]
        for s in history
        if origin.key in s.knowledge and s.inputs.period.key != now.key
    ]
    return told[-1] if told else Knowledge()


Key = tuple[str, str, str | None, int | None]
"""(plan, component, deal, spell)."""


def _key(line: Line) -> Key:
    return (line.plan, line.component, line.deal_id, line.spell)


def _sums(lines: Sequence[Line]) -> dict[tuple[str, str], Money]:
    told: dict[tuple[str, str], Money] = {}
    for line in lines:
        released, held = told.get((line.plan, line.component), (NOTHING, NOTHING))
        told[(line.plan, line.component)] = (released + line.released, held + line.held)
    return told


def _settle(
    plans: Mapping[str, Plan],
    inputs: Inputs,
    before: Knowledge,
    after: Knowledge,
    stated: Mapping[tuple[str, str], Money],
) -> list[Line]:
    """Return the lines that bring what was stated of an origin to what is known now."""
    last = evaluate(plans, inputs, before)
    ripe = last
    if after.ripened != before.ripened:
        ripe = evaluate(plans, inputs, replace(before, ripened=after.ripened))
    lowered = ripe
    if after.reversals != before.reversals:
        lowered = evaluate(plans, inputs, replace(after, received=before.received))
    paid = lowered
    if after.received != before.received:
        paid = evaluate(plans, inputs, after)
    lines = _deferred(inputs.period, last, ripe)
    returned = {
        (r.deal_id, r.spell) for r in set(before.reversals).symmetric_difference(after.reversals)
    }
    lines += _corrections(inputs.period, last, ripe, lowered, stated, returned)
    lines += _releases(inputs.period, lowered, paid)
    return lines


def _components(*runs: Sequence[Line]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((x.plan, x.component) for run in runs for x in run))


def _deferred(origin: Period, last: Sequence[Line], ripe: Sequence[Line]) -> list[Line]:
    before, after = _sums(last), _sums(ripe)
    shown = {(x.plan, x.component): x for x in ripe}
    lines = []
    for key in _components(last, ripe):
        old, new = before.get(key, (NOTHING, NOTHING)), after.get(key, (NOTHING, NOTHING))
        released, held = new[0] - old[0], new[1] - old[1]
        if released or held:
            line = shown.get(key) or Line("deferred", origin, *key)
            lines.append(
                replace(line, kind="deferred", amount=released + held, released=released, held=held)
            )
    return lines


def _corrections(
    origin: Period,
    last: Sequence[Line],
    ripe: Sequence[Line],
    lowered: Sequence[Line],
    stated: Mapping[tuple[str, str], Money],
    returned: set[tuple[str, int]],
) -> list[Line]:
    first, before, after = _sums(last), _sums(ripe), _sums(lowered)
    keys = list(dict.fromkeys([*_components(last, ripe, lowered), *stated]))
    lines = []
    nothing = (NOTHING, NOTHING)
    for key in keys:
        shown = next((x for x in lowered if (x.plan, x.component) == key), None)
        for part, name in ((0, "released"), (1, "held")):
            change = after.get(key, nothing)[part] - before.get(key, nothing)[part]
            change += first.get(key, nothing)[part] - stated.get(key, nothing)[part]
            if not change:
                continue
            lines.append(
                Line(
                    kind="correction",
                    origin=origin,
                    plan=key[0],
                    component=key[1],
                    kpi_code=shown.kpi_code if shown else None,
                    scope_type=shown.scope_type if shown else None,
                    numerator=shown.numerator if shown else None,
                    target=shown.target if shown else None,
                    attainment=shown.attainment if shown else None,
                    weight=shown.weight if shown else None,
                    taken_back=_taken(lowered, key),
                    amount=change,
                    released=change if name == "released" else NOTHING,
                    held=change if name == "held" else NOTHING,
                    deals=_changed_deals(ripe, lowered, key, returned, part),
                    segment=f"{name} part of the re-run",
                )
            )
    return lines


def _taken(lines: Sequence[Line], key: tuple[str, str]) -> Decimal | None:
    taken = {
        (x.deal_id, x.spell): x.taken_back
        for x in lines
        if (x.plan, x.component) == key and x.taken_back
    }
    return sum(taken.values(), NOTHING) or None


def _changed_deals(
    before: Sequence[Line],
    after: Sequence[Line],
    key: tuple[str, str],
    returned: set[tuple[str, int]],
    part: int,
) -> tuple[DealShare, ...]:
    """Return the deals behind a change: those whose own line moved, or that have come back."""
    old, new = _by_deal(before), _by_deal(after)
    nothing = (NOTHING, NOTHING)
    moved = {
        (k[2], k[3])
        for k in [*old, *new]
        if k[:2] == key and k[2] and old.get(k, nothing)[part] != new.get(k, nothing)[part]
    }
    deals: dict[tuple[str, int], DealShare] = {}
    for line in [*before, *after]:
        if (line.plan, line.component) != key:
            continue
        wanted = moved if line.deal_id else returned
        deals |= {(d.deal_id, d.spell): d for d in line.deals if (d.deal_id, d.spell) in wanted}
    return tuple(deals.values())


def _by_deal(lines: Sequence[Line]) -> dict[Key, Money]:
    told: dict[Key, Money] = {}
    for line in lines:
        released, held = told.get(_key(line), (NOTHING, NOTHING))
        told[_key(line)] = (released + line.released, held + line.held)
    return told


def _releases(origin: Period, before: Sequence[Line], after: Sequence[Line]) -> list[Line]:
    old, new = _by_deal(before), _by_deal(after)
    shown = {_key(x): x for x in [*before, *after]}
    lines = []
    for key in dict.fromkeys([*old, *new]):
        was, is_now = old.get(key, (NOTHING, NOTHING)), new.get(key, (NOTHING, NOTHING))
        released, held = is_now[0] - was[0], is_now[1] - was[1]
        if released or held:
            line = shown[key]
            lines.append(
                Line(
                    kind="release",
                    origin=origin,
                    plan=line.plan,
                    component=line.component,
                    kpi_code=line.kpi_code,
                    scope_type=line.scope_type,
                    deal_id=line.deal_id,
                    spell=line.spell,
                    deals=line.deals,
                    amount=released + held,
                    released=released,
                    held=held,
                    segment="paid for since",
                )
            )
    return lines


# -- the balance ---------------------------------------------------------------------------------


def _balanced(
    statement: Statement, plans: Mapping[str, Plan], inputs: Inputs, history: Sequence[Settled]
) -> Statement:
    """Set the statement's money against what earlier statements left over.

    The balance runs in the order of closing. A new revision takes its predecessor's money out, so
    that a period is paid once whatever number of revisions it has.
    """
    carried_in = history[-1].statement.carried_out if history else NOTHING
    twin = _latest(history).get(inputs.period.key)
    restated = -twin.statement.net - twin.statement.forgiven if twin else NOTHING
    balance = carried_in + statement.net + restated
    if inputs.held_because:
        return replace(
            statement,
            carried_in=carried_in,
            restated=restated,
            carried_out=balance,
            status="held",
            reason=inputs.held_because,
        )
    rules = _clawback(plans, inputs, history)
    to_pay = max(NOTHING, balance)
    below = min(NOTHING, balance)
    return replace(
        statement,
        carried_in=carried_in,
        restated=restated,
        to_pay=to_pay,
        carried_out=below if rules.carry else NOTHING,
        forgiven=NOTHING if rules.carry else -below,
    )


def _clawback(plans: Mapping[str, Plan], inputs: Inputs, history: Sequence[Settled]) -> Clawback:
    """Return the rule of floor and carry: of the last terms in force, now or when last stated."""
    if not inputs.assignments:
        earlier = [told for told in history if told.inputs.assignments]
        return _clawback(earlier[-1].plans, earlier[-1].inputs, ()) if earlier else _NO_CLAWBACK
    name = inputs.assignments[-1].plan
    last = max(plans[name].versions, key=lambda v: (v.from_ < inputs.period.end, v.from_))
    return last.clawback or _NO_CLAWBACK


_NO_CLAWBACK = Clawback(window_days=0)


def ripened(
    origin: Settled, before: Knowledge, figures: Mapping[FigureKey, Figure]
) -> dict[FigureKey, Figure]:
    """Return the figures under which an origin's deferred lines are paid, once they can be.

    A figure that has once been paid under stays as it was then.

    Args:
        origin: The period as stated.
        before: What was known when it was last stated.
        figures: Today's figures of the origin's days; also the team's, where it may stand in.
    """
    told = dict(before.ripened)
    for line in origin.statement.lines:
        if line.status != "deferred" or line.origin.key != origin.inputs.period.key:
            continue
        key = (line.plan, str(line.kpi_code), str(line.scope_type))
        figure = figures.get(key)
        if key in told or figure is None or not figure.is_mature:
            continue
        component = _last_terms(origin, line)
        if component.min_sample is None or figure.sample_size >= component.min_sample:
            told[key] = figure
        elif component.on_low_sample == "team":
            team_key = (line.plan, str(line.kpi_code), "team")
            team = figures.get(team_key)
            if team is not None and team.is_mature:
                told |= {key: figure, team_key: team}
    return told


def _last_terms(origin: Settled, line: Line) -> TargetComponent:
    """Return a component as the last terms of a period have it, by which it is measured."""
    versions = origin.plans[line.plan].versions
    held = [v for v in versions if v.from_ < origin.inputs.period.end]
    ordered = sorted(held, key=lambda v: v.from_, reverse=True)
    return next(c for v in ordered for c in v.targets if c.code == line.component)
