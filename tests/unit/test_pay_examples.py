"""The two worked examples of pay, to the kopeck, with every figure on the way.

All expected figures are those of the design's tables, worked out there by hand; the quarter after
is added up in the comments.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from dagster_project.pay.engine import evaluate
from dagster_project.pay.inputs import Knowledge, Reversal
from dagster_project.pay.settlement import make_statement
from tests.unit.pay_cases import (
    LARGE,
    MASS,
    OCTOBER,
    PAID_ABC,
    Q1,
    Q2,
    WINS,
    figure,
    inputs_of,
    large_figures,
    mass_figures,
    month,
    paid,
    plan_of,
    win,
)

SEPTEMBER, NOVEMBER = month(2026, 9), month(2026, 11)


def money(text: str) -> Decimal:
    return Decimal(text)


@pytest.fixture
def mass():
    return plan_of(MASS)


@pytest.fixture
def large():
    return plan_of(LARGE)


# -- example 1: mass sales, a month ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("component", "weight", "target", "attainment", "payout", "amount"),
    [
        ("calls", 15, "400", "1.13", "1", "6000.00"),
        ("meetings", 15, "40", "0.85", "0.75", "4500.00"),
        ("proposals", 10, "60", "1.1", "1", "4000.00"),
        ("lead_conversion_window", 30, "0.12", "0.875", "0.6875", "8250.00"),
        ("booked_revenue", 30, "1500000", "1.14", "1.35", "16200.00"),
    ],
)
def test_each_line_of_example_1(mass, component, weight, target, attainment, payout, amount):
    lines = evaluate({mass.plan: mass}, inputs_of(mass, OCTOBER, mass_figures()))
    (line,) = [x for x in lines if x.component == component]
    assert line.weight == weight
    assert line.target == Fraction(target)
    assert line.attainment == Fraction(attainment)
    assert line.payout == Fraction(payout)
    assert line.multiplier == 1
    assert (line.amount, line.released, line.held) == (money(amount), money(amount), 0)
    assert line.status == "paid"
    assert line.notes == ()


def test_example_1_earns_97_375_percent_of_the_target_amount(mass):
    lines = evaluate({mass.plan: mass}, inputs_of(mass, OCTOBER, mass_figures()))
    assert len(lines) == 5
    assert sum(x.amount for x in lines) == money("38950.00")
    assert sum(x.payout * Fraction(x.weight) for x in lines) == Fraction("97.375")


def test_the_segments_of_example_1_are_named(mass):
    lines = evaluate({mass.plan: mass}, inputs_of(mass, OCTOBER, mass_figures()))
    assert [x.segment for x in lines] == [
        "from 100 %: 100 %",
        "70-100 %: 50 to 100 %",
        "from 100 %: 100 %",
        "80-100 %: 50 to 100 %",
        "100-120 %: 100 to 150 %",
    ]


def september(mass):
    """The month before: revenue 1 560 000 of 1 500 000, of which 60 000 is the deal that returns.

    All other figures are zero, so that revenue alone is paid: 104 % -> 110 % -> 13 200.00.
    """
    nothing = {c: figure(c, "0") for c in ("calls", "meetings", "proposals")}
    conversion = figure("lead_conversion_window", over=("0", "200"))
    figures = mass_figures(
        **nothing,
        lead_conversion_window=conversion,
        booked_revenue=figure("booked_revenue", "1560000"),
    )
    facts = [
        win("big", "2026-09-03", "1500000", code="booked_revenue"),
        win("late", "2026-09-10", "60000", code="booked_revenue"),
    ]
    inputs = inputs_of(mass, SEPTEMBER, figures, facts)
    return make_statement({mass.plan: mass}, inputs, currency="RUB", knowledge={})


REFUND = Reversal("late", 1, date(2026, 10, 20), "refund", money("60000"), money("60000"))
"""40 days after the win of 10 September."""


def test_the_refund_of_example_1_takes_1200_back_and_leaves_37750_to_pay(mass):
    before = september(mass)
    (line,) = [x for x in before.statement.lines if x.component == "booked_revenue"]
    assert (line.attainment, line.payout) == (Fraction("1.04"), Fraction("1.1"))
    assert before.statement.to_pay == money("13200.00")

    # the refund does not touch booked_revenue; had the deal been reopened, the KPI of October
    # would be 1 650 000, and the 60 000 would be added back: the same 1 710 000
    for revenue, added in (("1710000", "0"), ("1650000", "60000")):
        october = figure("booked_revenue", revenue, earlier_reversals=money(added))
        told = make_statement(
            {mass.plan: mass},
            inputs_of(mass, OCTOBER, mass_figures(booked_revenue=october)),
            currency="RUB",
            knowledge={SEPTEMBER.key: Knowledge(reversals=(REFUND,))},
            history=[before],
        ).statement
        assert told.earned == money("38950.00")
        (correction,) = [x for x in told.lines if x.kind == "correction"]
        assert correction.amount == correction.released == money("-1200.00")
        assert correction.attainment == 1
        assert correction.origin == SEPTEMBER
        assert [d.deal_id for d in correction.deals] == ["late"]
        assert told.to_pay == money("37750.00")
        (own,) = [x for x in told.lines if x.kind == "earned" and x.component == "booked_revenue"]
        assert own.attainment == Fraction("1.14")
        assert (own.numerator, own.earlier_reversals) == (money(revenue), money(added) or None)


def test_a_conversion_that_still_ripens_is_paid_by_a_later_statement(mass):
    unripe = replace(
        figure("lead_conversion_window", None), is_mature=False, sample_size=200, value=None
    )
    first = make_statement(
        {mass.plan: mass},
        inputs_of(mass, OCTOBER, mass_figures(lead_conversion_window=unripe)),
        currency="RUB",
        knowledge={SEPTEMBER.key: Knowledge(reversals=(REFUND,))},
        history=[september(mass)],
    )
    (line,) = [x for x in first.statement.lines if x.component == "lead_conversion_window"]
    assert (line.status, line.amount, line.attainment) == ("deferred", 0, None)
    assert first.statement.earned == money("30700.00")
    assert first.statement.to_pay == money("29500.00")

    # November earns nothing of its own; October's conversion has ripened to 21 of 200
    key = (mass.plan, "lead_conversion_window", "manager")
    ripe = Knowledge(ripened={key: figure("lead_conversion_window", over=("21", "200"))})
    nothing = mass_figures(
        **{c: figure(c, "0") for c in ("calls", "meetings", "proposals", "booked_revenue")},
        lead_conversion_window=unripe,
    )
    second = make_statement(
        {mass.plan: mass},
        inputs_of(mass, NOVEMBER, nothing),
        currency="RUB",
        knowledge={
            SEPTEMBER.key: Knowledge(reversals=(REFUND,)),
            OCTOBER.key: ripe,
        },
        history=[september(mass), first],
    ).statement
    (deferred,) = [x for x in second.lines if x.kind == "deferred"]
    assert deferred.amount == money("8250.00")
    assert (deferred.origin, deferred.attainment) == (OCTOBER, Fraction("0.875"))
    assert second.corrections == 0
    assert second.to_pay == money("8250.00")


# -- example 2: large deals, a quarter ------------------------------------------------------------


def test_every_slice_of_example_2(large):
    lines = evaluate({large.plan: large}, inputs_of(large, Q1, large_figures(), WINS), PAID_ABC)
    told = [(x.deal_id, x.base, x.rate, x.multiplier, x.amount, x.released, x.held) for x in lines]
    rate = {n: Fraction(n, 100) for n in (2, 4, 6)}
    factor = Fraction(95, 100)
    assert told == [
        ("A", 1500000, rate[2], factor, money("28500.00"), money("28500.00"), 0),
        ("A", 300000, rate[4], factor, money("11400.00"), money("11400.00"), 0),
        ("B", 840000, rate[4], factor, money("31920.00"), money("31920.00"), 0),
        ("C", 360000, rate[4], factor, money("13680.00"), money("13680.00"), 0),
        ("C", 540000, rate[6], factor, money("30780.00"), money("30780.00"), 0),
        ("D", 250000, rate[6], factor, money("14250.00"), 0, money("14250.00")),
    ]
    assert {x.attainment for x in lines} == {Fraction(3790000, 3000000)}
    by_rate = {r: sum(x.base for x in lines if x.rate == r) for r in rate.values()}
    assert by_rate == {rate[2]: 1500000, rate[4]: 1500000, rate[6]: 790000}
    assert [x.deals[0].share for x in lines if x.deal_id == "B"] == [money("0.6")]


def test_example_2_earns_130530_of_which_116280_is_paid(large):
    told = first_quarter(large).statement
    assert told.earned == money("130530.00")
    assert told.released == told.to_pay == money("116280.00")
    assert told.held == money("14250.00")


def test_a_whole_base_tier_would_pay_the_cliff(large):
    cliff = plan_of(LARGE.replace("mode: marginal", "mode: whole_base"))
    lines = evaluate({cliff.plan: cliff}, inputs_of(cliff, Q1, large_figures(), WINS), PAID_ABC)
    # 3 790 000 x 6 % = 227 400 before the multiplier of 0.95
    assert sum(x.amount for x in lines) == money("227400") * money("0.95")
    for credited, expected in (("2999999", "119999.96"), ("3000000", "180000")):
        one = figure("credited_margin", credited)
        lines = evaluate(
            {cliff.plan: cliff},
            inputs_of(
                cliff,
                Q1,
                large_figures(
                    credited_margin=one,
                    win_rate=figure("win_rate", over=("3", "10"), is_low_sample=True),
                ),
                [win("X", "2026-02-02", credited)],
            ),
        )
        assert sum(x.amount for x in lines) == money(expected)


def first_quarter(large):
    return make_statement(
        {large.plan: large},
        inputs_of(large, Q1, large_figures(), WINS),
        currency="RUB",
        knowledge={Q1.key: PAID_ABC},
    )


LATER = Knowledge(
    reversals=(Reversal("C", 1, date(2026, 5, 14), "refund", money("10000"), money("10000")),),
    received=(*PAID_ABC.received, paid("D", "3", "3")),
)
"""Day 70 of C, won on 5 March: refunded in full, in dollars. D is paid for."""


def second_quarter(large, earned="0"):
    own = [win("E", "2026-06-01", earned)] if earned != "0" else []
    figures = large_figures(
        credited_margin=figure("credited_margin", earned),
        win_rate=figure("win_rate", over=("10", "30")),
    )
    return make_statement(
        {large.plan: large},
        inputs_of(large, Q2, figures, own),
        currency="RUB",
        knowledge={
            Q1.key: LATER,
            Q2.key: Knowledge(received=(paid("E", "1", "1"),)),
        },
        history=[first_quarter(large)],
    )


def test_the_refund_of_example_2_has_a_released_and_a_held_part(large):
    told = second_quarter(large).statement
    corrections = {
        x.segment: (x.amount, x.released, x.held) for x in told.lines if x.kind == "correction"
    }
    assert corrections == {
        "released part of the re-run": (money("-44460.00"), money("-44460.00"), 0),
        "held part of the re-run": (money("-4750.00"), 0, money("-4750.00")),
    }
    assert told.corrections == money("-49210.00")
    (release,) = [x for x in told.lines if x.kind == "release"]
    assert (release.deal_id, release.amount) == ("D", 0)
    assert (release.released, release.held) == (money("9500.00"), money("-9500.00"))
    assert told.net == money("-34960.00")
    assert told.to_pay == 0
    assert told.carried_out == money("-34960.00")
    behind = [[d.deal_id for d in x.deals] for x in told.lines if x.kind == "correction"]
    assert behind == [["C"], ["D"]]


def test_the_rerun_of_example_2_earns_81320_with_the_win_rate_as_it_was(large):
    lines = evaluate({large.plan: large}, inputs_of(large, Q1, large_figures(), WINS), LATER)
    assert sum(x.amount for x in lines) == money("81320.00")
    assert {x.attainment for x in lines} == {Fraction(2890000, 3000000)}
    assert {x.multiplier for x in lines} == {Fraction(95, 100)}


def test_the_rest_of_example_2_is_set_against_what_the_next_quarter_earns(large):
    # 2 000 000 credited: 1.5 m x 2 % + 0.5 m x 4 % = 50 000; win rate 10 of 30: factor 1
    told = second_quarter(large, "2000000").statement
    assert told.earned == money("50000.00")
    assert told.to_pay == money("15040.00")
    assert told.carried_out == 0
