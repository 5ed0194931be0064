"""Rules of goals on small inputs: written numbers, periods, attainment, the curve, statuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.goals.attainment import attained
from dagster_project.goals.baselines import baseline_of, key_of, with_target
from dagster_project.goals.curve import Curves, share_at
from dagster_project.goals.drivers import drives, required_activity
from dagster_project.goals.numbers import Written, read_number
from dagster_project.goals.progress import Pace, plan_fact
from dagster_project.goals.proposals import propose
from dagster_project.goals.review import achievable
from dagster_project.goals.shapes import Figures, Goal, Kpi, Person, Value
from dagster_project.pay import arithmetic
from dagster_project.period_names import is_period, read_period, shifted

EVERYWHERE = frozenset({"company", "team", "manager"})
GRAINS = frozenset({"day", "week", "month", "quarter", "year"})


def kpi(code="booked_revenue", direction="up", aggregation="additive", unit="money") -> Kpi:
    """Return a KPI that may be a target."""
    return Kpi(
        code, code, code, unit, direction, aggregation, "won date", EVERYWHERE, GRAINS,
        frozenset({"mass"}), "zero", False, True, True,
    )  # fmt: skip


def goal(
    target, *, of=None, kind="absolute", start=date(2026, 1, 1), grain="month", **more
) -> Goal:
    """Return a goal whose target is known."""
    value = Decimal(str(target))
    return Goal(
        "G", 1, "goal", of or kpi(), more.pop("scope_type", "company"),
        more.pop("scope_id", "all"), "all", grain, start, shifted(grain, start, 1), kind, value,
        target=value, **more,
    )  # fmt: skip


def months(*values: float, last=date(2025, 12, 1), code="booked_revenue", scope=("company", "all")):
    """Return values of months that end with ``last``."""
    told = {}
    for back, value in enumerate(reversed(values)):
        start = shifted("month", last, -back)
        number = Decimal(str(value))
        told[start] = Value(start, shifted("month", start, 1), number, None, number)
    return {(code, scope, "month"): told}


def figures(values=None, days=None, *, as_of=date(2026, 1, 15), **more) -> Figures:
    """Return a past in which every weekday is worked."""
    first = date(2023, 1, 1)
    every = [first + timedelta(days=n) for n in range(1500)]
    return Figures(
        as_of=as_of,
        first_incomplete_on=as_of + timedelta(days=1),
        fiscal_start=1,
        values=values or {},
        days=days or {},
        working_days=[d for d in every if d.weekday() < 5],
        people=more.pop("people", {}),
        company_strategy="mass",
        **more,
    )


# -- what is written -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 500 000", Written(Decimal(1500000))),
        ("1\u00a0500\u202f000,50", Written(Decimal("1500000.50"))),
        ("1,500,000", Written(Decimal(1500000))),
        ("1.500.000", Written(Decimal(1500000))),
        ("1,234.5", Written(Decimal("1234.5"))),
        ("1.234,5", Written(Decimal("1234.5"))),
        ("0,125", Written(Decimal("0.125"))),
        ("+15 %", Written(Decimal(15), is_signed=True, is_percent=True)),
        ("−5", Written(Decimal(-5), is_signed=True)),
        ("+5 п.п.", Written(Decimal(5), is_signed=True, is_points=True)),
        ("5 pp", Written(Decimal(5), is_points=True)),
        ("12%", Written(Decimal(12), is_percent=True)),
        ("12,500", None),
        *[(text, None) for text in ("1 2 3", "12 50", "1234 567", "1,2,3.5", "+-5 %", "--5")],
        ("1 234,5", Written(Decimal("1234.5"))),
        ("1.234.567,5", Written(Decimal("1234567.5"))),
        ("about 5", None),
        ("", None),
    ],
)
def test_a_number_is_read_as_people_write_it(text, told):
    assert read_number(text) == told


@pytest.mark.parametrize(
    ("text", "grain", "told"),
    [
        ("2026-Q4", None, ("quarter", date(2026, 10, 1))),
        ("Q4 2026", None, ("quarter", date(2026, 10, 1))),
        ("IV кв. 2026", None, ("quarter", date(2026, 10, 1))),
        ("4 квартал 2026 г.", None, ("quarter", date(2026, 10, 1))),
        ("окт 2026", None, ("month", date(2026, 10, 1))),
        ("Октябрь 2026", None, ("month", date(2026, 10, 1))),
        ("Oct-2026", None, ("month", date(2026, 10, 1))),
        ("10.2026", None, ("month", date(2026, 10, 1))),
        ("2026-10", "month", ("month", date(2026, 10, 1))),
        ("2026-10-01", "quarter", ("quarter", date(2026, 10, 1))),
        ("01.10.2026", "quarter", ("quarter", date(2026, 10, 1))),
        ("2026-10", "quarter", ("quarter", date(2026, 10, 1))),
        ("2026-11-01", "quarter", None),
        ("2026-W01", None, ("week", date(2025, 12, 29))),
        ("2026", None, ("year", date(2026, 1, 1))),
        ("2026-13", None, None),
        ("Total 2026", None, None),
    ],
)
def test_a_period_is_read_in_either_language(text, grain, told):
    assert read_period(text, 1, grain) == told


def test_quarters_begin_with_the_fiscal_year():
    assert read_period("2026-Q1", 4) == ("quarter", date(2026, 4, 1))


def test_a_header_that_is_no_period_is_none():
    assert is_period("Q1 2026")
    assert not any(is_period(h) for h in ("who", "План", "2026 plan", None, ""))


# -- attainment, the same as pay's ---------------------------------------------------------------


@given(
    actual=st.decimals(-1000, 100000, places=2),
    target=st.decimals(1, 100000, places=2),
    direction=st.sampled_from(["up", "down"]),
    kind=st.sampled_from(["absolute", "at_most", "at_least"]),
)
def test_goals_and_pay_have_one_attainment(actual, target, direction, kind):
    of_goal = attained(goal(target, of=kpi(direction=direction), kind=kind), actual, target)
    of_pay = arithmetic.attainment(Fraction(actual), Fraction(target), direction, kind)
    assert abs(Fraction(of_goal) - of_pay) < Fraction(1, 10**20)


def test_nothing_allowed_is_met_by_nothing_only():
    nothing = goal(0, kind="at_most")
    assert attained(nothing, Decimal(0), Decimal(0)) == 1
    assert attained(nothing, Decimal(1), Decimal(0)) == 0


# -- the curve and the status --------------------------------------------------------------------


def of_days(*told: tuple[date, float]):
    """Return one KPI's days for the company."""
    days = [(day, Decimal(str(value)), Decimal(0)) for day, value in sorted(told)]
    return {("booked_revenue", ("company", "all")): days}


def test_the_share_lies_on_a_straight_line_between_two_working_days():
    """Six months with all of their 100 on the last working day: nothing is there a day before it,
    half of it half a day before the end, as on a line, and all of it at the end.
    """
    starts = [shifted("month", date(2026, 2, 1), -n) for n in range(1, 7)]
    ends = []
    for start in starts:
        day = shifted("month", start, 1) - timedelta(days=1)
        while day.weekday() > 4:
            day -= timedelta(days=1)
        ends.append((day, 100.0))
    past = figures(
        months(*[100] * 6, last=date(2026, 1, 1)), of_days(*ends), as_of=date(2026, 2, 10)
    )
    curve = Curves(past).of(goal(120, start=date(2026, 2, 1)))
    assert curve.basis == "own"
    assert curve.share(Fraction(1, 2)) == 0
    for steps in curve.periods:
        days = len(steps) - 1
        assert share_at(steps, Fraction(2 * days - 1, 2 * days)) == Decimal("0.5")
        assert share_at(steps, Fraction(days - 1, days)) == 0
    assert curve.share(Fraction(1)) == 1


def test_fewer_than_six_months_take_the_team_s_curve_then_the_company_s_then_a_line():
    people = {"m": Person("m", "M", None, None, None, ((date(2020, 1, 1), "t"),))}
    own = months(*[10] * 5, scope=("manager", "m"))
    team = months(*[30] * 5, scope=("team", "t"))
    company = months(*[90] * 6)
    aim = goal(10, scope_type="manager", scope_id="m")
    known = figures(own | team | company, people=people)
    assert Curves(known).of(aim).basis == "company"
    more = figures(own | months(*[30] * 6, scope=("team", "t")) | company, people=people)
    assert Curves(more).of(aim).basis == "team"
    none = Curves(figures(own, people=people)).of(aim)
    assert (none.basis, none.share(Fraction(3, 4))) == ("straight_line", Decimal("0.75"))


@pytest.mark.parametrize(
    ("actual", "status"),
    [(53, "ahead"), (50, "on_track"), (47.5, "on_track"), (47, "at_risk"), (40, "at_risk"),
     (39, "behind"), (100, "met")],
)  # fmt: skip
def test_a_running_sum_is_judged_by_its_pace(actual, status):
    """January 2026 has 22 working days; by the 15th eleven are gone: a straight line expects 50."""
    start = date(2026, 1, 1)
    value = Value(
        start, date(2026, 2, 1), Decimal(str(actual)), None, Decimal(str(actual)), 1, False
    )
    known = figures(
        {("booked_revenue", ("company", "all"), "month"): {start: value}},
        of_days((date(2026, 1, 2), actual)),
    )
    rows = list(plan_fact([goal(100)], known, Curves(known), Pace()))
    assert rows[-1]["expected"] == 50
    assert rows[-1]["status"] == status
    assert [row["day"] for row in rows if row["is_latest"]] == [date(2026, 1, 15)]


@pytest.mark.parametrize(
    ("kind", "actual", "status"),
    [("absolute", 100, "met"), ("absolute", 99, "missed"), ("at_most", 100, "met"),
     ("at_most", 101, "missed"), ("at_least", 99, "missed")],
)  # fmt: skip
def test_a_period_that_is_over_is_met_or_missed(kind, actual, status):
    start = date(2025, 12, 1)
    known = figures(months(actual), of_days((date(2025, 12, 2), actual)))
    *_, last = plan_fact([goal(100, kind=kind, start=start)], known, Curves(known), Pace())
    assert (last["day"], last["is_complete"]) == (date(2025, 12, 31), True)
    assert (last["status"], last["landing"], last["gap"]) == (status, actual, actual - 100)


def test_less_is_better_where_the_registry_says_so():
    """A cycle of 20 days where 30 are aimed at: ahead by half; 40: behind at 0.75."""
    cycle = kpi("cycle_days_mean", "down", "ratio", "days")
    for actual, attainment, status in ((20, "1.5", "ahead"), (40, "0.75", "behind")):
        start = date(2026, 1, 1)
        value = Value(
            start, date(2026, 2, 1), Decimal(actual), Decimal(1), Decimal(actual), 1, False
        )
        known = figures({("cycle_days_mean", ("company", "all"), "month"): {start: value}})
        *_, last = plan_fact([goal(30, of=cycle)], known, Curves(known), Pace())
        assert (last["attainment"], last["status"]) == (Decimal(attainment), status)


@pytest.mark.parametrize(
    ("before", "expected", "landing"),
    [
        # from 200 at the end of December to 300: at half of January 250; 240 lands at 280
        ((date(2025, 12, 31), 200), 250, 280),
        # the last row is of 30 November, so December ended with nothing: 150, and 240 lands at 480
        ((date(2025, 11, 30), 900), 150, 480),
    ],
)
def test_a_balance_is_expected_on_a_straight_line_from_its_start(before, expected, landing):
    balance = kpi("open_pipeline", "up", "semi_additive")
    start = date(2026, 1, 1)
    value = Value(start, date(2026, 2, 1), Decimal(240), None, Decimal(240), 1, False)
    known = figures(
        {("open_pipeline", ("company", "all"), "month"): {start: value}},
        balances={
            ("open_pipeline", ("company", "all")): [
                (before[0], Decimal(before[1])),
                (date(2026, 1, 15), Decimal(240)),
            ]
        },
    )
    *_, last = plan_fact([goal(300, of=balance)], known, Curves(known), Pace())
    assert (last["expected"], last["landing"]) == (expected, landing)


def test_a_balance_known_by_months_only_starts_from_the_month_before_even_the_first():
    """MRR of 200 at the end of December, in which history begins: 250 at half of January to 300."""
    mrr = replace(kpi("mrr", "up", "semi_additive"), grains=frozenset({"month", "quarter"}))
    told = months(200, 240, last=date(2026, 1, 1), code="mrr")
    january = told["mrr", ("company", "all"), "month"]
    january[date(2026, 1, 1)] = replace(january[date(2026, 1, 1)], is_complete=False)
    known = figures(told, first_day=date(2025, 12, 9))
    *_, last = plan_fact([goal(300, of=mrr)], known, Curves(known), Pace())
    assert (last["expected"], last["landing"]) == (250, 280)


@pytest.mark.parametrize(
    ("past", "landing"),
    [
        ((0, 0, 900, 0, 0, 900, 0, 0, 900, 0, 0, 900), 40),  # of ten months six brought nothing: 0
        ((0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 120, 110), 95),  # since there is any: 110, half to come
        ((0, 0, 0), 80),  # never any: twice what half of the month brought
    ],
)
def test_months_without_any_count_in_the_usual_result_once_there_was_some(past, landing):
    """40 by the 15th of January, when half of its working days are gone on a straight line."""
    start = date(2026, 1, 1)
    told = months(*past)
    value = Value(start, date(2026, 2, 1), Decimal(40), None, Decimal(40), 1, False)
    told["booked_revenue", ("company", "all"), "month"][start] = value
    known = figures(told, of_days((date(2026, 1, 2), 40)))
    *_, last = plan_fact([goal(100)], known, Curves(known), Pace())
    assert (last["expected_basis"], last["landing"]) == ("straight_line", landing)


def test_a_sum_that_no_day_holds_is_expected_on_a_straight_line():
    """New MRR is known by months: of 1 500 half is expected by the 15th, 1 000 land at 1 500.

    (On the curve of twelve months, whose days hold nothing, nothing was expected to the last day
    and a whole usual month of 1 000 was still to come.)
    """
    mrr_new = replace(kpi("mrr_new"), grains=frozenset({"month"}), date_rule="month of change")
    start = date(2026, 1, 1)
    told = months(*[1000] * 12, code="mrr_new")
    value = Value(start, date(2026, 2, 1), Decimal(1000), None, Decimal(1000), 1, False)
    told["mrr_new", ("company", "all"), "month"][start] = value
    *_, last = plan_fact([goal(1500, of=mrr_new)], figures(told), Curves(figures(told)), Pace())
    assert (last["expected_basis"], last["expected"]) == ("straight_line", 750)
    assert (last["status"], last["landing"]) == ("ahead", 1500)


def test_a_rate_that_needs_enough_cases_of_a_period_is_not_put_together_of_days():
    """100 of 600 by amount; of the 5th, where a loss lacks its amount, nothing is known by itself.

    Of the other days 0 of 400 remain, which is no rate to date; that of the period stands last.
    """
    rate = replace(kpi("win_rate_amount", "up", "ratio", "share"), needs_share=True)
    start = date(2026, 1, 1)
    value = Value(
        start, date(2026, 2, 1), Decimal(100), Decimal(600), Decimal(1) / 6, 6, is_complete=False
    )
    known = figures(
        {("win_rate_amount", ("company", "all"), "month"): {start: value}},
        {("win_rate_amount", ("company", "all")): [(date(2026, 1, 6), Decimal(0), Decimal(400))]},
    )
    rows = list(plan_fact([goal("0.5", of=rate)], known, Curves(known), Pace()))
    assert {row["actual"] for row in rows[:-1]} == {None}
    assert rows[-1]["actual"] == Decimal(1) / 6


def test_a_version_given_to_another_is_held_against_the_other_s_figures():
    """Ann's goal goes to Bob on 10 January: 70 of hers until then, 30 of his from then on."""
    start = date(2026, 1, 1)
    told, days = {}, {}
    for who, amount in (("a", 70), ("b", 30)):
        scope = ("manager", who)
        value = Value(start, date(2026, 2, 1), Decimal(amount), None, Decimal(amount), 1, False)
        told["booked_revenue", scope, "month"] = {start: value}
        days["booked_revenue", scope] = [(date(2026, 1, 2), Decimal(amount), Decimal(0))]
    known = figures(told, days)
    ann = goal(100, scope_type="manager", scope_id="a")
    bob = replace(ann, version=2, scope_id="b", issued_on=date(2026, 1, 10))
    rows = {r["day"].day: r for r in plan_fact([ann, bob], known, Curves(known), Pace())}
    shown = {day: (rows[day]["scope_id"], rows[day]["actual"]) for day in (9, 10, 15)}
    assert shown == {9: ("a", 70), 10: ("b", 30), 15: ("b", 30)}
    assert rows[15]["attainment"] == Decimal("0.3")


def test_a_product_of_which_nothing_was_sold_stands_at_nothing():
    """Products have no row for a month without sales; the company's row says that it is known."""
    start = date(2026, 1, 1)
    told = months(5, 5, 5, 5, 60, last=start)
    product = ("product", "p")
    told["booked_revenue", product, "month"] = {
        date(2025, 10, 1): Value(date(2025, 10, 1), date(2025, 11, 1), Decimal(9), None, Decimal(9))
    }
    known = figures(told, zero_codes=frozenset({"booked_revenue"}))
    aim = goal(100, scope_type="product", scope_id="p")
    *_, last = plan_fact([aim], known, Curves(known), Pace())
    assert (last["actual"], last["attainment"], last["status"]) == (0, 0, "behind")
    past = known.before("booked_revenue", product, "month", start)
    assert [v.value for v in past] == [9, 0, 0]  # October to December; nothing is known of before
    never = replace(aim, scope_id="new")
    *_, last = plan_fact([never], known, Curves(known), Pace())
    assert (last["actual"], last["status"]) == (0, "behind")
    assert known.before("booked_revenue", ("product", "new"), "month", start) == []
    seller = replace(aim, scope_type="manager", scope_id="gone")
    *_, last = plan_fact([seller], known, Curves(known), Pace())
    assert (last["actual"], last["status"]) == (None, "no_data")


def test_a_median_to_date_is_between_its_two_neighbours():
    """10 on the 2nd, 20 on the 5th, 40 on the 6th: medians 10, 15, 20 of what is there by then."""
    median = kpi("cycle_days_median", "down", "distribution", "days")
    start = date(2026, 1, 1)
    value = Value(start, date(2026, 2, 1), None, None, Decimal(20), 3, False)
    known = figures(
        {("cycle_days_median", ("company", "all"), "month"): {start: value}},
        samples={
            ("cycle_days_median", ("company", "all")): [
                (date(2025, 12, 9), 99, 5),
                (date(2026, 1, 2), 10, 1),
                (date(2026, 1, 5), 20, 1),
                (date(2026, 1, 6), 40, 1),
            ]
        },
        percentiles={"cycle_days_median": 0.5},
    )
    by_day = {
        row["day"].day: row["actual"]
        for row in plan_fact([goal(30, of=median)], known, Curves(known), Pace())
    }
    assert [by_day[day] for day in (1, 2, 5, 6, 15)] == [None, 10, 15, 20, 20]


# -- baselines -----------------------------------------------------------------------------------


def test_three_months_before_are_a_mean_of_sums_and_a_sum_over_sum_of_ratios():
    """100, 110, 150: 120. 1 of 10, 2 of 10 and 9 of 30: 12 of 50, not the mean of the shares."""
    sums = goal(10, kind="relative_percent", baseline_kind="trailing_3")
    assert baseline_of(sums, figures(months(90, 100, 110, 150))) == 120
    rate = kpi("win_rate", "up", "ratio", "share")
    parts = ((1, 10), (2, 10), (9, 30))
    told = {}
    for back, (upper, lower) in enumerate(reversed(parts)):
        start = shifted("month", date(2025, 12, 1), -back)
        u, w = Decimal(upper), Decimal(lower)
        told[start] = Value(start, shifted("month", start, 1), u, w, u / w)
    known = figures({("win_rate", ("company", "all"), "month"): told})
    points = goal("0.05", of=rate, kind="percentage_points", baseline_kind="trailing_3")
    assert baseline_of(points, known) == Decimal("0.24")
    assert with_target(points, known, {}).target == Decimal("0.29")
    # a month without a close adds nothing to either part: 10 of 40; an unknown one leaves no base
    november = date(2025, 11, 1)
    told[november] = Value(november, date(2025, 12, 1), Decimal(0), Decimal(0), None)
    assert baseline_of(points, known) == Decimal("0.25")
    told[november] = Value(november, date(2025, 12, 1), None, None, None)
    assert baseline_of(points, known) is None


def test_the_first_run_reckons_with_a_baseline_as_later_ones_find_it_kept():
    """1, 1 and 2: 1.3333333333 at ten decimals, and a tenth more."""
    aim = goal(10, kind="relative_percent", baseline_kind="trailing_3")
    known = figures(months(1, 1, 2))
    kept = {key_of(aim): Decimal("1.3333333333")}
    assert with_target(aim, known, {}).target == Decimal("1.46666666663")
    assert with_target(aim, known, kept) == with_target(aim, known, {})


def test_a_base_that_is_not_complete_or_not_above_nothing_leaves_the_target_unknown():
    aim = goal(15, kind="relative_percent", baseline_kind="previous_period")
    open_month = months(100)
    start = date(2025, 12, 1)
    open_month["booked_revenue", ("company", "all"), "month"][start] = Value(
        start, date(2026, 1, 1), Decimal(100), None, Decimal(100), 1, False
    )
    assert with_target(aim, figures(open_month), {}).target is None
    assert with_target(aim, figures(months(0)), {}).target is None
    assert with_target(aim, figures(months(100)), {}).target == 115
    year_ago = goal(15, kind="relative_percent", baseline_kind="year_ago")
    assert with_target(year_ago, figures(months(200, *[1] * 11)), {}).target == 230
    kept = {key_of(aim): Decimal(80)}
    assert with_target(aim, figures(months(100)), kept).target == 92


@pytest.mark.parametrize(
    ("employed_from", "target"),
    [
        (date(2025, 10, 20), Decimal(345)),  # of the quarter's first month something is known
        (date(2025, 11, 3), None),  # two months are no quarter to grow from
    ],
)
def test_a_quarter_of_which_employment_lacks_the_first_month_is_no_base(employed_from, target):
    """300 in the fourth quarter + 15 % = 345, where `value_previous` of kpi_values has 300 too."""
    people = {"m": Person("m", "M", employed_from, None, None, ((date(2020, 1, 1), "t"),))}
    start = date(2025, 10, 1)
    value = Value(start, date(2026, 1, 1), Decimal(300), None, Decimal(300))
    known = figures(
        {
            ("booked_revenue", scope, "quarter"): {start: value}
            for scope in (("manager", "m"), ("team", "t"), ("company", "all"))
        },
        people=people,
        first_day=date(2023, 1, 1),
    )
    for scope_type, scope_id in (("manager", "m"), ("team", "t")):
        aim = goal(
            15, kind="relative_percent", baseline_kind="previous_period", grain="quarter",
            scope_type=scope_type, scope_id=scope_id,
        )  # fmt: skip
        assert with_target(aim, known, {}).target == target
    company = goal(15, kind="relative_percent", baseline_kind="previous_period", grain="quarter")
    assert with_target(company, known, {}).target == 345


# -- what it takes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "goal_ids", "gap"),
    [
        ({"Jan": 8, "Feb": 8, "Mar": 8}, "Jan; Feb; Mar", 4),  # 24 of 20
        ({"Jan": 8}, None, None),  # of two months nothing is said yet: no comparison
        ({"Jan": 8, "Q": 18}, "Q", -2),  # one for the whole quarter speaks for it
    ],
)
def test_tasks_by_the_month_are_compared_together_with_what_a_quarter_takes(given, goal_ids, gap):
    """10 wins at one of two proposals: 20 proposals, none of which is made."""
    wins, proposals = kpi("won_deals", unit="count"), kpi("proposals", unit="count")
    start = date(2025, 12, 1)
    rate = Value(start, date(2026, 1, 1), Decimal(12), Decimal(24), Decimal("0.5"), 24)
    known = figures({("proposal_to_win_rate", ("company", "all"), "month"): {start: rate}})
    tasks = [
        replace(
            goal(target, of=proposals, grain="quarter" if name == "Q" else "month", start=first),
            goal_id=name,
            kind="task",
        )
        for name, target in given.items()
        for first in [date(2026, {"Jan": 1, "Feb": 2, "Mar": 3, "Q": 1}[name], 1)]
    ]
    (row,) = required_activity(goal(10, of=wins, grain="quarter"), Decimal(0), known, tasks)
    assert (row["driver_kpi_code"], row["required"]) == ("proposals", 20)
    assert (row["task_goal_id"], row["task_gap"]) == (goal_ids, gap)


# -- achievable and proposals --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("past", "target", "verdict"),
    [
        ((80, 90, 100, 110, 120), 105, "trivial"),  # the last two are above it
        ((120, 80, 100, 90, 110), 105, "reasonable"),  # mean 100, deviation 15.8: z 0.32
        ((120, 80, 100, 90, 110), 120, "ambitious"),  # z 1.26, reached once
        ((120, 80, 100, 90, 110), 131, "ambitious"),  # z 1.96, never reached
        ((120, 80, 100, 90, 110), 132, "unrealistic"),  # z 2.02
        ((80, 80, 200, 80, 80, 80), 199, "ambitious"),  # z 1.94 and below the best
        ((100, 100, 100), 90, "no_history"),
        ((100, 100, 100, 100), 101, "unrealistic"),  # no spread at all
    ],
)
def test_a_target_is_judged_against_its_own_past(past, target, verdict):
    known = figures(months(*past))
    assert achievable(goal(target), known).verdict == verdict


def test_a_target_that_should_be_small_is_harder_the_smaller_it_is():
    """120, 80, 100, 90, 110: to get below 69 is 1.96 deviations, below 68 2.02."""
    slow = kpi(direction="down")
    known = figures(months(120, 80, 100, 90, 110))
    assert achievable(goal(69, of=slow), known).verdict == "ambitious"
    assert achievable(goal(68, of=slow), known).verdict == "unrealistic"
    assert achievable(goal(115, of=slow), known).verdict == "trivial"


def test_a_proposal_is_the_easiest_past_result_that_is_ambitious():
    """Of 120, 80, 100, 90, 110 only 120 lies more than a deviation of 15.8 above the mean."""
    told = propose(goal(1), figures(months(120, 80, 100, 90, 110)))
    assert (told.target, told.verdict) == (120, "ambitious")


def test_without_history_nothing_is_proposed():
    told = propose(goal(1), figures(months(100, 110)))
    assert (told.target, told.verdict) == (None, "no_history")


def test_the_first_month_of_a_history_or_of_employment_is_no_whole_month():
    people = {"m": Person("m", "M", date(2025, 9, 10), None, None)}
    known = figures(
        months(1, 2, 3, 4, scope=("manager", "m")), people=people, first_day=date(2024, 1, 1)
    )
    past = known.before("booked_revenue", ("manager", "m"), "month", date(2026, 1, 1))
    assert [v.value for v in past] == [2, 3, 4]


@pytest.mark.parametrize(
    ("driver", "outcome", "is_so"),
    [("calls", "booked_revenue", True), ("average_check", "booked_revenue", True),
     ("lead_conversion", "booked_revenue", True), ("spend", "booked_revenue", True),
     ("crm_hygiene", "booked_revenue", False), ("booked_revenue", "calls", False)],
)  # fmt: skip
def test_the_tree_of_drivers_says_what_serves_what(driver, outcome, is_so):
    assert drives(driver, outcome) is is_so
