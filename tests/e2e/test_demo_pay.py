"""Statements of the demonstration company against a second, plain reading of its marts."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

import pytest

pytestmark = pytest.mark.e2e
WHOLE = ("M01", "M02", "M03", "M04", "M06", "M07", "M09")
"""On the plan `mass` without ramp, from its first day on."""
MONTHS = [date(2025, m, 1) for m in (11, 12)]
MONTHS += [date(2026, m, 1) for m in (1, 2, 3, 4, 5, 6, 8, 9)]


def line(points, percent):
    """A curve read point by point."""
    if percent < points[0][0]:
        return Fraction(0)
    for (x1, y1), (x2, y2) in pairwise(points):
        if x1 <= percent < x2:
            return y1 + Fraction(y2 - y1) * (percent - x1) / (x2 - x1)
    return Fraction(points[-1][1])


def kopecks(value: Fraction) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)


def plain(demo, seller: str, month: date) -> Decimal:
    """What the plan pays, from the wide table and the deals' events alone."""
    later = month >= date(2026, 7, 15)
    amount = 30000 if seller == "M04" else (44000 if later else 40000)
    weights = (10, 10, 10, 30, 40) if later else (15, 15, 10, 30, 30)
    row = demo.rows(
        "select calls, meetings, proposals, lead_conversion_window_numerator, "
        "lead_conversion_window_denominator, booked_revenue, speed_to_lead_sla_numerator, "
        "speed_to_lead_sla_denominator from marts.kpi_manager where manager_id = ? "
        "and period_grain = 'month' and period_start = ?",
        [f"crm:{seller}", month],
    )[0]
    calls, meetings, proposals, won, leads, revenue, in_time, due = map(
        lambda x: None if x is None else Fraction(Decimal(str(x))), row
    )
    back = demo.one(
        "select coalesce(sum(-back.amount), 0) from marts.fct_deal_events as back "
        "inner join marts.fct_deal_events as win on back.deal_id = win.deal_id "
        "and back.spell_number = win.spell_number and win.event = 'won' "
        "where back.event = 'reversed' and back.manager_id = ? and win.occurred_on < ? "
        "and back.occurred_on >= ? and back.occurred_on < ? + interval 1 month",
        [f"crm:{seller}", month, month, month],
    )
    activity, outcome = ((70, 50), (100, 100)), ((80, 50), (100, 100), (120, 150))
    parts = [
        (calls / 120, activity),
        (meetings / 13, activity),
        (proposals / 5, activity),
        (won / leads / Fraction("0.125") if leads and leads >= 20 else None, outcome),
        ((revenue + Fraction(back)) / 800000, outcome),
    ]
    gate = Fraction(9, 10) if due and due >= 20 and in_time / due < Fraction("0.45") else 1
    total = Decimal(0)
    for weight, (attained, curve) in zip(weights, parts, strict=True):
        if attained is not None:
            paid = line(curve, max(attained, 0) * 100) / 100 * gate
            total += kopecks(paid * amount * weight / 100)
    total = min(total, kopecks(Fraction(amount * 115, 100)))
    return max(total, Decimal(12000))


@pytest.mark.parametrize("seller", WHOLE)
def test_what_a_seller_earns_is_what_a_plain_reading_gives(demo, seller):
    earned = dict(
        demo.rows(
            "select period_start, earned from marts.bonus_statements "
            "where manager_id = ? and period_grain = 'month'",
            [f"crm:{seller}"],
        )
    )
    assert {m: plain(demo, seller, m) for m in MONTHS} == {m: earned[m] for m in MONTHS}


def test_every_statement_is_the_sum_of_its_lines_and_nothing_is_lost(demo):
    broken = demo.rows(
        "with sums as (select period, manager_id, sum(released) as released "
        "from marts.bonus_lines group by all) "
        "select * from marts.bonus_statements as s join sums using (period, manager_id) where "
        "s.net <> sums.released or s.carried_in + s.net <> s.to_pay + s.carried_out or s.to_pay < 0"
    )
    assert broken == []
    chain = demo.rows(
        "select manager_id, carried_in, lag(carried_out, 1, 0) over (partition by manager_id "
        "order by period_end, period_start) from marts.bonus_statements"
    )
    assert [row for row in chain if row[1] != row[2]] == []


def test_the_year_shows_every_kind_of_line(demo):
    kinds = {
        row[0] for row in demo.rows("select distinct kind || ' ' || status from marts.bonus_lines")
    }
    assert {
        "earned paid",
        "earned deferred",
        "earned held",
        "earned part_held",
        "earned shown",
        "cap paid",
        "guarantee paid",
        "correction paid",
    } <= kinds
    notes = {row[0] for row in demo.rows("select distinct notes from marts.bonus_lines")}
    assert any("speed_to_lead_sla below" in note for note in notes)
    assert any("not applied" in note for note in notes)


def test_a_seller_on_a_ramp_is_asked_less_and_one_who_left_is_paid_to_the_last_day(demo):
    calls = dict(
        demo.rows(
            "select period, target from marts.bonus_lines where manager_id = 'crm:M10' "
            "and component = 'calls' and period <= '2026-02'"
        )
    )
    # from 1 November: half, three quarters, nine tenths, all of 120
    assert calls == {"2025-11": 60, "2025-12": 90, "2026-01": 108, "2026-02": 120}
    left = demo.rows(
        "select max(period_start) from marts.bonus_lines where manager_id = 'crm:M08' "
        "and kind = 'earned'"
    )
    assert left == [(date(2026, 1, 1),)]


def test_one_who_changes_plans_is_on_one_of_them_at_a_time(demo):
    plans = demo.rows(
        "select period, plans from marts.bonus_statements where manager_id = 'crm:M05' "
        "order by period_end, period_start limit 4"
    )
    assert plans == [
        ("2025-11", "mass"),
        ("2025-12", "mass"),
        ("2026-01", "mass"),
        ("2026-Q1", "regions"),
    ]
    (days,) = demo.rows(
        "select count(*) filter (day >= '2026-02-01') / count(*)::double from marts.dim_date "
        "where is_working and day >= '2026-01-01' and day < '2026-04-01'"
    )
    (quota,) = demo.rows(
        "select distinct target from marts.bonus_lines where manager_id = 'crm:M05' "
        "and period = '2026-Q1' and component = 'credited_margin'"
    )
    assert float(quota[0]) == pytest.approx(1_200_000 * days[0])
