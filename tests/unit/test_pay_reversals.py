"""What comes back after it was paid, in sums small enough to work out in the head."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from dagster_project.pay.engine import evaluate
from dagster_project.pay.inputs import Knowledge, Reversal
from dagster_project.pay.settlement import make_statement
from tests.unit.pay_cases import (
    ANNA,
    HEAD,
    KPIS,
    LARGE,
    MASS,
    OCTOBER,
    PAID_ABC,
    Q1,
    WINS,
    amount,
    figure,
    inputs_of,
    large_figures,
    lines_of,
    mass_figures,
    month,
    one,
    plan_of,
    version,
    win,
)


def back(deal: str, on: str, part: str = "1", whole: str = "1", kind: str = "refund") -> Reversal:
    return Reversal(deal, 1, date.fromisoformat(on), kind, Decimal(part), Decimal(whole))


def earned_after(*reversals: Reversal) -> Decimal:
    plan = plan_of(LARGE)
    known = replace(PAID_ABC, reversals=reversals)
    return amount(evaluate({plan.plan: plan}, inputs_of(plan, Q1, large_figures(), WINS), known))


def test_the_last_day_of_the_window_is_inside_and_the_next_is_not():
    # C was won on 5 March: day 180 is 1 September
    assert earned_after(back("C", "2026-09-01")) == Decimal("81320.00")
    assert earned_after(back("C", "2026-09-02")) == Decimal("130530.00")


def test_one_deal_bites_once_and_at_most_its_amount():
    assert earned_after(
        back("C", "2026-04-01"), back("C", "2026-04-02", kind="reopened")
    ) == Decimal("81320.00")
    assert earned_after(back("C", "2026-04-01", "3", "2")) == Decimal("81320.00")


def test_a_part_of_a_deal_comes_back_in_proportion():
    # a third of C's margin, 300 000, goes: 3 490 000 credited
    # 30 000 + 60 000 + 490 000 x 6 % = 119 400; x 0.95
    assert earned_after(back("C", "2026-04-01", "1000", "3000")) == Decimal("113430.00")


def test_a_win_of_another_spell_is_another_win():
    again = replace(back("C", "2026-04-01"), spell=2)
    assert earned_after(again) == Decimal("130530.00")


def test_a_refunded_part_leaves_the_rest_released():
    # C paid in full, a third of it refunded: what is left of C stays paid out, nothing of it waits
    known = replace(PAID_ABC, reversals=(back("C", "2026-04-01", "3", "9"),))
    plan = plan_of(LARGE)
    told = evaluate({plan.plan: plan}, inputs_of(plan, Q1, large_figures(), WINS), known)
    assert {(x.deal_id, x.held != 0) for x in told} == {
        ("A", False),
        ("B", False),
        ("C", False),
        ("D", True),
    }


def test_without_clawback_nothing_is_taken_and_nothing_added_back():
    plan = plan_of(
        MASS.replace(
            "    clawback: {window_days: 90, method: rerun_origin, floor: 0, carry: true}\n", ""
        )
    )
    revenue = figure("booked_revenue", "1650000", earlier_reversals=Decimal("60000"))
    facts = [win("x", "2026-10-05", "1650000", code="booked_revenue")]
    inputs = inputs_of(plan, OCTOBER, mass_figures(booked_revenue=revenue), facts)
    told = evaluate({plan.plan: plan}, inputs, Knowledge(reversals=(back("x", "2026-10-20"),)))
    (line,) = [x for x in told if x.component == "booked_revenue"]
    assert line.attainment == Fraction(1650000, 1500000)


def test_counts_and_ratios_stay_as_they_were_when_a_deal_comes_back():
    facts = [win("x", "2026-10-05", "1", code="won_deals")]
    clawback = "    clawback: {window_days: 90}\n"
    told = lines_of(
        version(one("won_deals", "target: 1"), clawback),
        [figure("won_deals", "1")],
        facts,
        Knowledge(reversals=(back("x", "2026-10-20"),)),
    )
    assert amount(told) == Decimal("10000.00")


def test_pay_of_someone_named_in_a_bad_split_is_worked_out_and_held():
    plan = plan_of(MASS)
    inputs = inputs_of(plan, OCTOBER, mass_figures(), held_because="split of D1 adds up to 1.1")
    told = make_statement({plan.plan: plan}, inputs, currency="RUB", knowledge={})
    assert (told.statement.status, told.statement.earned) == ("held", Decimal("38950.00"))
    assert (told.statement.to_pay, told.statement.carried_out) == (0, Decimal("38950.00"))
    clean = replace(
        inputs_of(
            plan,
            month(2026, 11),
            mass_figures(
                **{c: figure(c, "0") for c in ("calls", "meetings", "proposals", "booked_revenue")},
                lead_conversion_window=figure("lead_conversion_window", over=("0", "200")),
            ),
        ),
    )
    later = make_statement({plan.plan: plan}, clean, currency="RUB", knowledge={}, history=[told])
    assert later.statement.to_pay == Decimal("38950.00")


def test_what_has_come_back_before_the_first_closing_is_corrected_at_once():
    plan = plan_of(LARGE)
    known = replace(PAID_ABC, reversals=(back("C", "2026-04-01"),))
    told = make_statement(
        {plan.plan: plan},
        inputs_of(plan, Q1, large_figures(), WINS),
        currency="RUB",
        knowledge={Q1.key: known},
    ).statement
    assert told.earned == Decimal("130530.00")
    assert told.corrections == Decimal("-49210.00")
    assert told.to_pay == Decimal("71820.00")  # A and B: 39 900 + 31 920


RATE = version(
    "      - {kpi: booked_revenue, quota: 100000, tiers: [{from_pct: 0, rate: 0.1}]}\n",
    "    clawback: {window_days: 90}\n",
)


def stated(number: int, *wins, known=None, history=(), **more):
    """Return the statement of a month of 2026 on the plan RATE."""
    plan = plan_of(HEAD + RATE)
    total = str(sum(f.amount for f in wins))
    inputs = inputs_of(plan, month(2026, number), [figure("booked_revenue", total)], wins, **more)
    return make_statement(
        {plan.plan: plan}, inputs, currency="RUB", knowledge=known or {}, history=history
    )


def corrected(told) -> list[tuple[str, Decimal]]:
    return [(x.kind, x.amount) for x in told.statement.lines if x.amount]


def test_what_a_statement_does_not_settle_is_left_to_the_next_one():
    """A tenth of 1 000 in January, of 2 000 in February. February's win is reopened on 5 March.

    January is stated after that, for the second time or (closed out of order) the first: it settles
    no later month, so that March takes the 200. It had taken nothing: January's statement was read
    as if February's win had been taken back by it. A refused statement settles nothing either.
    """
    first = win("x", "2026-01-10", "1000", code="booked_revenue")
    second = win("y", "2026-02-10", "2000", code="booked_revenue")
    known = {
        month(2026, 2).key: Knowledge(reversals=(back("y", "2026-03-05", kind="reopened"),)),
        month(2026, 1).key: Knowledge(),
    }
    january, february = stated(1, first), stated(2, second)
    again = stated(1, first, known=known, history=[january, february])
    late = stated(1, first, known=known, history=[february])
    gone = {**KPIS, "booked_revenue": replace(KPIS["booked_revenue"], is_available=False)}
    refused = stated(3, known=known, history=[january, february], kpis=gone)
    assert refused.statement.status == "refused"
    for history in ([january, february, again], [february, late], [january, february, refused]):
        told = stated(4, known=known, history=history)
        assert corrected(told) == [("correction", Decimal("-200.00"))]


def test_a_win_in_the_name_of_who_had_left_does_not_stop_what_is_still_to_be_settled():
    """She leaves on 31 January; a win of March stands in her name, and is reopened with January's.

    March has paid her nothing. Its reopening had the statement of April refused, with the reason of
    March, and the tenth of January's 1 000 was never taken back.
    """
    gone = replace(ANNA, left_on=date(2026, 1, 31))
    january = stated(1, win("x", "2026-01-10", "1000", code="booked_revenue"))
    march = stated(
        3, win("z", "2026-03-10", "500", code="booked_revenue"), history=[january], payee=gone
    )
    known = {
        month(2026, 1).key: Knowledge(reversals=(back("x", "2026-04-02"),)),
        month(2026, 3).key: Knowledge(reversals=(back("z", "2026-04-02"),)),
    }
    april = stated(4, known=known, history=[january, march], payee=gone)
    assert (march.statement.status, march.statement.lines) == ("open", ())
    assert (april.statement.status, corrected(april)) == (
        "open",
        [("correction", Decimal("-100.00"))],
    )
