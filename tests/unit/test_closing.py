"""Keeping and reading back; periods; presets; feedback on figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dagster_project.closing.answers import Run, comparable
from dagster_project.closing.frozen import read_closed, write_revision
from dagster_project.closing.periods import label, parse_period, period_of, periods_between
from dagster_project.closing.reading import knowledge_of, registry_terms
from dagster_project.closing.tables import rows_of
from dagster_project.errors import ClosedPeriodBroken, WorkspaceError
from dagster_project.pay.assignments import Assignment
from dagster_project.pay.checks import PlanContext
from dagster_project.pay.engine import evaluate
from dagster_project.pay.feedback import Change, DealSize, changed, hints, what_if
from dagster_project.pay.inputs import Figure, Knowledge, Period, Received, Reversal, Target
from dagster_project.pay.reading import read_plan, read_plans
from dagster_project.pay.settlement import make_statement
from dagster_project.settings import PACKAGE
from tests.unit.pay_cases import (
    ANNA,
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
    plan_of,
    win,
)
from tests.unit.test_pay_examples import second_quarter

# -- kept and read back ---------------------------------------------------------------------------


def keep(folder, settled, text, *, closed_on="2026-07-05", name="2026-Q2"):
    return write_revision(
        folder,
        label=name,
        period=settled[0].inputs.period,
        tables=rows_of(settled),
        copy_marts=lambda into: None,
        files={"bonus/plan.yml": text.encode()},
        told={"by": "x", "reason": "y", "closed_on": closed_on, "currency": "RUB"},
        closed_at=datetime(2026, 7, 5, 12, tzinfo=UTC),
    )


def test_a_statement_read_back_is_the_statement_and_its_inputs_pay_the_same(tmp_path):
    plan = plan_of(LARGE)
    settled = second_quarter(plan, "2000000")
    (back,) = keep(tmp_path, [settled], LARGE).settled
    kept = settled.statement.revised(1, date(2026, 7, 5))
    assert replace(back.statement, lines=()) == replace(kept, lines=())
    parts = [
        (x.kind, x.component, x.deal_id, x.amount, x.released, x.held, x.origin, x.deals, x.status)
        for x in kept.lines
    ]
    assert parts == [
        (x.kind, x.component, x.deal_id, x.amount, x.released, x.held, x.origin, x.deals, x.status)
        for x in back.statement.lines
    ]
    assert back.inputs == settled.inputs
    assert back.knowledge == settled.knowledge
    assert back.plans == settled.plans
    assert evaluate(back.plans, back.inputs, back.knowledge[back.inputs.period.key]) == evaluate(
        settled.plans, settled.inputs, settled.knowledge[settled.inputs.period.key]
    )


def test_ripened_figures_goals_ramps_and_notes_are_kept_too(tmp_path):
    plan = plan_of(MASS.replace("target: 400", "goal: g1"))
    goal = Target("g1", "goal", "calls", "manager", "crm:1", "month", OCTOBER.start, Decimal(400))
    hygiene = figure("crm_hygiene", over=("1", "2"), is_low_sample=True)
    inputs = inputs_of(plan, OCTOBER, mass_figures(crm_hygiene=hygiene), targets=(goal,))
    inputs = replace(
        inputs,
        assignments=(replace(inputs.assignments[0], ramp=(Decimal("0.5"), Decimal("0.75"))),),
    )
    key = (plan.plan, "lead_conversion_window", "manager")
    ripe = Knowledge(ripened={key: figure("lead_conversion_window", over=("7", "90"))})
    settled = make_statement(
        {plan.plan: plan}, inputs, currency="RUB", knowledge={OCTOBER.key: ripe}
    )
    text = MASS.replace("target: 400", "goal: g1")
    (back,) = keep(tmp_path, [settled], text, name="2026-10").settled
    assert back.inputs == settled.inputs
    assert back.knowledge == settled.knowledge
    assert [x.notes for x in back.statement.lines] == [x.notes for x in settled.statement.lines]


def test_a_closed_revision_is_byte_identical_on_reading_again(tmp_path):
    plan = plan_of(LARGE)
    revision = keep(tmp_path, [second_quarter(plan)], LARGE)
    before = {p: p.read_bytes() for p in revision.folder.rglob("*") if p.is_file()}
    again = read_closed(tmp_path)
    assert [r.sha256 for r in again] == [revision.sha256]
    assert {p: p.read_bytes() for p in revision.folder.rglob("*") if p.is_file()} == before


def test_a_manifest_that_was_edited_breaks_the_chain_of_the_next(tmp_path):
    settled = [second_quarter(plan_of(LARGE))]
    first = keep(tmp_path, settled, LARGE)
    keep(tmp_path, settled, LARGE)
    path = first.folder / "manifest.json"
    path.write_text(path.read_text().replace('"by": "x"', '"by": "z"'))
    with pytest.raises(ClosedPeriodBroken, match="the closing before it"):
        read_closed(tmp_path)


def test_a_closing_that_died_halfway_leaves_nothing_and_is_made_anew(tmp_path):
    settled = [second_quarter(plan_of(LARGE))]
    (tmp_path / "2026-Q2" / ".r1.new").mkdir(parents=True)
    (tmp_path / "2026-Q2" / ".r1.new" / "days.parquet").write_bytes(b"half")
    assert read_closed(tmp_path) == []
    assert keep(tmp_path, settled, LARGE).number == 1
    assert keep(tmp_path, settled, LARGE).number == 2
    later = keep(tmp_path, settled, LARGE, closed_on="2026-08-01")
    assert later.number == 3
    assert [r.number for r in read_closed(tmp_path, date(2026, 7, 31))] == [1, 2]


# -- periods --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fiscal", "start", "end"),
    [
        ("2026-10", 1, "2026-10-01", "2026-11-01"),
        ("2026-12", 1, "2026-12-01", "2027-01-01"),
        ("2026-Q4", 1, "2026-10-01", "2027-01-01"),
        ("2026-Q4", 4, "2027-01-01", "2027-04-01"),
        ("2026-Q1", 4, "2026-04-01", "2026-07-01"),
        ("2026", 1, "2026-01-01", "2027-01-01"),
        ("2026", 7, "2026-07-01", "2027-07-01"),
    ],
)
def test_a_period_has_its_bounds_and_its_name(text, fiscal, start, end):
    period = parse_period(text, fiscal, "testing")
    assert (period.start.isoformat(), period.end.isoformat()) == (start, end)
    assert label(period, fiscal) == text
    assert period_of(period.grain, period.start, fiscal) == period
    last = date.fromordinal(period.end.toordinal() - 1)
    assert period_of(period.grain, last, fiscal) == period
    assert periods_between(period.grain, period.start, period.end, fiscal)[0] == period
    assert len(periods_between(period.grain, period.start, period.end, fiscal)) == 2


def test_weeks_and_days_are_no_periods_to_close():
    for text in ("2026-W10", "2026-10-05", "soon", ""):
        with pytest.raises(WorkspaceError, match="a month, quarter or year"):
            parse_period(text, 1, "testing")


# -- presets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "currency"), [("ru", "RUB"), ("en", "USD")])
def test_the_presets_hold_every_invariant(language, currency):
    context = PlanContext(registry_terms(), currency, has_payments=True)
    plans = read_plans(PACKAGE / "presets" / language, context)
    assert set(plans) == {"mass", "large", "subscription", "partner"}
    weights = {
        name: {c.kpi: int(c.weight) for c in told.plan.versions[0].targets}
        for name, told in plans.items()
    }
    assert weights == {
        "mass": {
            "calls": 15,
            "meetings": 15,
            "proposals": 10,
            "lead_conversion_window": 30,
            "booked_revenue": 30,
        },
        "large": {"cycle_days_median": 0, "average_check": 0},
        "subscription": {
            "mrr_new": 40,
            "nrr": 30,
            "logo_retention_rate": 20,
            "first_month_survival": 10,
            "ltv": 0,
        },
        "partner": {
            "partner_revenue": 50,
            "partner_margin": 30,
            "active_partners": 20,
            "partner_influenced_revenue": 0,
        },
    }
    for name, told in plans.items():
        assert told.plan.strategy == name


def test_a_figure_that_is_only_shown_may_be_unavailable():
    text = LARGE.replace(
        "    gates:",
        "      - {kpi: mrr, weight: 0, curve: shown, target: 5}\n"
        "    curves: {shown: [[0, 0], [100, 100]]}\n    gates:",
    )
    plan = plan_of(text)
    told = evaluate({plan.plan: plan}, inputs_of(plan, Q1, large_figures(), WINS), PAID_ABC)
    (shown,) = [x for x in told if x.component == "mrr"]
    assert (shown.amount, shown.status) == (0, "no_data")
    assert sum(x.amount for x in told) == Decimal("130530.00")


# -- feedback -------------------------------------------------------------------------------------


def test_tasks_are_the_next_points_of_the_curves_ranked_by_what_they_pay():
    """Example 1 in the middle of October, hygiene aside.

    Meetings 34 of 40: 6 more reach 100 %: from 75 % to 100 % of 6 000: +1 500.
    Conversion 21 of 200: 12 % is 24: 3 more: from 68.75 % to 100 % of 12 000: +3 750.
    Revenue 114 %: 120 % is 90 000 more: from 135 % to 150 % of 12 000: +1 800.
    Calls and proposals are at their end.
    """
    plan = plan_of(MASS)
    inputs = inputs_of(plan, OCTOBER, mass_figures())
    told = hints({plan.plan: plan}, inputs, Knowledge(), as_of=date(2026, 10, 15))
    assert [(h.kind, h.kpi_code, h.change, h.amount) for h in told if h.kind == "task"] == [
        ("task", "lead_conversion_window", 3, Decimal("3750.00")),
        ("task", "booked_revenue", 90000, Decimal("1800.00")),
        ("task", "meetings", 6, Decimal("1500.00")),
    ]
    assert [h.position for h in told if h.kind == "task"] == [1, 2, 3]
    (now,) = [h for h in told if h.kind == "now"]
    assert now.amount == Decimal("38950.00")


def test_had_the_period_ended_today_targets_and_money_are_those_of_the_days_gone():
    """11 of October's 22 working days: targets of sums halve, and so does the money.

    Calls, meetings (34 of 20), proposals: 100 %; revenue far above: 150 %; conversion as it is.
    Half of 6 000 + 6 000 + 4 000 + 8 250 + 18 000.
    """
    plan = plan_of(MASS)
    inputs = inputs_of(plan, OCTOBER, mass_figures())
    assert len([d for d in inputs.working_days if d <= date(2026, 10, 15)]) == 11
    told = hints({plan.plan: plan}, inputs, Knowledge(), as_of=date(2026, 10, 15))
    (ended,) = [h for h in told if h.kind == "if_ended_today"]
    assert ended.amount == Decimal("21125.00")


def test_the_next_deal_is_worth_what_the_engine_pays_for_it():
    plan = plan_of(LARGE)
    inputs = inputs_of(plan, Q1, large_figures(), WINS)
    deal = DealSize(Decimal(900000), Decimal(100000), {"credited_margin": "margin"})
    told = hints({plan.plan: plan}, inputs, PAID_ABC, as_of=date(2026, 3, 30), deal=deal)
    (worth,) = [h for h in told if h.kind == "next_deal"]
    assert (worth.change, worth.amount) == (900000, Decimal("5700.00"))  # 100 000 x 6 % x 0.95


CALLS = """\
plan: NAME
currency: RUB
period: month
versions:
  - from: 2026-01-01
    to: null
    target_amount: 10000
    components:
      - {kpi: KPI, weight: 100, curve: c, target: TARGET}
    curves:
      c: [[70, 50], [100, 100]]
"""


def test_a_change_after_another_plan_took_over_moves_the_figures_of_that_one_alone():
    """11 of October's 22 working days by each plan, so 200 calls asked by each.

    First plan 160 of 200: over, stays. Second 150 of 200 = 75 %: 50 + 5/30 x 50 = 58.3333 %;
    20 more: 85 %: 75 %. Half of 10 000 x 16.6667 % = 833.33; that of both plans is 1 666.67.
    The next point of the second plan is 50 more: 5 000.00 - 2 916.67 = 2 083.33.
    """
    texts = {n: CALLS.replace("NAME", n).replace("KPI", "calls") for n in ("one", "two")}
    plans = {n: plan_of(text.replace("TARGET", "400")) for n, text in texts.items()}
    who, moment = ANNA.manager_id, date(2026, 10, 20)
    assignments = (
        Assignment(who, "one", date(2026, 10, 1), date(2026, 10, 16)),
        Assignment(who, "two", date(2026, 10, 16)),
    )
    inputs = inputs_of(plans["one"], OCTOBER, [figure("calls", "160")], assignments=assignments)
    figures = inputs.figures | {("two", "calls", "manager"): figure("calls", "150")}
    inputs = replace(inputs, figures=figures)
    asked = [Change("calls", Decimal(20))]
    before, after = what_if(plans, inputs, Knowledge(), asked, moment)
    assert [x.amount for x in before] == [Decimal("3333.33"), Decimal("2916.67")]
    assert [x.amount for x in after] == [Decimal("3333.33"), Decimal("3750.00")]
    told = hints(plans, inputs, Knowledge(), as_of=moment)
    assert [(h.kpi_code, h.change, h.amount) for h in told if h.kind == "task"] == [
        ("calls", 50, Decimal("2083.33"))
    ]


def test_what_a_task_asks_for_reaches_the_point_it_is_of():
    """21 of 22 working days: 95 454.5454... asked, 70 % is 66 818.1818..., 65 818.1818... short.

    To the kopeck that is 65 818.19, and pays 50 % of 10 000 x 21/22 = 4 772.73.
    """
    text = CALLS.replace("NAME", "r").replace("KPI", "booked_revenue")
    plan = plan_of(text.replace("TARGET", "100000"))
    since = (Assignment(ANNA.manager_id, "r", date(2026, 10, 2)),)
    inputs = inputs_of(plan, OCTOBER, [figure("booked_revenue", "1000")], assignments=since)
    told = hints({"r": plan}, inputs, Knowledge(), as_of=date(2026, 10, 20))
    assert [(h.kpi_code, h.change, h.amount) for h in told if h.kind == "task"] == [
        ("booked_revenue", Decimal("65818.19"), Decimal("4772.73"))
    ]


def test_a_period_that_one_plan_refuses_is_left_out_of_the_other_too():
    """Anna: January 100 and February 100 against a refused January and February 110: 100, 110.

    Boris: by months 10 + 20 + 30 and April 40 against quarters 70 and 50; the refused February
    takes its quarter, and so January and March: 40 against 50. Clara's only month is refused.
    """
    january, february, march, april = (month(2026, n) for n in (1, 2, 3, 4))
    old = Run(
        {
            ("a", january): Decimal(100),
            ("a", february): Decimal(100),
            ("b", january): Decimal(10),
            ("b", march): Decimal(30),
            ("b", april): Decimal(40),
            ("c", january): Decimal(7),
        },
        {("b", february): "two goals"},
    )
    new = Run(
        {("a", february): Decimal(110), ("b", Q1): Decimal(70), ("b", Q2): Decimal(50)},
        {("a", january): "two goals", ("c", january): "two goals"},
    )
    assert comparable(old, new) == {
        "a": (Decimal(100), Decimal(110)),
        "b": (Decimal(40), Decimal(50)),
    }


def test_a_figure_is_moved_by_or_to_and_a_ratio_by_its_cases():
    plan = plan_of(MASS)
    inputs = inputs_of(plan, OCTOBER, mass_figures())

    def moved(change: Change) -> Figure:
        return changed(inputs, [change], date(2026, 10, 15)).figures[
            (plan.plan, change.kpi_code, "manager")
        ]

    assert moved(Change("meetings", Decimal(5))).numerator == 39
    assert moved(Change("meetings", Decimal(5), is_relative=False)).numerator == 5
    assert moved(Change("lead_conversion_window", Decimal(3))).numerator == 24
    to = moved(Change("lead_conversion_window", Decimal("0.5"), is_relative=False))
    assert (to.numerator, to.denominator) == (100, 200)


def test_a_plan_read_from_a_revision_is_held_against_the_registry_of_then(tmp_path):
    plan = plan_of(LARGE)
    revision = keep(tmp_path, [second_quarter(plan)], LARGE)
    (told,) = revision.settled
    assert (
        told.plans[plan.plan]
        == read_plan(LARGE.encode(), "x", PlanContext(told.inputs.kpis, "RUB")).plan
    )
    assert isinstance(told.inputs.period, Period)


def test_a_win_is_known_by_its_day_whatever_number_a_late_history_gives_it():
    """Paid as the first win of D, on 20 October. Told later: won on the 5th, reopened on the 8th.

    The win of the 20th is the second now, stands and is paid for; what came back is the other's. A
    reopening of the 25th is its own, and one of its own day, after which it was won again, is not.
    """
    plan = plan_of(LARGE.replace("period: quarter", "period: month"))
    fact = win("D", "2026-10-20", "100")
    inputs = inputs_of(plan, OCTOBER, [], [fact])
    first, second = date(2026, 10, 5), date(2026, 10, 20)

    def known(days, *reversals):
        paid = [Received("D", spell, Decimal(100), Decimal(100)) for spell in days]
        return knowledge_of(
            inputs, None, reversals={"D": reversals}, received={"D": paid}, win_days={"D": days},
            deletions={}, as_of=date(2026, 11, 5),
        )  # fmt: skip

    def reopened(spell, day):
        return Reversal("D", spell, date(2026, 10, day), "reopened", Decimal(1), Decimal(1))

    told = known({1: first, 2: second}, reopened(1, 8))
    assert told.reversals == ()
    assert [(r.spell, r.part) for r in told.received] == [(1, 100)]
    told = known({1: first, 2: second}, reopened(1, 8), reopened(2, 25))
    assert [(r.spell, r.occurred_on.day) for r in told.reversals] == [(1, 25)]
    assert known({1: second, 2: second}, reopened(1, 20)).reversals == ()
    assert [r.kind for r in known({}).reversals] == ["withdrawn"]
