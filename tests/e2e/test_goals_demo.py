"""Goals of the demonstration company: every verdict and status occurs, and the books agree."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import duckdb
import pytest

from dagster_project.demo.goals import GOALS, MONTHS, PLANS
from dagster_project.planning.marts import GoalMarts
from tests.conftest import SHARED, Published

VERDICTS = {
    "specific": {"specific", "no_owner", "owner_absent", "no_title"},
    "measurable": {"measurable", "no_figures", "baseline_unknown"},
    "achievable": {"trivial", "reasonable", "ambitious", "unrealistic", "no_history"},
    "relevant": {
        "relevant",
        "children_do_not_add_up",
        "no_parent",
        "does_not_drive",
        "off_strategy",
    },
    "time_bound": {"time_bound", "issued_late", "too_short"},
}


@pytest.mark.parametrize("letter", VERDICTS)
def test_every_verdict_of_a_letter_occurs_with_evidence_in_both_languages(demo: Published, letter):
    rows = demo.rows(
        f"select {letter}_verdict, {letter}_evidence_en, {letter}_evidence_ru "
        "from marts.goal_review where not is_refused"
    )
    assert {verdict for verdict, _, _ in rows} == VERDICTS[letter]
    assert all(en and ru for _, en, ru in rows)


def test_every_status_occurs(demo: Published):
    rows = demo.rows("select distinct status from marts.plan_fact where is_latest")
    assert {status for (status,) in rows} == {
        "met",
        "ahead",
        "on_track",
        "at_risk",
        "behind",
        "missed",
        "no_data",
    }


def test_every_row_of_the_sheets_is_a_goal_or_is_refused(demo: Published):
    """The tall sheet has a row a version, the wide one a goal per month, the draft four rows."""
    tall = len(GOALS.strip().splitlines()) - 1
    wide = len(PLANS) * len(MONTHS.split(";"))
    assert demo.one("select count(*) from marts.targets") == tall + wide
    assert demo.one("select count(*) from marts.goal_review where is_refused") == 4
    assert demo.one("select count(*) from marts.goal_review") == tall + wide + 4


def test_the_teams_of_the_last_quarter_miss_the_company_s_goal_by_three_percent(demo: Published):
    """47,544,056 against 42,621,296.0744 x 1.15 = 49,014,490.49: -3.0 %."""
    before = demo.kpi("booked_revenue", "2025-10-01", grain="quarter")
    (row,) = demo.rows(
        "select relevant_verdict, children_sum, children_gap_rate from marts.goal_review "
        "where goal_id = 'R-2026Q4'"
    )
    assert row[:2] == ("children_do_not_add_up", 47544056)
    assert float(row[2]) == pytest.approx(47544056 / (before * 1.15) - 1, abs=1e-9)
    assert round(row[2], 3) == Decimal("-0.030")


def test_the_last_actual_of_each_goal_is_the_published_value(demo: Published):
    compared, wrong = demo.rows(
        "select count(*), count(*) filter (where not "
        "(plan.actual is not distinct from null and kpi.value is null) "
        "and (abs(cast(plan.actual as double) - kpi.value) < 1e-6 * greatest(1, abs(kpi.value))) "
        "is not true) from marts.plan_fact as plan left join marts.kpi_values as kpi "
        "using (kpi_code, scope_type, scope_id, period_grain, period_start) where plan.is_latest"
    )[0]
    assert compared > 200
    assert wrong == 0


def test_revenue_to_date_of_a_day_is_the_sum_of_the_wins_up_to_it(demo: Published):
    wrong = demo.rows(
        "select plan.day from marts.plan_fact as plan where goal_id = 'R-2026Q4' "
        "and plan.actual <> coalesce((select sum(events.amount) "
        "from marts.fct_deal_events as events "
        "where events.event in ('won', 'reversed') and events.occurred_on >= plan.period_start "
        "and events.occurred_on <= plan.day), 0)"
    )
    assert wrong == []


def test_a_goal_changed_in_august_has_both_versions_on_their_days(demo: Published):
    rows = demo.rows(
        "select version, cast(min(day) as varchar), cast(max(day) as varchar) "
        "from marts.plan_fact where goal_id = 'R-2026Q3' group by version order by version"
    )
    assert rows == [(1, "2026-07-01", "2026-08-09"), (2, "2026-08-10", "2026-09-30")]


@pytest.mark.skipif(not SHARED.exists(), reason="the contract is not beside")
def test_the_tables_promised_to_others_are_there(demo: Published):
    script = SHARED / "checks" / "published_contract.py"
    told = subprocess.run(
        [sys.executable, str(script), str(demo.file), "goals"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout


def _ask(demo: Published, *arguments: str) -> str:
    from typer.testing import CliRunner

    from dagster_project.cli import app

    directory = demo.folder.parent.parent
    told = CliRunner().invoke(app, ["goals", "-w", str(directory), *arguments])
    assert told.exit_code == 0, told.output
    return told.output


def test_the_review_is_printed_in_both_languages(demo: Published):
    russian = _ask(demo, "--period", "2026-Q4")
    assert "подцели не сходятся" in russian and "НЕ ПРИНЯТО" not in russian
    english = _ask(demo, "--lang", "en")
    assert "REFUSED: N-3" in english
    assert "relative_percent (+5 % of the last period's rate" in english
    assert "unrealistic" in english and "still needed" in english


def test_the_review_as_json_holds_goals_and_what_they_still_take(demo: Published):
    told = json.loads(_ask(demo, "--period", "2026-Q4", "--json"))
    goals = {row["goal_id"]: row for row in told["goals"]}
    # five points more, where seven quarters lie between 14.3 and 16.5 %
    assert goals["L-2026Q4"]["achievable_verdict"] == "unrealistic"
    assert {row["driver_kpi_code"] for row in told["required_activity"]} == {
        "won_deals",
        "proposals",
        "meetings",
        "calls",
        "new_leads",
    }


def test_targets_are_proposed_for_those_who_work_and_each_was_reached_before(demo: Published):
    told = json.loads(_ask(demo, "--propose", "--period", "2027-Q1", "--json"))
    assert len(told) == 13  # of 14 people one has left
    assert "Захар Новиков" not in {row["manager_name"] for row in told}
    for row in told:
        reached = demo.rows(
            "select 1 from marts.kpi_values where kpi_code = 'booked_revenue' and scope_id = ? "
            "and period_grain = 'quarter' and is_complete "
            "and abs(numerator - cast(? as decimal(18, 4))) < 0.001",
            [row["manager_id"], row["target_value"]],
        )
        is_short = row["verdict"] == "no_history"
        assert bool(reached) != is_short
        assert row["because"]
    assert {row["verdict"] for row in told} & {"ambitious"}


def test_history_of_a_scope_begins_for_goals_where_it_begins_for_comparatives(demo: Published):
    """Goals are read from a release, which lacks engine.kpi_scopes: both must say the same day."""
    warehouse = demo.session.workspace.warehouse_file
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        marts = str(demo.session.workspace.marts_file)
        connection.execute(f"attach '{marts}' as kpi (read_only)")
        told = connection.execute(
            "select scope_type, scope_id, known_from from engine.kpi_scopes "
            "where scope_type in ('company', 'team', 'manager') and scope_id <> 'not_given'"
        ).fetchall()
        figures = GoalMarts(connection, demo.session.workspace).figures(set())
    assert len(told) == 1 + 3 + 14
    assert told == [(kind, who, figures.known_from((kind, who))) for kind, who, _ in told]
