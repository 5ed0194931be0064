"""What must hold for every plan and every figure, tried on drawn ones."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.pay.arithmetic import (
    attainment,
    curve_payout,
    rounded,
    tier_slices,
)
from dagster_project.pay.assignments import Assignment
from dagster_project.pay.engine import evaluate
from dagster_project.pay.inputs import Knowledge, Payee, Received, Reversal
from dagster_project.pay.plans import Tier
from dagster_project.pay.settlement import make_statement
from tests.unit.pay_cases import (
    ANNA,
    LARGE,
    MASS,
    OCTOBER,
    Q1,
    Q2,
    figure,
    inputs_of,
    large_figures,
    mass_figures,
    month,
    plan_of,
    win,
)

settings.register_profile("shared_machine", deadline=None)
settings.load_profile("shared_machine")
MASS_PLAN, LARGE_PLAN = plan_of(MASS), plan_of(LARGE)
KOPECK = Decimal("0.01")
money = st.decimals(min_value=0, max_value=10**9, places=2)
signed = st.decimals(min_value=-(10**7), max_value=10**8, places=2)
percents = st.decimals(min_value=0, max_value=500, places=2)
rates = st.decimals(min_value=0, max_value=1, places=4)


@st.composite
def curves(draw):
    points = draw(
        st.lists(st.tuples(percents, percents), min_size=1, max_size=6, unique_by=lambda p: p[0])
    )
    return list(zip(sorted(p[0] for p in points), sorted(p[1] for p in points), strict=True))


@st.composite
def tiers(draw):
    bounds = draw(st.lists(percents.filter(lambda p: p > 0), max_size=5, unique=True))
    edges = [Decimal(0), *sorted(bounds)]
    tops = [*edges[1:], None]
    return [Tier(from_pct=a, to_pct=b, rate=draw(rates)) for a, b in zip(edges, tops, strict=True)]


@st.composite
def wins(draw):
    amounts = draw(st.lists(signed, min_size=1, max_size=7))
    days = draw(st.lists(st.integers(0, 89), min_size=len(amounts), max_size=len(amounts)))
    start = date(2026, 1, 1).toordinal()
    return [
        win(f"d{n}", date.fromordinal(start + day).isoformat(), str(amount))
        for n, (amount, day) in enumerate(zip(amounts, days, strict=True))
    ]


def marginal(bounds, quota, base):
    return sum(
        (s.size * Fraction(s.tier.rate) for s in tier_slices(bounds, quota, Fraction(0), base)),
        Fraction(0),
    )


@given(
    st.fractions(min_value=-(10**6), max_value=10**6), st.sampled_from(["0.01", "1", "0.05", "100"])
)
def test_rounding_is_half_up_as_the_decimal_module_does_it(value, quantum):
    step = Decimal(quantum)
    doubled = (
        value / Fraction(step) * 2
    )  # an integer here is a tie or a multiple: exact in decimals
    if doubled.denominator == 1:
        units = (Decimal(doubled.numerator) / 2).to_integral_value(ROUND_HALF_UP)
    else:
        units = Decimal(math.floor(abs(value / Fraction(step)) + Fraction(1, 2))).copy_sign(
            doubled.numerator
        )
    assert rounded(value, step) == units * step


@given(curves(), percents, percents)
def test_a_curve_never_pays_less_for_more(points, one, other):
    low, high = sorted((Fraction(one) / 100, Fraction(other) / 100))
    assert curve_payout(points, low)[0] <= curve_payout(points, high)[0]


@given(curves(), percents)
def test_a_curve_is_nothing_below_and_flat_above_its_points(points, percent):
    payout, _ = curve_payout(points, Fraction(percent) / 100)
    if percent < points[0][0]:
        assert payout == 0
    else:
        assert Fraction(points[0][1]) / 100 <= payout <= Fraction(points[-1][1]) / 100
    for x, y in points:
        assert curve_payout(points, Fraction(x) / 100)[0] == Fraction(y) / 100


@given(tiers(), money.filter(lambda m: m > 0), st.integers(0, 5))
def test_marginal_pay_does_not_jump_at_a_bound(bounds, quota, place):
    bound = Fraction(bounds[place % len(bounds)].from_pct) * Fraction(quota) / 100
    rouble = Fraction(1)
    at = marginal(bounds, Fraction(quota), bound)
    above = marginal(bounds, Fraction(quota), bound + rouble)
    below = marginal(bounds, Fraction(quota), max(Fraction(0), bound - rouble))
    steepest = max(Fraction(t.rate) for t in bounds)
    assert 0 <= above - at <= rouble * steepest
    assert 0 <= at - below <= rouble * steepest


@given(tiers(), money.filter(lambda m: m > 0), signed, signed)
def test_slices_add_up_to_the_way_and_a_way_back_undoes_it(bounds, quota, begin, end):
    one, other, quota = Fraction(begin), Fraction(end), Fraction(quota)
    there = tier_slices(bounds, quota, one, other)
    back = tier_slices(bounds, quota, other, one)
    assert sum(s.size for s in there) == max(other, 0) - max(one, 0)
    assert sum(s.size * Fraction(s.tier.rate) for s in there) == -sum(
        s.size * Fraction(s.tier.rate) for s in back
    )


@given(money, money.filter(lambda m: m > 0), st.sampled_from(["up", "down"]))
def test_meeting_a_target_exactly_is_one_whichever_way_is_better(actual, target, direction):
    assert attainment(Fraction(target), Fraction(target), direction, "absolute") == 1
    for kind in ("at_least", "at_most"):
        assert attainment(Fraction(actual), Fraction(target), direction, kind) <= 1


def large_lines(facts, known=None, plan=LARGE_PLAN, **more):
    total = sum((f.amount for f in facts), Decimal(0))
    figures = large_figures(credited_margin=figure("credited_margin", str(total)))
    return evaluate({plan.plan: plan}, inputs_of(plan, Q1, figures, facts, **more), known)


@given(wins(), st.lists(st.integers(0, 4), min_size=7, max_size=7))
@settings(max_examples=60)
def test_lines_add_up_to_the_kopeck_and_paid_and_waiting_to_the_line(facts, quarters):
    known = Knowledge(
        received=tuple(
            Received(f.deal_id, 1, Decimal(q), Decimal(4))
            for f, q in zip(facts, quarters, strict=False)
        )
    )
    told = make_statement(
        {LARGE_PLAN.plan: LARGE_PLAN},
        inputs_of(
            LARGE_PLAN,
            Q1,
            large_figures(
                credited_margin=figure(
                    "credited_margin", str(sum((f.amount for f in facts), Decimal(0)))
                )
            ),
            facts,
        ),
        currency="RUB",
        knowledge={Q1.key: known},
    ).statement
    assert all(x.amount == x.amount.quantize(KOPECK) for x in told.lines)
    assert all(x.amount == x.released + x.held for x in told.lines)
    assert (
        told.earned == sum((x.amount for x in told.lines), Decimal(0)) == told.released + told.held
    )
    assert told.to_pay + told.carried_out == told.carried_in + told.net
    assert told.earned <= 250000


@given(wins())
@settings(max_examples=60)
def test_marginal_lines_are_those_of_a_plain_walk_through_the_tiers(facts):
    """An independent walk: rouble amounts compared with the engine's, before the cap."""
    plan = plan_of(LARGE.replace("    cap_amount: 250000\n", ""))
    told = large_lines(facts, plan=plan)
    bounds = [
        (0, 1_500_000, "0.02"),
        (1_500_000, 3_000_000, "0.04"),
        (3_000_000, 4_500_000, "0.06"),
    ]
    bounds.append((4_500_000, 10**15, "0.05"))

    def pay(base: Decimal) -> Decimal:
        return sum(
            (
                (min(max(base, 0), Decimal(top)) - Decimal(floor)) * Decimal(rate)
                for floor, top, rate in bounds
                if base > floor
            ),
            Decimal(0),
        )

    total = sum((f.amount for f in facts), Decimal(0))
    lines = len([x for x in told if x.deal_id])
    difference = abs(sum((x.amount for x in told), Decimal(0)) - pay(total) * Decimal("0.95"))
    assert difference <= Decimal("0.005") * max(lines, 1)


@given(signed.filter(lambda a: a > 0), money, st.integers(0, 300), st.booleans())
@settings(max_examples=60)
def test_two_payees_with_equal_inputs_get_equal_pay(revenue, calls, conversions, is_low):
    told = []
    for payee in (ANNA, Payee("crm:2", "Boris", "sales", hired_on=date(2019, 1, 1))):
        figures = mass_figures(
            calls=figure("calls", str(calls)),
            booked_revenue=figure("booked_revenue", str(revenue)),
            lead_conversion_window=figure("lead_conversion_window", over=(str(conversions), "300")),
            crm_hygiene=figure("crm_hygiene", over=("80", "100"), is_low_sample=is_low),
        )
        assignments = (Assignment(payee.manager_id, MASS_PLAN.plan, date(2026, 1, 1)),)
        inputs = inputs_of(MASS_PLAN, OCTOBER, figures, payee=payee, assignments=assignments)
        told.append([x.amount for x in evaluate({MASS_PLAN.plan: MASS_PLAN}, inputs)])
    assert told[0] == told[1]


def halves(text: str, day: str) -> str:
    """Return the plan with its version cut in two equal ones on a day."""
    head, body = text.split("  - from: 2026-01-01\n    to: null\n")
    first = f"  - from: 2026-01-01\n    to: {day}\n{body}"
    return f"{head}{first}  - from: {day}\n    to: null\n{body}"


@given(money, money, st.integers(0, 200), st.integers(2, 31))
@settings(max_examples=60)
def test_two_equal_versions_pay_as_the_whole_targets(calls, revenue, conversions, day):
    figures = mass_figures(
        calls=figure("calls", str(calls)),
        booked_revenue=figure("booked_revenue", str(revenue)),
        lead_conversion_window=figure("lead_conversion_window", over=(str(conversions), "200")),
    )
    cut = plan_of(halves(MASS, f"2026-10-{day:02d}"))
    whole = evaluate({MASS_PLAN.plan: MASS_PLAN}, inputs_of(MASS_PLAN, OCTOBER, figures))
    parts = evaluate({cut.plan: cut}, inputs_of(cut, OCTOBER, figures))
    assert [(x.component, x.attainment, x.amount) for x in whole] == [
        (x.component, x.attainment, x.amount) for x in parts
    ]


@given(wins(), st.integers(1, 89))
@settings(max_examples=60)
def test_two_equal_versions_pay_as_the_whole_rates(facts, day):
    on = date.fromordinal(date(2026, 1, 1).toordinal() + day).isoformat()
    cut = plan_of(halves(LARGE, on))
    told = [large_lines(facts, plan=plan) for plan in (LARGE_PLAN, cut)]
    assert [(x.deal_id, x.segment, x.amount) for x in told[0]] == [
        (x.deal_id, x.segment, x.amount) for x in told[1]
    ]


@given(st.integers(1, 31), money)
@settings(max_examples=40)
def test_two_assignments_in_a_row_pay_as_one(day, calls):
    on = date(2026, 10, day)
    parts = (
        Assignment(ANNA.manager_id, MASS_PLAN.plan, date(2026, 1, 1), on),
        Assignment(ANNA.manager_id, MASS_PLAN.plan, on),
    )
    figures = mass_figures(calls=figure("calls", str(calls)))
    plans = {MASS_PLAN.plan: MASS_PLAN}
    whole = evaluate(plans, inputs_of(MASS_PLAN, OCTOBER, figures))
    split = evaluate(plans, inputs_of(MASS_PLAN, OCTOBER, figures, assignments=parts))
    assert [x.amount for x in whole] == [x.amount for x in split]


# -- reversals ------------------------------------------------------------------------------------


def quarter(facts, knowledge, history=(), period=Q1, plan=LARGE_PLAN):
    total = sum((f.amount for f in facts), Decimal(0))
    figures = large_figures(credited_margin=figure("credited_margin", str(total)))
    return make_statement(
        {plan.plan: plan},
        inputs_of(plan, period, figures, facts),
        currency="RUB",
        knowledge=knowledge,
        history=history,
    )


Q3 = replace(Q1, start=date(2026, 7, 1), end=date(2026, 10, 1))
Q4 = replace(Q1, start=date(2026, 10, 1), end=date(2027, 1, 1))


@st.composite
def stories(draw):
    """Wins of a quarter, which of them are paid for, and which come back, in parts."""
    facts = draw(wins())
    paid_for = draw(st.lists(st.booleans(), min_size=len(facts), max_size=len(facts)))
    parts = draw(st.lists(st.integers(0, 4), min_size=len(facts), max_size=len(facts)))
    received = tuple(
        Received(f.deal_id, 1, Decimal(1), Decimal(1))
        for f, is_paid in zip(facts, paid_for, strict=True)
        if is_paid
    )
    reversals = tuple(
        Reversal(f.deal_id, 1, date(2026, 4, 2), "refund", Decimal(part), Decimal(4))
        for f, part in zip(facts, parts, strict=True)
        if part
    )
    return facts, received, reversals


@given(stories())
@settings(max_examples=60)
def test_a_rerun_with_nothing_new_gives_nothing(story):
    facts, received, reversals = story
    known = {Q1.key: Knowledge(reversals, received)}
    first = quarter(facts, {Q1.key: Knowledge((), received)})
    second = quarter([], known, [first], Q2)
    third = quarter([], known, [first, second], Q3)
    assert third.statement.corrections == 0
    assert [x for x in third.statement.lines if x.kind != "earned"] == []


@given(stories())
@settings(max_examples=60)
def test_a_refund_counts_once_and_its_end_gives_it_back(story):
    facts, received, reversals = story
    before, after = Knowledge((), received), Knowledge(reversals, received)
    first = quarter(facts, {Q1.key: before})
    second = quarter([], {Q1.key: after}, [first], Q2)
    rerun = large_lines(facts, after)
    taken = sum((x.amount for x in rerun), Decimal(0)) - first.statement.earned
    assert second.statement.corrections == taken
    third = quarter([], {Q1.key: before}, [first, second], Q3)
    assert third.statement.corrections == -taken
    fourth = quarter([], {Q1.key: before}, [first, second, third], Q4)
    assert fourth.statement.corrections == 0
    total = sum((s.statement.net for s in (first, second, third, fourth)), Decimal(0))
    assert total == first.statement.net


@given(stories())
@settings(max_examples=60)
def test_what_is_paid_in_the_end_is_what_the_last_rerun_earns(story):
    facts, received, reversals = story
    everything = tuple(Received(f.deal_id, 1, Decimal(1), Decimal(1)) for f in facts)
    last = Knowledge(reversals, everything)
    first = quarter(facts, {Q1.key: Knowledge((), received)})
    second = quarter([], {Q1.key: Knowledge(reversals, received)}, [first], Q2)
    third = quarter([], {Q1.key: last}, [first, second], Q3)
    earned = sum((x.amount for x in large_lines(facts, last)), Decimal(0))
    net = sum((s.statement.net for s in (first, second, third)), Decimal(0))
    assert net == earned
    ends = third.statement
    assert (
        sum((s.statement.to_pay for s in (first, second, third)), Decimal(0)) + ends.carried_out
        == net
    )


@given(st.lists(signed.filter(bool), min_size=1, max_size=6))
@settings(max_examples=40)
def test_nobody_is_paid_less_than_nothing_and_the_rest_is_carried(nets):
    history = []
    for number, net in enumerate(nets, start=1):
        period = month(2026, number)
        plan = plan_of(
            "plan: free\ncurrency: RUB\nperiod: month\nversions:\n  - from: 2026-01-01\n"
            "    components: [{kpi: credited_margin, quota: 1, tiers: [{from_pct: 0, rate: 1}]}]\n"
            "    clawback: {window_days: 900}\n"
        )
        facts = [win(f"d{number}", period.start.isoformat(), str(abs(net)))]
        inputs = inputs_of(plan, period, [figure("credited_margin", str(abs(net)))], facts)
        known = {
            h.inputs.period.key: Knowledge(
                (
                    Reversal(
                        h.inputs.facts[0].deal_id, 1, period.start, "refund", Decimal(1), Decimal(1)
                    ),
                )
            )
            for h in history
            if net < 0
        }
        history.append(
            make_statement(
                {plan.plan: plan}, inputs, currency="RUB", knowledge=known, history=history
            )
        )
    balance = Decimal(0)
    for told in (h.statement for h in history):
        assert told.to_pay >= 0 >= told.carried_out
        assert told.carried_in == balance
        assert told.to_pay + told.carried_out == told.carried_in + told.net
        balance = told.carried_out


def test_a_later_revision_pays_only_the_difference():
    facts = [win("A", "2026-01-20", "1000000")]
    more = [*facts, win("B", "2026-02-20", "500000")]
    received = tuple(Received(d, 1, Decimal(1), Decimal(1)) for d in "AB")
    known = {Q1.key: Knowledge((), received)}
    first = quarter(facts, known)
    assert first.statement.to_pay == Decimal("19000.00")  # 1 m x 2 % x 0.95
    again = quarter(more, known, [first])
    assert again.statement.earned == Decimal("28500.00")
    assert again.statement.to_pay == Decimal("9500.00")
    fewer = quarter(facts, known, [first, again])
    assert (fewer.statement.to_pay, fewer.statement.carried_out) == (0, Decimal("-9500.00"))
    # the next quarter stands on the last revision only
    after = quarter([], known, [first, again, fewer], Q2)
    assert after.statement.corrections == 0
    assert after.statement.carried_out == Decimal("-9500.00")


def test_a_revision_after_a_correction_does_not_take_it_twice():
    facts = [win("A", "2026-01-20", "1000000"), win("B", "2026-02-20", "500000")]
    received = tuple(Received(d, 1, Decimal(1), Decimal(1)) for d in "AB")
    refunded = Knowledge(
        (Reversal("B", 1, date(2026, 4, 2), "refund", Decimal(1), Decimal(1)),), received
    )
    first = quarter(facts, {Q1.key: Knowledge((), received)})
    second = quarter([], {Q1.key: refunded}, [first], Q2)
    assert second.statement.corrections == Decimal("-9500.00")
    again = quarter(facts, {Q1.key: refunded}, [first, second])
    # the correction of the second quarter stands; what this revision knew at once is that same one
    assert again.statement.net == first.statement.net
    third = quarter([], {Q1.key: refunded}, [first, second, again], Q3)
    assert third.statement.corrections == 0
    nets = [s.statement.net + s.statement.restated for s in (first, second, again, third)]
    assert sum(nets, Decimal(0)) == Decimal("19000.00")


@pytest.mark.parametrize("carry", ["true", "false"])
def test_a_plan_may_forgive_what_is_left(carry):
    plan = plan_of(LARGE.replace("window_days: 180", f"window_days: 180, carry: {carry}"))
    facts = [win("A", "2026-01-20", "1000000")]
    received = (Received("A", 1, Decimal(1), Decimal(1)),)
    back = Knowledge(
        (Reversal("A", 1, date(2026, 4, 2), "reopened", Decimal(1), Decimal(1)),), received
    )
    first = quarter(facts, {Q1.key: Knowledge((), received)}, plan=plan)
    second = quarter([], {Q1.key: back}, [first], Q2, plan)
    assert second.statement.to_pay == 0
    left = Decimal("-19000.00")
    assert second.statement.carried_out == (left if carry == "true" else 0)
    assert second.statement.forgiven == (0 if carry == "true" else -left)
