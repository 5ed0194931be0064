"""Each rule of pay on figures small enough to work out in the head; the sums stand beside."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from dagster_project.errors import StatementRefused
from dagster_project.pay.assignments import Assignment
from dagster_project.pay.engine import evaluate
from dagster_project.pay.inputs import Knowledge, Payee, Target
from dagster_project.pay.settlement import make_statement, ripened
from tests.unit.pay_cases import (
    ANNA,
    HEAD,
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
    paid,
    plan_of,
    version,
    win,
    working_days,
)

# -- attainment -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("60", "3"), "15000.00"),  # 20 days against 30: 150 %
        (("90", "3"), "10000.00"),
        (("120", "3"), "7500.00"),  # 40 days: 75 %
        (("0", "3"), "20000.00"),  # nothing or less counts as 200 %
    ],
)
def test_where_less_is_better_attainment_is_target_over_actual(parts, expected):
    told = lines_of(
        version(one("cycle_days_mean", "target: 30")), [figure("cycle_days_mean", over=parts)]
    )
    assert amount(told) == Decimal(expected)


def goal(value: str | None, **more) -> Target:
    given = {
        "kind": "goal",
        "kpi_code": "calls",
        "scope_type": "manager",
        "scope_id": ANNA.manager_id,
    }
    given |= {"period_grain": "month", "period_start": OCTOBER.start, "goal_id": "g1"} | more
    return Target(target_value=None if value is None else Decimal(value), **given)


@pytest.mark.parametrize(
    ("kind", "actual", "expected"),
    [
        ("absolute", "150", "15000.00"),
        ("at_least", "150", "10000.00"),  # met is met, never more
        ("at_least", "50", "5000.00"),
        ("at_most", "50", "10000.00"),
        ("at_most", "200", "5000.00"),  # 100 of 200
    ],
)
def test_bounds_are_met_or_not_and_never_surpassed(kind, actual, expected):
    told = lines_of(
        version(one("calls")), [figure("calls", actual)], targets=(goal("100", target_kind=kind),)
    )
    assert amount(told) == Decimal(expected)


def test_a_target_of_nothing_is_met_by_nothing_only():
    for actual, expected in (("0", "10000.00"), ("1", "0.00")):
        told = lines_of(
            version(one("calls")),
            [figure("calls", actual)],
            targets=(goal("0", target_kind="at_most"),),
        )
        assert amount(told) == Decimal(expected)


# -- targets --------------------------------------------------------------------------------------


def test_no_target_no_pay_with_a_reason():
    (line,) = lines_of(version(one("calls")), [figure("calls", "500")])
    assert (line.amount, line.status) == (0, "no_target")
    assert line.reason == "no goal for calls in this period"


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "task"},
        {"kpi_code": "meetings"},
        {"scope_id": "crm:2"},
        {"scope_type": "team", "scope_id": "sales"},
        {"period_grain": "quarter"},
        {"period_start": date(2026, 9, 1)},
    ],
)
def test_a_goal_of_something_else_is_no_target(other):
    (line,) = lines_of(
        version(one("calls")), [figure("calls", "500")], targets=(goal("10", **other),)
    )
    assert line.status == "no_target"


def test_two_goals_for_one_component_are_refused_unless_the_plan_names_one():
    goals = (goal("100"), goal("200", goal_id="g2"))
    with pytest.raises(StatementRefused, match="2 goals for `calls`: g1, g2"):
        lines_of(version(one("calls")), [figure("calls", "100")], targets=goals)
    told = lines_of(version(one("calls", "goal: g2")), [figure("calls", "100")], targets=goals)
    assert amount(told) == Decimal("5000.00")
    with pytest.raises(StatementRefused, match="a goal on meetings"):
        lines_of(version(one("meetings", "goal: g2")), [figure("meetings", "100")], targets=goals)


def test_a_goal_named_by_the_plan_may_be_a_line_of_a_wide_sheet():
    """Its months are goals of their own, `g2@2026-10-01`: of two for October the named one."""
    goals = (goal("100"), goal("200", goal_id="g2@2026-10-01"))
    told = lines_of(version(one("calls", "goal: g2")), [figure("calls", "100")], targets=goals)
    assert [(x.target_from, x.amount) for x in told] == [("g2@2026-10-01 v1", Decimal("5000.00"))]


def test_a_goal_of_the_team_is_held_against_the_teams_figure():
    team = replace(figure("calls", "300"), scope_type="team", scope_id="sales")
    told = lines_of(
        version(one("calls", "scope: team")),
        [figure("calls", "1"), team],
        targets=(goal("400", scope_type="team", scope_id="sales"),),
    )
    assert amount(told) == Decimal("7500.00")


def test_the_version_issued_before_the_period_counts_and_a_later_one_only_when_approved():
    first = goal("100", issued_on=date(2026, 9, 30))
    late = goal("50", version=2, issued_on=date(2026, 10, 5))
    figures = [figure("calls", "100")]
    assert amount(lines_of(version(one("calls")), figures, targets=(first, late))) == Decimal(
        "10000.00"
    )
    approved = replace(late, approved_by="head of sales")
    told = lines_of(version(one("calls")), figures, targets=(first, approved))
    assert amount(told) == Decimal("20000.00")
    assert told[0].target_from == "g1 v2"
    (line,) = lines_of(version(one("calls")), figures, targets=(late,))
    assert (line.status, line.amount) == ("no_target", 0)
    assert "issued on 2026-10-05, after the period began" in line.reason


def test_a_goal_whose_baseline_is_unknown_pays_nothing_yet():
    (line,) = lines_of(version(one("calls")), [figure("calls", "100")], targets=(goal(None),))
    assert "baseline is unknown" in line.reason


# -- unknown, unripe, few -------------------------------------------------------------------------


def test_an_unknown_figure_is_no_zero_it_is_paid_nothing_with_a_reason():
    (line,) = lines_of(
        version(one("margin_rate", "target: 0.2")), [figure("margin_rate", over=("0", "0"))]
    )
    assert (line.amount, line.status, line.attainment) == (0, "no_data", None)


def test_a_kpi_that_is_not_available_refuses_the_statement():
    plan = plan_of(MASS.replace("kpi: proposals", "kpi: mrr"))
    with pytest.raises(StatementRefused, match=r"`mrr`.*is not available: no subscriptions"):
        evaluate({plan.plan: plan}, inputs_of(plan, OCTOBER, mass_figures()))
    told = make_statement(
        {plan.plan: plan}, inputs_of(plan, OCTOBER, mass_figures()), currency="RUB", knowledge={}
    )
    assert (told.statement.status, told.statement.to_pay) == ("refused", 0)
    assert told.statement.lines == ()


@pytest.mark.parametrize(
    ("rule", "status", "expected"),
    [
        ("", "deferred", "0"),
        (", on_low_sample: defer", "deferred", "0"),
        (", on_low_sample: zero", "low_sample", "0"),
        (", on_low_sample: team", "paid", "7500.00"),
    ],
)
def test_a_figure_of_few_cases_follows_its_rule(rule, status, expected):
    few = figure("margin_rate", over=("5", "10"))
    team = replace(figure("margin_rate", over=("15", "100")), scope_type="team", scope_id="sales")
    (line,) = lines_of(
        version(one("margin_rate", f"target: 0.2, min_sample: 30{rule}")), [few, team]
    )
    assert (line.status, line.amount) == (status, Decimal(expected))


def test_enough_cases_are_enough():
    enough = figure("margin_rate", over=("6", "30"))
    told = lines_of(version(one("margin_rate", "target: 0.2, min_sample: 30")), [enough])
    assert amount(told) == Decimal("10000.00")


def test_an_unripe_conversion_is_paid_as_it_stands_only_where_the_plan_says_so():
    unripe = replace(figure("lead_conversion_window", over=("6", "100")), is_mature=False)
    text = version(one("lead_conversion_window", "target: 0.12"))
    (line,) = lines_of(text, [unripe])
    assert (line.status, line.amount) == ("deferred", 0)
    (line,) = lines_of(text.replace("0.12", "0.12, immature: pay"), [unripe])
    assert (line.status, line.amount) == ("paid", Decimal("5000.00"))


def test_a_ripened_figure_of_few_cases_waits_for_and_takes_the_teams_ripened_one():
    """2 of 10 leads, fewer than 30: the team's 12 of 100 stand in, at 12 % the whole 10 000.

    What the line waits for is both; read as frozen, the team's were unknown, and nothing was ever
    paid. The terms are those that held last in October: the plan's first ones ask for no cases.
    """
    plan = plan_of(
        HEAD
        + version(one("lead_conversion_window", "target: 0.12"), end="2026-09-01")
        + version(
            one("lead_conversion_window", "target: 0.12, min_sample: 30, on_low_sample: team"),
            start="2026-09-01",
        )
    )
    few = figure("lead_conversion_window", over=("2", "10"))
    team = replace(
        figure("lead_conversion_window", over=("12", "100")), scope_type="team", scope_id="sales"
    )
    unripe = [replace(f, numerator=None, denominator=None, is_mature=False) for f in (few, team)]

    def stated(figures, known=None, history=(), period=OCTOBER):
        inputs = inputs_of(plan, period, figures)
        return make_statement(
            {plan.plan: plan}, inputs, currency="RUB", knowledge=known or {}, history=history
        )

    for figures in (unripe, [few, replace(team, is_mature=False)]):
        october = stated(figures)
        assert [x.status for x in october.statement.lines] == ["deferred"]
    keys = [(plan.plan, "lead_conversion_window", scope) for scope in ("manager", "team")]
    assert ripened(october, Knowledge(), {keys[0]: few, keys[1]: unripe[1]}) == {}
    ripe = ripened(october, Knowledge(), dict(zip(keys, (few, team), strict=True)))
    known = {OCTOBER.key: Knowledge(ripened=ripe)}
    told = stated(unripe, known, [october], month(2026, 11)).statement
    assert (told.deferred, told.to_pay) == (Decimal("10000.00"), Decimal("10000.00"))


# -- gates and multipliers ------------------------------------------------------------------------

LOW = figure("crm_hygiene", over=("89", "100"))


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        ("scale: 0.9", "13500.00"),  # 150 % x 0.9
        ("limit_payout: 1.0", "10000.00"),
        ("block: true", "0.00"),
    ],
)
def test_a_gate_acts_below_its_limit_and_not_at_it(effect, expected):
    gate = f"    gates: [{{kpi: crm_hygiene, below: 0.9, effect: {{{effect}}}}}]\n"
    text = version(one("calls", "target: 100"), gate)
    assert amount(lines_of(text, [figure("calls", "150"), LOW])) == Decimal(expected)
    at_limit = figure("crm_hygiene", over=("90", "100"))
    assert amount(lines_of(text, [figure("calls", "150"), at_limit])) == Decimal("15000.00")


def test_a_gate_scales_before_it_limits():
    gates = (
        "    gates:\n"
        "      - {kpi: crm_hygiene, below: 0.9, effect: {limit_payout: 1.0}}\n"
        "      - {kpi: crm_hygiene, below: 0.9, effect: {scale: 0.8}}\n"
    )
    told = lines_of(version(one("calls", "target: 100"), gates), [figure("calls", "150"), LOW])
    assert amount(told) == Decimal("10000.00")  # 150 % x 0.8 = 120 %, limited to 100 %


@pytest.mark.parametrize(
    "hygiene",
    [
        figure("crm_hygiene", over=("1", "10"), is_low_sample=True),
        figure("crm_hygiene", over=("0", "0")),
        None,
    ],
)
def test_a_gate_or_multiplier_on_few_cases_or_the_unknown_does_not_fire_and_says_so(hygiene):
    more = (
        "    gates: [{kpi: crm_hygiene, below: 0.9, effect: {block: true}}]\n"
        "    multipliers: [{kpi: crm_hygiene, steps: [[0, 0.5], [0.9, 1]]}]\n"
    )
    figures = [figure("calls", "100"), *([hygiene] if hygiene else [])]
    (line,) = lines_of(version(one("calls", "target: 100"), more), figures)
    assert line.amount == Decimal("10000.00")
    assert len(line.notes) == 2
    assert all("not applied" in note for note in line.notes)


def test_a_gate_and_a_multiplier_reach_only_the_components_they_name():
    more = (
        "    gates: [{kpi: crm_hygiene, below: 0.9, effect: {block: true}, components: [calls]}]\n"
        "    multipliers:\n"
        "      - {kpi: crm_hygiene, steps: [[0, 0.5], [0.9, 1]], components: [meetings]}\n"
    )
    both = one("calls", "target: 100", 50) + one("meetings", "target: 10", 50)
    told = lines_of(version(both, more), [figure("calls", "100"), figure("meetings", "10"), LOW])
    assert [x.amount for x in told] == [0, Decimal("2500.00")]


@pytest.mark.parametrize(
    ("wins", "factor"), [(("24", "100"), "0.90"), (("25", "100"), "0.95"), (("30", "100"), "1.00")]
)
def test_a_multiplier_takes_the_step_that_is_reached(wins, factor):
    plan = plan_of(LARGE)
    figures = large_figures(win_rate=figure("win_rate", over=wins))
    told = evaluate({plan.plan: plan}, inputs_of(plan, Q1, figures, WINS), PAID_ABC)
    assert amount(told) == Decimal("137400") * Decimal(factor)


def test_a_margin_gate_limits_the_tiers_above_its_rate():
    plan = plan_of(LARGE)
    figures = large_figures(margin_rate=figure("margin_rate", over=("21", "100")))
    told = evaluate({plan.plan: plan}, inputs_of(plan, Q1, figures, WINS), PAID_ABC)
    # 1.5 m x 2 % + 2.29 m x 4 % = 121 600; x 0.95
    assert amount(told) == Decimal("115520.00")


# -- tiers, release, caps, guarantee, pool --------------------------------------------------------


def test_the_decelerator_pays_less_beyond_its_bound():
    plan = plan_of(LARGE.replace("cap_amount: 250000", "cap_amount: 900000"))
    wins = [win("A", "2026-01-20", "5000000")]
    told = evaluate({plan.plan: plan}, inputs_of(plan, Q1, large_figures(), wins))
    # 30 000 + 60 000 + 1.5 m x 6 % + 0.5 m x 5 % = 205 000; x 0.95; nothing is paid for yet
    assert amount(told) == Decimal("194750.00")
    assert sum(x.released for x in told) == 0


def test_a_credit_takes_its_slice_back():
    plan = plan_of(LARGE)
    wins = [*WINS, win("E", "2026-03-30", "-250000")]
    told = evaluate({plan.plan: plan}, inputs_of(plan, Q1, large_figures(), wins), PAID_ABC)
    assert [(x.deal_id, x.amount) for x in told][-2:] == [
        ("D", Decimal("14250.00")),
        ("E", Decimal("-14250.00")),
    ]


def test_part_of_the_money_releases_part_of_the_line():
    known = Knowledge(received=(*PAID_ABC.received, paid("D", "1", "3")))
    plan = plan_of(LARGE)
    told = evaluate({plan.plan: plan}, inputs_of(plan, Q1, large_figures(), WINS), known)
    (line,) = [x for x in told if x.deal_id == "D"]
    assert (line.amount, line.released, line.held) == tuple(map(Decimal, ("14250", "4750", "9500")))
    assert line.status == "part_held"


def test_more_than_the_amount_releases_no_more_than_the_line():
    known = Knowledge(received=(*PAID_ABC.received, paid("D", "7", "3")))
    plan = plan_of(LARGE)
    told = evaluate({plan.plan: plan}, inputs_of(plan, Q1, large_figures(), WINS), known)
    (line,) = [x for x in told if x.deal_id == "D"]
    assert (line.released, line.held) == (Decimal("14250"), 0)


def test_a_plan_without_release_rule_pays_at_the_win():
    plan = plan_of(LARGE.replace("    release_on: payment_date\n", ""))
    told = evaluate({plan.plan: plan}, inputs_of(plan, Q1, large_figures(), WINS))
    assert sum(x.released for x in told) == Decimal("130530.00")


def test_a_cap_is_a_line_of_its_own_and_cuts_what_waits_first():
    plan = plan_of(LARGE.replace("cap_amount: 250000", "cap_amount: 120000"))
    told = evaluate({plan.plan: plan}, inputs_of(plan, Q1, large_figures(), WINS), PAID_ABC)
    (cap,) = [x for x in told if x.kind == "cap"]
    # 130 530 earned, 116 280 of it paid for; 120 000 at most: 3 720 still wait
    assert (cap.amount, cap.released, cap.held) == (
        Decimal("-10530.00"),
        0,
        Decimal("-10530.00"),
    )
    assert amount(told) == Decimal("120000.00")
    assert sum(x.held for x in told) == Decimal("3720.00")


def test_a_cap_in_percent_is_of_the_target_amount():
    text = version(one("calls", "target: 100"), "    overall_cap_pct: 150\n")
    told = lines_of(text, [figure("calls", "190")])
    assert [(x.kind, x.amount) for x in told] == [
        ("earned", Decimal("19000.00")),
        ("cap", Decimal("-4000.00")),
    ]


def test_a_component_may_have_a_cap_of_its_own():
    both = one("calls", "target: 100, cap_amount: 6000", 50) + one("meetings", "target: 10", 50)
    told = lines_of(version(both), [figure("calls", "180"), figure("meetings", "20")])
    assert [(x.kind, x.component, x.amount) for x in told] == [
        ("earned", "calls", Decimal("9000.00")),
        ("cap", "calls", Decimal("-3000.00")),
        ("earned", "meetings", Decimal("10000.00")),
    ]


def test_the_guarantee_is_a_minimum():
    text = version(one("calls", "target: 100"), "    guarantee: 4000\n")
    for calls, expected in (("10", ["1000", "3000"]), ("50", ["5000"])):
        told = lines_of(text, [figure("calls", calls)])
        assert [x.amount for x in told] == [Decimal(e) for e in expected]


def test_a_pool_pays_the_weighted_mean_through_one_curve():
    both = one("calls", "target: 100", 60, "step") + one("meetings", "target: 10", 40, "step")
    figures = [figure("calls", "80"), figure("meetings", "13")]
    apart = lines_of(version(both), figures)
    assert [x.amount for x in apart] == [0, Decimal("4000.00")]
    pooled = lines_of(version(both, "    pool: true\n"), figures)
    # 0.6 x 80 % + 0.4 x 130 % = 100 %
    assert [(x.component, x.status, x.amount) for x in pooled] == [
        ("calls", "pooled", 0),
        ("meetings", "pooled", 0),
        ("pool", "paid", Decimal("10000.00")),
    ]
    assert pooled[-1].attainment == 1
    short = lines_of(version(both, "    pool: true\n"), [figures[0], figure("meetings", "12.9")])
    assert amount(short) == 0


def test_a_weight_of_nothing_is_shown():
    both = one("calls", "target: 100") + one("meetings", "target: 10", 0)
    told = lines_of(version(both), [figure("calls", "100"), figure("meetings", "7")])
    assert [(x.component, x.status, x.attainment, x.amount) for x in told] == [
        ("calls", "paid", 1, Decimal("10000.00")),
        ("meetings", "shown", Fraction(7, 10), 0),
    ]


def test_half_a_kopeck_goes_up_and_down_alike():
    text = version(one("calls", "target: 300")).replace(
        "target_amount: 10000", "target_amount: 0.03"
    )
    assert amount(lines_of(text, [figure("calls", "50")])) == Decimal("0.01")  # 0.005 exactly
    assert amount(lines_of(text, [figure("calls", "49.999999")])) == 0
    rough = text + "    rounding: {line: 100}\n"
    rough = rough.replace("target_amount: 0.03", "target_amount: 450")
    assert amount(lines_of(rough, [figure("calls", "300")])) == 500


# -- days, versions, ramps ------------------------------------------------------------------------


def test_a_plan_changed_midway_pays_each_version_for_its_working_days():
    # October 2026 has 22 working days, 10 before the 15th; attainment is 120 % for both
    first = version(one("calls", "target: 100", curve="step"), end="2026-10-15")
    second = version(one("calls", "target: 100"), start="2026-10-15")
    second = second.replace("target_amount: 10000", "target_amount: 22000")
    assert len([d for d in working_days(OCTOBER.start, OCTOBER.end) if d.day < 15]) == 10
    (line,) = lines_of(first + second, [figure("calls", "120")])
    # 10/22 x 10 000 x 100 % + 12/22 x 22 000 x 120 % = 4 545.4545... + 14 400
    assert line.amount == Decimal("18945.45")
    assert line.attainment == Fraction(120, 100)


def assigned(start: str, end: str | None = None, **more) -> Assignment:
    to = date.fromisoformat(end) if end else None
    return Assignment(ANNA.manager_id, "p", date.fromisoformat(start), to, **more)


@pytest.mark.parametrize("mode", ["marginal", "whole_base"])
def test_a_version_whose_quota_is_a_goal_that_is_not_there_pays_nothing_and_the_other_its_part(
    mode,
):
    """1 000 on the 5th: from the 15th (12 of 22 days) 10 % of a quota of 2 000: 54.55.

    A quota of 0 stood in for the goal: each win lay in the last tier (90.91 more), or, with
    `whole_base`, the run ended with a division by zero.
    """
    tiers = "tiers: [{from_pct: 0, to_pct: 50, rate: 0.1}, {from_pct: 50, rate: 0.2}]"
    parts = [
        version(f"      - {{kpi: booked_revenue, quota: {quota}, mode: {mode}, {tiers}}}\n", **days)
        for quota, days in (("goal", {"end": "2026-10-15"}), ("2001", {"start": "2026-10-15"}))
    ]
    facts = [win("x", "2026-10-05", "1000", code="booked_revenue")]
    told = lines_of("".join(parts), [figure("booked_revenue", "1000")], facts)
    assert [(x.status, x.deal_id, x.amount) for x in told] == [
        ("no_target", None, 0),
        ("paid", "x", Decimal("54.55")),
    ]
    assert told[0].reason == "no goal for booked_revenue in this period"


def test_an_assignment_from_midway_is_asked_and_paid_its_share():
    told = lines_of(
        version(one("calls", "target: 110"), "    overall_cap_pct: 100\n"),
        [figure("calls", "90")],
        assignments=(assigned("2026-10-15"),),
    )
    # 12 of 22 days: target 60, attainment 150 %, 12/22 x 15 000 = 8 181.82, at most 5 454.55
    assert told[0].target == 60
    assert [x.amount for x in told] == [Decimal("8181.82"), Decimal("-2727.27")]


def test_a_sum_without_days_of_its_own_is_paid_once_by_two_assignments_in_a_row():
    """100 of new MRR in October, of which 10 of 22 working days come before the 15th.

    Its days are not known: the figure and the target of 100 are of the month, met whole, and each
    part is paid for its days: 4 545.45 and 5 454.55 of 10 000. Each asked for its days' part of the
    target, they had stood at 220 % (200 are paid) and 183 %: 9 090.91 and 10 000.
    A rate of 10 % on 500 likewise: 22.73 and 27.27 of 50.
    """
    parts = (assigned("2026-10-01", "2026-10-15"), assigned("2026-10-15"))
    target = version(one("mrr_new", "target: 100"))
    rate = version(
        "      - {kpi: mrr_new, quota: 1000, tiers: [{from_pct: 0, rate: 0.1}]}\n"
    ).replace("    target_amount: 10000\n", "")
    paid_by = []
    for part in parts:
        (line,) = lines_of(target, [figure("mrr_new", "100")], assignments=(part,))
        (told,) = lines_of(rate, [figure("mrr_new", "500")], assignments=(part,))
        assert (line.target, line.attainment) == (100, 1)
        assert (told.target, told.attainment) == (1000, Fraction(1, 2))
        paid_by.append((line.amount, told.amount))
    assert paid_by == [
        (Decimal("4545.45"), Decimal("22.73")),
        (Decimal("5454.55"), Decimal("27.27")),
    ]
    # who began on the 15th made all of it since: 100 where 12/22 of the target are asked
    new = replace(ANNA, hired_on=date(2026, 10, 15))
    (line,) = lines_of(target, [figure("mrr_new", "100")], payee=new)
    assert (line.target, line.amount) == (Fraction(1200, 22), Decimal("10000.00"))


def test_a_win_after_the_last_assigned_day_is_no_win_of_the_plan_be_no_working_day_left():
    """The next plan begins on Saturday the 31st: its win of 200 earns nothing by the one before."""
    rate = version(
        "      - {kpi: booked_revenue, quota: 1000, tiers: [{from_pct: 0, rate: 0.1}]}\n"
    ).replace("    target_amount: 10000\n", "")
    facts = [
        win("x", "2026-10-30", "100", code="booked_revenue"),
        win("y", "2026-10-31", "200", code="booked_revenue"),
    ]
    told = lines_of(
        rate,
        [figure("booked_revenue", "100")],
        facts,
        assignments=(
            assigned("2026-10-01", "2026-10-31"),
            replace(assigned("2026-10-31"), plan="next"),
        ),
        plans=("next",),
    )
    assert [(x.deal_id, x.amount) for x in told] == [("x", Decimal("10.00"))]


def test_a_rate_target_is_not_prorated_by_days():
    (line,) = lines_of(
        version(one("margin_rate", "target: 0.2")),
        [figure("margin_rate", over=("20", "100"))],
        assignments=(assigned("2026-10-15"),),
    )
    assert (line.target, line.attainment) == (Fraction(1, 5), 1)


def test_two_assignments_to_one_plan_split_the_amount_not_the_attainment():
    (line,) = lines_of(
        version(one("calls", "target: 100")),
        [figure("calls", "100")],
        assignments=(
            assigned("2026-01-01", "2026-10-15"),
            assigned("2026-10-15", target_amount=Decimal("21000")),
        ),
    )
    # 10/22 x 10 000 + 12/22 x 21 000 = 4 545.4545 + 11 454.5454
    assert line.amount == Decimal("16000.00")


def test_a_leavers_target_ends_with_the_last_day_of_employment():
    payee = replace(ANNA, left_on=date(2026, 10, 14))
    (line,) = lines_of(version(one("calls", "target: 110")), [figure("calls", "50")], payee=payee)
    assert (line.target, line.attainment, line.amount) == (50, 1, Decimal("4545.45"))


def test_a_period_after_the_last_day_is_refused():
    payee = replace(ANNA, left_on=date(2026, 9, 30))
    with pytest.raises(StatementRefused, match="employment ended on 2026-09-30"):
        lines_of(version(one("calls", "target: 110")), [figure("calls", "50")], payee=payee)


@pytest.mark.parametrize(
    ("hired", "number", "asked"),
    [
        ("2026-09-01", 9, "50"),  # hired on a first: that month is the first full one
        ("2026-09-01", 10, "75"),
        ("2026-09-01", 11, "100"),
        ("2026-08-17", 9, "50"),  # hired midway: the first full month is the next
        ("2026-08-17", 10, "75"),
    ],
)
def test_a_ramp_counts_full_months_from_the_hiring(hired, number, asked):
    payee = Payee(ANNA.manager_id, "Anna", "sales", hired_on=date.fromisoformat(hired))
    ramp = (Decimal("0.5"), Decimal("0.75"))
    (line,) = lines_of(
        version(one("calls", "target: 100")),
        [figure("calls", "50")],
        period=month(2026, number),
        payee=payee,
        assignments=(assigned("2026-01-01", ramp=ramp),),
    )
    assert line.target == int(asked)


def test_the_month_of_hiring_counts_with_the_first_full_one():
    # from Monday 17 August: 11 of 21 working days, half of them asked
    payee = Payee(ANNA.manager_id, "Anna", "sales", hired_on=date(2026, 8, 17))
    (line,) = lines_of(
        version(one("calls", "target: 84")),
        [figure("calls", "22")],
        period=month(2026, 8),
        payee=payee,
        assignments=(assigned("2026-01-01", ramp=(Decimal("0.5"),)),),
    )
    assert (line.target, line.attainment) == (22, 1)


def test_a_ramp_multiplies_quotas_too():
    plan = plan_of(LARGE)
    ramp = Assignment(ANNA.manager_id, plan.plan, date(2026, 1, 1), ramp=(Decimal("0.5"),) * 3)
    payee = replace(ANNA, hired_on=date(2026, 1, 1))
    inputs = inputs_of(plan, Q1, large_figures(), WINS[:1], assignments=(ramp,), payee=payee)
    told = evaluate({plan.plan: plan}, inputs)
    # quota 1.5 m: 0.75 m x 2 % + 0.75 m x 4 % + 0.3 m x 6 % = 63 000; x 0.95
    assert amount(told) == Decimal("59850.00")
    assert {x.target for x in told} == {1500000}


def test_days_without_terms_are_refused():
    with pytest.raises(StatementRefused, match="no version for 2026-10-15"):
        lines_of(version(one("calls", "target: 1"), end="2026-10-15"), [figure("calls", "1")])
