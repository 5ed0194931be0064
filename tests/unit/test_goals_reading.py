"""Rows of targets as goals: names, kinds, currencies, versions; without a warehouse."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from dagster_project.goals.reading import Surroundings, in_force, read_goals
from tests.unit.test_goals import figures, kpi

KPIS = {
    one.code: one
    for one in (kpi(), kpi("calls", unit="count"), kpi("win_rate", "up", "ratio", "share"))
}
NAMES = {
    ("manager", "ann"): [("crm:1", "Ann")],
    ("manager", "bob"): [("crm:2", "Bob"), ("crm:3", "Bob")],
    ("company", "all"): [("all", "Test")],
}


def read(*rows: dict):
    """Read rows whose unsaid columns are those of a goal on revenue of a month."""
    usual = {
        "kpi_code": "booked_revenue",
        "scope_type": "company",
        "period_start": "2026-02",
        "target_value": "100",
        "_source_file": "targets/goals.csv",
        "_file_sha256": "a",
        "_observed_at": datetime(2026, 1, 10, 12),
    }
    told = [usual | {"_source_row": n} | row for n, row in enumerate(rows, start=2)]
    rates = {("USD", date(2026, 1, 15)): Decimal("90"), ("USD", date(2026, 1, 1)): Decimal("80")}
    return read_goals(
        told,
        Surroundings(
            KPIS,
            figures(),
            lambda kind, text: NAMES.get((kind, text.casefold()), []),
            lambda currency, day: rates.get((currency, day)),
            "RUB",
        ),
    )


def test_a_target_in_another_currency_is_taken_at_the_rate_of_its_first_day():
    """January began at 80; February is still ahead of the 15th, whose rate of 90 is the last."""
    goals, refused = read(
        {"currency": "USD", "period_start": "2026-01", "target_value": "1000", "floor": "500"},
        {"currency": "USD"},
    )
    assert refused == []
    assert [(g.given, g.floor) for g in goals] == [(80000, 40000), (9000, None)]


def test_a_given_baseline_is_in_the_currency_of_its_row():
    (aim,), _ = read(
        {"currency": "USD", "target_kind": "relative_percent", "target_value": "10",
         "baseline_value": "200"}
    )  # fmt: skip
    assert (aim.given, aim.baseline_kind, aim.baseline_given) == (10, "given", 18000)


def test_a_currency_without_a_rate_is_refused():
    goals, (refused,) = read({"currency": "EUR"})
    assert goals == []
    assert "no rate of EUR for 2026-01-15" in refused.because.en
    assert "нет курса EUR" in refused.because.ru


def test_a_name_of_two_people_is_refused_with_both_keys():
    _, (refused,) = read({"scope_type": "manager", "scope_id": "Bob"})
    assert "means 2 of them: crm:2, crm:3" in refused.because.en


def test_words_of_a_sheet_may_be_russian():
    (aim,), _ = read(
        {"kind": "задача", "scope_type": "менеджер", "scope_id": "ann", "target_kind": "не меньше",
         "period_start": "2026-01-01", "period_grain": "квартал"}
    )  # fmt: skip
    assert (aim.kind, aim.scope_id, aim.target_kind, aim.grain) == (
        "task",
        "crm:1",
        "at_least",
        "quarter",
    )


def test_periods_of_one_id_are_goals_of_their_own_and_keep_their_parents():
    goals, _ = read(
        {"goal_id": "P", "period_start": "2026-01"},
        {"goal_id": "P", "period_start": "2026-02"},
        {"goal_id": "C", "parent_goal_id": "P", "period_start": "2026-01"},
        {"goal_id": "C", "parent_goal_id": "P", "period_start": "2026-02"},
    )
    assert {g.goal_id: g.parent_goal_id for g in goals} == {
        "P@2026-01-01": None,
        "P@2026-02-01": None,
        "C@2026-01-01": "P@2026-01-01",
        "C@2026-02-01": "P@2026-02-01",
    }


def test_a_goal_delivered_again_as_it_was_is_one_version():
    goals, _ = read(
        {"goal_id": "G", "_file_sha256": "a"},
        {"goal_id": "G", "_file_sha256": "b", "_observed_at": datetime(2026, 3, 1)},
    )
    assert [g.version for g in goals] == [1]


def test_versions_are_numbered_in_the_order_in_which_they_came():
    goals, _ = read(
        {"goal_id": "G", "target_value": "3", "_file_sha256": "c",
         "_observed_at": datetime(2026, 2, 20), "observed_on": date(2026, 2, 20)},
        {"goal_id": "G", "target_value": "1", "_file_sha256": "a"},
        {"goal_id": "G", "target_value": "2", "_file_sha256": "b",
         "_observed_at": datetime(2026, 2, 5, 23), "observed_on": date(2026, 2, 6)},
    )  # fmt: skip
    assert [(g.version, g.given, g.issued_on) for g in goals] == [
        (1, 1, None),
        (2, 2, date(2026, 2, 6)),
        (3, 3, date(2026, 2, 20)),
    ]
    held = [in_force(goals, date(2026, 2, day)).version for day in (1, 5, 6, 19, 20, 28)]
    assert held == [1, 1, 2, 2, 3, 3]


def test_a_sheet_set_back_is_a_version_and_a_row_that_merely_stands_there_still_is_none():
    """100 on 10 January, 120 on the 20th, 100 again on the 30th: the very same file, seen twice.

    On 5 February another row of the sheet changes, on the 6th the sheet is set to 120 once more;
    on the 7th it changes elsewhere again, and a second sheet says 130.
    """
    first, again = datetime(2026, 1, 10, 12), datetime(2026, 1, 30, 12)
    days = {"b": 20, "d": 36, "e": 37, "f": 38}
    later = [
        {"goal_id": "G", "target_value": value, "_file_sha256": sheet,
         "_observed_at": datetime(2026, 1, 1, 12) + timedelta(days=days[sheet] - 1),
         "observed_on": date(2026, 1, 1) + timedelta(days=days[sheet] - 1)}
        for sheet, value in (("b", "120"), ("d", "100"), ("e", "120"), ("f", "120"))
    ]  # fmt: skip
    other = {"goal_id": "G", "target_value": "130", "_source_file": "targets/more.csv",
             "_file_sha256": "m", "_observed_at": datetime(2026, 2, 7, 9),
             "observed_on": date(2026, 2, 7)}  # fmt: skip
    goals, _ = read(
        {"goal_id": "G", "_observed_at": again, "observed_on": again.date(),
         "_came_before": [(first, first.date())]},
        *later,
        other,
    )  # fmt: skip
    assert [(g.version, g.given, g.issued_on) for g in goals] == [
        (1, 100, None),
        (2, 120, date(2026, 1, 20)),
        (3, 100, date(2026, 1, 30)),
        (4, 120, date(2026, 2, 6)),
        (5, 130, date(2026, 2, 7)),
    ]


def test_within_one_sheet_the_last_row_of_a_version_counts():
    goals, _ = read({"goal_id": "G", "target_value": "1"}, {"goal_id": "G", "target_value": "2"})
    assert [(g.version, g.given) for g in goals] == [(1, 2)]


def test_before_its_first_issue_the_first_version_holds():
    goals, _ = read({"goal_id": "G", "issued_on": date(2026, 2, 10)})
    assert in_force(goals, date(2026, 2, 1)).version == 1


def test_what_a_percentage_is_of_must_be_said():
    _, refused = read(
        {"kpi_code": "calls", "target_value": "+20"},
        {"kpi_code": "calls", "target_value": "20 %"},
        {"kpi_code": "calls", "target_kind": "relative_percent", "target_value": "0.2"},
        {"kpi_code": "win_rate", "target_kind": "percentage_points", "target_value": "0.05"},
    )
    assert [r.because.en.split(";")[0] for r in refused] == [
        "`20` does not say of what",
        "`20%` does not say of what",
        "0.2 with relative_percent may be 0.2 % or 20.0 %",
        "0.05 with percentage_points may be 0.05 or 5.00 points",
    ]


def test_a_change_in_percent_of_what_is_no_share_can_only_be_relative():
    (aim,), _ = read({"kpi_code": "calls", "target_value": "+20 %"})
    assert (aim.target_kind, aim.given, aim.baseline_kind) == (
        "relative_percent",
        20,
        "previous_period",
    )
