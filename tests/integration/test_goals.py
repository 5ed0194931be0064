"""Goals worked out by hand: review, plan against fact, required activity, pay, pipeline coverage.

The company: Ann and Bob in North, Cid in South. Nine quarters from 2024 bring 100, 130, 110, 140, 120,
150, 130, 160, 140 thousand: half of it on the 10th day of the first month, half on the 10th of the
third, a third of each by every seller. April 2026 brings 77,280 in three deals. There are no public
holidays, so that working days are Mondays to Fridays. The day looked from is 2026-05-15.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from dagster_project.closing.closing import close
from dagster_project.settings import load_workspace
from tests.conftest import Company, Published, run_all

QUARTERS = (100, 130, 110, 140, 120, 150, 130, 160, 140)
SELLERS = ("Ann", "Bob", "Cid")
GOALS = """\
goal_id,kind,parent_goal_id,title,owner_manager_id,kpi_code,scope_type,scope_id,period_start,target_kind,target_value,baseline_kind,issued_on
Q,goal,,Grow by 15 %,Ann,booked_revenue,company,,2026-Q2,relative_percent,+15,previous_period,2026-03-20
N,goal,Q,North,Ann,booked_revenue,team,North,2026-Q2,absolute,104000,,2026-03-20
S,goal,Q,South,Cid,booked_revenue,team,South,2026-Q2,absolute,52170,,2026-03-20
A,goal,N,Ann's part,ann@example.com,booked_revenue,manager,ann@example.com,2026-Q2,absolute,52000,,2026-03-20
B,goal,N,Bob's part,Bob,booked_revenue,manager,Bob,2026-Q2,absolute,52000,,2026-03-20
T1,task,Q,More calls,Ann,calls,company,,2026-Q2,relative_percent,+20,previous_period,2026-03-20
T2,task,Q,Convert better,Bob,lead_conversion,company,,2026-Q2,percentage_points,+5,previous_period,2026-03-20
T3,task,Q,Sell dearer,Cid,average_check,company,,2026-Q2,relative_percent,10,previous_period,2026-03-20
X,goal,,The impossible,Cid,booked_revenue,manager,Cid,2026-Q2,absolute,400000,,2026-03-20
"""
PLAN = """\
plan: p
currency: RUB
period: quarter
versions:
  - from: 2026-01-01
    target_amount: 1000
    components:
      - {kpi: booked_revenue, weight: 100, curve: line}
    curves: {line: [[0, 0], [100, 100], [200, 200]]}
    clawback: {window_days: 90}
"""


def firm(directory, goals: str = GOALS, **settings) -> Company:
    """Return the company of this file's head."""
    company = Company(directory)
    company.settings |= {"as_of": "2026-05-15", "country": None} | settings
    company.entity("managers", "manager_name team email")
    company.file(
        "managers.csv",
        "manager_name,team,email\nAnn,North,ann@example.com\nBob,North,bob@example.com\n"
        "Cid,South,cid@example.com\n",
    )
    deals = ["deal_id,stage,opened_at,closed_at,amount,manager_name,lead_id"]
    number = 0
    for place, thousand in enumerate(QUARTERS):
        year, month = 2024 + place // 4, place % 4 * 3 + 1
        for first in (month, month + 2):
            for seller in SELLERS:
                number += 1
                amount = Decimal(thousand * 1000) / 6
                lead = f"L{number}" if (year, month) == (2026, 1) else ""
                deals.append(
                    f"D{number},won,2023-12-29,{year}-{first:02d}-10,{amount:.2f},{seller},{lead}"
                )
    for seller in SELLERS:
        number += 1
        deals.append(f"D{number},won,2023-12-29,2026-04-10,25760,{seller},")
    company.entity("deals", "deal_id stage opened_at closed_at amount manager_name lead_id")
    company.file("deals.csv", "\n".join(deals) + "\n")
    # 24 leads of February 2026 beside the six of the quarter's deals (49 to 54)
    leads = ["lead_id,created_at,manager_name"]
    leads += [f"L{n},2026-01-02 10:00:00,{SELLERS[n % 3]}" for n in range(49, 55)]
    leads += [f"F{n},2026-02-02 10:00:00,{SELLERS[n % 3]}" for n in range(24)]
    company.entity("leads", "lead_id created_at manager_name")
    company.file("leads.csv", "\n".join(leads) + "\n")
    made = ["activity_id,kind,occurred_at,manager_name,status"]
    for kind, count in (("call", 384), ("meeting", 96), ("proposal", 48)):
        made += [
            f"{kind}{n},{kind},2026-02-{n % 20 + 2:02d} 10:00:00,{SELLERS[n % 3]},done"
            for n in range(count)
        ]
    made.append("first,call,2023-12-29 10:00:00,Ann,done")
    company.entity("activities", "activity_id kind occurred_at manager_name status")
    company.file("activities.csv", "\n".join(made) + "\n")
    sheet = company.directory / "targets" / "goals.csv"
    sheet.parent.mkdir(parents=True, exist_ok=True)
    sheet.write_text(goals, encoding="utf-8")
    return company


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Published:
    """Return the company's release, computed once, with pay by goals."""
    company = firm(tmp_path_factory.mktemp("goals") / "ws")
    bonus = company.directory / "bonus"
    bonus.mkdir()
    (bonus / "p.yml").write_text(PLAN)
    (bonus / "assignments.csv").write_text("manager_id,plan,from\nAnn,p,2026-04-01\n")
    return company.run()


def latest(published: Published, goal_id: str) -> dict:
    """Return the last row of a goal's plan against fact."""
    return _row(published, "select * from marts.plan_fact where goal_id = ? and is_latest", goal_id)


def reviewed(published: Published, goal_id: str) -> dict:
    """Return the review of a goal."""
    return _row(published, "select * from marts.goal_review where goal_id = ?", goal_id)


def _row(published: Published, sql: str, goal_id: str) -> dict:
    with duckdb.connect(str(published.file), read_only=True) as release:
        found = release.execute(sql, [goal_id])
        names = [column[0] for column in found.description]
        (row,) = found.fetchall()
    return dict(zip(names, row, strict=True))


# -- the acceptance in words, figure by figure ---------------------------------------------------


def test_a_relative_goal_grows_from_the_quarter_before(published):
    """140,000.00 (six deals of 23,333.33) is 139,999.98; and 15 % more is 160,999.977."""
    row = latest(published, "Q")
    assert (row["baseline"], row["target"]) == (Decimal("139999.98"), Decimal("160999.977"))


def test_expected_to_date_is_the_share_usual_at_this_fraction_of_working_days(published):
    """33 of 65 working days are gone: in each of nine past quarters half was there by then.

    Expected 160,999.977 / 2 = 80,499.9885; actual 77,280; pace 0.96. Landing: actual and the other
    half of the median quarter, 130,000 (six deals of 21,666.67 are 130,000.02).
    """
    row = latest(published, "Q")
    assert row["actual"] == 77280
    assert row["expected"] == Decimal("80499.9885")
    assert round(row["pace"], 6) == Decimal("0.960000")
    assert row["expected_basis"] == "own"
    assert row["landing"] == Decimal("77280") + Decimal("65000.01")
    assert row["gap"] == row["landing"] - Decimal("160999.977")
    assert round(row["attainment"], 6) == round(Decimal(77280) / Decimal("160999.977"), 6)
    assert row["status"] == "on_track"


def test_progress_counts_from_the_baseline(published):
    """(77,280 - 139,999.98) / (160,999.977 - 139,999.98) = -62,719.98 / 20,999.997."""
    assert round(latest(published, "Q")["progress"], 4) == Decimal("-2.9867")


def test_there_is_a_row_for_every_day_up_to_the_day_looked_from(published):
    rows = published.rows(
        "select day, actual, is_latest from marts.plan_fact where goal_id = 'Q' order by day"
    )
    assert len(rows) == 45  # April and 15 days of May
    assert rows[0] == (date(2026, 4, 1), 0, False)
    assert [actual for day, actual, _ in rows if day == date(2026, 4, 9)] == [0]
    assert [actual for day, actual, _ in rows if day == date(2026, 4, 10)] == [77280]
    assert [day for day, _, is_latest in rows if is_latest] == [date(2026, 5, 15)]


def test_the_last_actual_is_the_published_value_of_the_period(published):
    wrong = published.rows(
        "select plan.goal_id from marts.plan_fact as plan inner join marts.kpi_values as kpi "
        "using (kpi_code, scope_type, scope_id, period_grain, period_start) "
        "where plan.is_latest and abs(cast(plan.actual as double) - kpi.value) > 1e-6"
    )
    assert wrong == []


def test_a_child_sum_that_misses_its_parent_by_three_percent_is_named(published):
    """104,000 + 52,170 = 156,170, where 160,999.977 is aimed at: -4,829.977, -3.0 %."""
    row = reviewed(published, "Q")
    assert row["relevant_verdict"] == "children_do_not_add_up"
    assert row["children_sum"] == 156170
    assert row["children_gap"] == Decimal("-4829.977")
    assert round(row["children_gap_rate"], 4) == Decimal("-0.0300")
    assert "156\u202f170" in row["relevant_evidence_en"] and "-3 %" in row["relevant_evidence_en"]
    assert "156\u202f170" in row["relevant_evidence_ru"] and "-3 %" in row["relevant_evidence_ru"]


def test_children_that_add_up_say_so(published):
    """Ann and Bob take 52,000 each of North's 104,000."""
    row = reviewed(published, "N")
    assert (row["relevant_verdict"], row["children_gap"]) == ("relevant", 0)


def test_growth_of_fifteen_percent_is_ambitious(published):
    """Nine quarters: mean 131.11, deviation 19.00: (161 - 131.11) / 19.00 = 1.573 <= 2."""
    row = reviewed(published, "Q")
    assert row["achievable_verdict"] == "ambitious"
    assert round(row["z_score"], 2) == Decimal("1.57")
    assert row["percentile"] == 1
    assert row["best_ever"] == Decimal("160000.02")
    assert round(row["same_season"], 2) == Decimal("150000.00")
    assert round(row["required_growth"], 6) == Decimal("0.150000")
    assert round(row["best_growth"], 2) == Decimal("0.30")  # 100 -> 130


def test_an_impossible_target_is_called_unrealistic(published):
    """Cid's best quarter is a third of 160,000; 400,000 lies 57 deviations above the mean."""
    row = reviewed(published, "X")
    assert row["achievable_verdict"] == "unrealistic"
    assert "nothing like it was ever reached" in row["achievable_evidence_en"]
    assert "ничего подобного ещё не было" in row["achievable_evidence_ru"]


def test_tasks_resolve_by_their_kind(published):
    """384 calls + 20 % = 460.8; 6 of 30 leads = 20 % + 5 points = 25 %; 23,333.33 + 10 %."""
    assert latest(published, "T1")["target"] == Decimal("460.8")
    assert latest(published, "T2")["target"] == Decimal("0.25")
    assert latest(published, "T3")["target"] == Decimal("25666.663")


def test_tasks_serve_their_goal_by_the_tree_of_drivers(published):
    for goal_id in ("T1", "T2", "T3"):
        assert reviewed(published, goal_id)["relevant_verdict"] == "relevant"


def test_a_ratio_is_expected_to_hold_at_once(published):
    """Average check of April 25,760 against 25,666.663: pace 1.0036, on track; no lead yet: no data."""
    row = latest(published, "T3")
    assert (row["expected"], row["expected_basis"]) == (row["target"], "target")
    assert round(row["pace"], 4) == Decimal("1.0036")
    assert (row["status"], row["landing"]) == ("on_track", Decimal("25760"))
    assert latest(published, "T2")["status"] == "no_data"


def test_a_manager_is_known_by_e_mail_and_the_e_mail_is_not_published(published):
    assert reviewed(published, "A")["scope_name"] == "Ann"
    assert latest(published, "A")["actual"] == 25760
    for table in ("targets", "goal_review", "plan_fact"):
        text = str(published.rows(f"select * from marts.{table}"))
        assert "example.com" not in text


def test_required_activity_follows_the_own_rates_of_twelve_months(published):
    """Still to sell: 160,999.977 - 77,280 = 83,719.977 in 32 working days.

    May 2025 to April 2026: 75,000 + 130,000 + 160,000 + 140,000 + 77,280 in 24 deals: a check of
    24,261.67, so 3.45 wins -> 4. 24 wins of 48 proposals: 6.90 -> 7; 48 of 96 meetings: 13.80 -> 14;
    96 of 384 calls: 55.21 -> 56. Usual calls: 384 on 261 working days; 56 / 32 = 1.75 a day, x 1.19.
    """
    rows = {
        row[0]: row[1:]
        for row in published.rows(
            "select driver_kpi_code, required, working_days_left, round(required_per_day, 4), "
            "round(usual_per_day, 4), round(factor, 4), rate_basis "
            "from marts.required_activity where goal_id = 'Q'"
        )
    }
    assert rows["won_deals"][:2] == (4, 32)
    assert rows["proposals"][:2] == (7, 32)
    assert rows["meetings"][:2] == (14, 32)
    assert rows["calls"] == (
        56,
        32,
        Decimal("1.75"),
        Decimal("1.4713"),
        Decimal("1.1895"),
        "own",
    )


def test_a_task_given_by_hand_is_compared_with_what_is_required(published):
    """460.8 calls aimed at, 56 required and none made in the quarter: 404.8 to spare."""
    row = published.rows(
        "select task_goal_id, task_target, task_gap from marts.required_activity "
        "where goal_id = 'Q' and driver_kpi_code = 'calls'"
    )
    assert row == [("T1", Decimal("460.8"), Decimal("404.8"))]


def test_few_cases_take_the_rates_of_the_team_or_the_company_and_say_so(published):
    """Cid has 8 deals in 12 months, his team too; 20 are needed: the company's check is taken."""
    (row,) = published.rows(
        "select rate_basis, explanation_en from marts.required_activity "
        "where goal_id = 'X' and driver_kpi_code = 'won_deals'"
    )
    assert row[0] == "company"
    assert "those of the company are taken" in row[1]


def test_pay_takes_the_goal_of_the_payee(published):
    """Ann: 25,760 of 52,000 = 49.538 %, a straight line on 1,000: 495.38."""
    rows = published.rows(
        "select target, target_from, round(attainment, 6), amount from marts.bonus_lines "
        "where kind = 'earned'"
    )
    assert rows == [(52000, "A v1", Decimal("0.495385"), Decimal("495.38"))]


@pytest.mark.kpi("pipeline_coverage", cases=["null"])
def test_pipeline_coverage_is_what_is_due_over_what_is_still_to_sell(tmp_path):
    """North aims at 104,000 and has 51,520: an open deal of 26,240 due in June covers half of it.

    The company's goal is relative: 160,999.977 less 77,280 leaves 83,719.977: 0.3134.
    """
    company = firm(
        tmp_path / "ws",
        GOALS + "P,goal,,Pipeline,Ann,open_pipeline,company,,2026-05,absolute,1,,\n",
    )
    told = (company.directory / "raw/crm/deals.csv").read_text()
    told = told.replace("lead_id", "lead_id,planned_close_on,currency")
    lines = [line if "planned" in line else line + ",," for line in told.splitlines()]
    lines.append("O1,open,2026-05-01,,26240,Ann,,2026-06-20,")
    lines.append("O2,open,2026-05-02,,10,Ann,,2026-09-20,USD")
    columns = "deal_id stage opened_at closed_at amount manager_name lead_id planned_close_on"
    company.entity("deals", columns + " currency")
    company.entity("fx_rates", "rate_on currency rate")
    company.file(
        "fx_rates.csv",
        "rate_on,currency,rate\n2026-05-02,USD,80.12345678\n2026-05-10,USD,80.98765432\n",
    )
    company.entity("deal_changes", "deal_id field old_value new_value changed_at")
    company.file("deals.csv", "\n".join(lines) + "\n")
    company.file(
        "deal_changes.csv",
        "deal_id,field,old_value,new_value,changed_at\nO1,stage,,open,2026-05-01\n",
    )
    published = company.run()
    quarter = {"grain": "quarter", "period": "2026-04-01"}
    north = published.kpi("pipeline_coverage", scope="team", who="North", **quarter)
    assert north == pytest.approx(26240 / (104000 - 51520))
    assert published.kpi("pipeline_coverage", **quarter) == pytest.approx(
        26240 / (160999.977 - 77280)
    )
    rows = published.rows(
        "select * from marts.kpi_values where kpi_code = 'pipeline_coverage' "
        "and scope_name = 'Cid' and period_start = date '2026-01-01' and value is not null"
    )
    assert rows == []  # nobody aimed at anything in that quarter
    # 26,240 and 10 dollars: 801.2345678 of 3 May, 809.8765432 of the 15th; four places, as kpi_values
    assert published.rows(
        "select day, actual from marts.plan_fact where goal_id = 'P' and day in "
        "(date '2026-05-01', date '2026-05-03', date '2026-05-15') order by day"
    ) == [
        (date(2026, 5, 1), 26240),
        (date(2026, 5, 3), Decimal("27041.2346")),
        (date(2026, 5, 15), Decimal("27049.8765")),
    ]


def test_a_part_of_a_quarter_is_no_base_neither_of_a_goal_nor_of_what_is_still_to_sell(tmp_path):
    """Dan began in February: his 300 of the first quarter are two months, not a quarter.

    +15 % of them would aim at 345, half of it sold by his 172.50 of April. Ann, who was there, has
    the same figures and that aim: 172.50 are still to sell, of which her open 69 are 0.4. Of 65 working
    days 33 are gone: 175.15 expected, pace 0.985.
    """
    company = Company(tmp_path / "ws")
    company.settings |= {"as_of": "2026-05-15", "country": None}
    company.entity("managers", "manager_name hired_on")
    company.file("managers.csv", "manager_name,hired_on\nAnn,2020-01-01\nDan,2026-02-02\n")
    company.entity(
        "deals", "deal_id stage opened_at closed_at amount manager_name planned_close_on"
    )
    deals = ["deal_id,stage,opened_at,closed_at,amount,manager_name,planned_close_on"]
    changes = ["deal_id,field,old_value,new_value,changed_at"]
    for who in ("Ann", "Dan"):
        deals += [
            f"{who}1,won,2026-03-01,2026-03-10,300,{who},",
            f"{who}2,won,2026-04-01,2026-04-10,172.50,{who},",
            f"{who}3,open,2026-05-01,,69,{who},2026-06-20",
        ]
        changes.append(f"{who}3,stage,,open,2026-05-01")
    deals.append("old,won,2025-11-01,2025-12-01,1,Ann,")
    company.file("deals.csv", "\n".join(deals) + "\n")
    company.entity("deal_changes", "deal_id field old_value new_value changed_at")
    company.file("deal_changes.csv", "\n".join(changes) + "\n")
    sheet = company.directory / "targets" / "goals.csv"
    sheet.parent.mkdir(parents=True)
    head = (
        "goal_id,kpi_code,scope_type,scope_id,period_start,target_kind,target_value,baseline_kind"
    )
    rows = [
        f"{who},booked_revenue,manager,{who},2026-Q2,relative_percent,+15,previous_period"
        for who in ("Ann", "Dan")
    ]
    sheet.write_text("\n".join([head, *rows]) + "\n")
    told = company.run()
    assert told.rows(
        "select goal_id, baseline, target, status from marts.plan_fact where is_latest order by 1"
    ) == [("Ann", 300, 345, "on_track"), ("Dan", None, None, "no_data")]
    bases = "select scope_name, value_previous from marts.kpi_values where scope_type = 'manager' "
    quarter = "and period_grain = 'quarter' and period_start = date '2026-04-01' "
    assert told.rows(
        f"{bases} {quarter} and kpi_code = 'booked_revenue' and scope_name in ('Ann', 'Dan') "
        "order by 1"
    ) == [("Ann", 300), ("Dan", None)]
    due = {"grain": "quarter", "period": "2026-04-01", "scope": "manager"}
    assert told.kpi("pipeline_coverage", who="Ann", **due) == pytest.approx(0.4)
    assert told.kpi("pipeline_coverage", who="Dan", **due) is None


# -- versions, baselines, closing ----------------------------------------------------------------


def test_a_goal_changed_midway_has_two_versions_each_in_force_on_its_days(tmp_path):
    changed = (
        "goal_id,title,kpi_code,scope_type,period_start,target_value,issued_on,version\n"
        "G,Sell,booked_revenue,company,2026-Q2,100000,2026-03-20,1\n"
        "G,Sell,booked_revenue,company,2026-Q2,120000,2026-05-02,2\n"
    )
    published = firm(tmp_path / "ws", changed).run()
    days = published.rows(
        "select version, target, min(day), max(day) from marts.plan_fact "
        "group by version, target order by version"
    )
    assert days == [
        (1, 100000, date(2026, 4, 1), date(2026, 5, 1)),
        (2, 120000, date(2026, 5, 2), date(2026, 5, 15)),
    ]
    late = published.rows(
        "select version, time_bound_verdict from marts.goal_review order by version"
    )
    assert late == [(1, "time_bound"), (2, "issued_late")]


def test_a_sheet_delivered_anew_under_its_name_leaves_the_former_version_readable(tmp_path):
    sheet = "kpi_code,scope_type,scope_id,Q2 2026\nbooked_revenue,manager,Ann,{}\n"
    company = firm(tmp_path / "ws", sheet.format(50000))
    company.run()
    (company.directory / "targets" / "goals.csv").write_text(sheet.format(60000))
    published = company.run()
    rows = published.rows(
        "select version, target_value, issued_on is null, is_in_force from marts.targets "
        "order by version"
    )
    # the second version is issued when it is first seen, which is after the day looked from
    assert rows == [(1, 50000, True, True), (2, 60000, False, False)]


def test_only_targets_declared_full_are_taken_back_by_a_later_sheet(tmp_path):
    sheet = "goal_id,kpi_code,scope_type,period_start,target_value\nG,booked_revenue,company,2026-Q2,{}\n"
    company = firm(tmp_path / "ws", sheet.format(1000) + "H,calls,company,2026-Q2,500\n")
    company.source("plans", path="targets", delivery="full")
    company.settings["sources"]["plans"]["entities"] = {"targets": {"files": "*.csv"}}
    company.run()
    (company.directory / "targets" / "goals.csv").write_text(sheet.format(2000))
    published = company.run()
    assert published.rows("select goal_id, version, target_value from marts.targets") == [
        ("G", 1, 2000)
    ]


def test_a_published_baseline_does_not_move_when_late_facts_change_its_period(tmp_path):
    company = firm(tmp_path / "ws")
    company.run()
    late = "deal_id,stage,opened_at,closed_at,amount,manager_name,lead_id\n"
    company.file("deals_late.csv", late + "Z,won,2023-12-29,2026-03-20,60000,Ann,\n")
    published = company.run()
    assert published.kpi("booked_revenue", "2026-01-01", grain="quarter") == 199999.98
    assert latest(published, "Q")["target"] == Decimal("160999.977")
    past = run_all(company.directory, as_of=date(2026, 5, 1))
    assert latest(past, "Q")["baseline"] == Decimal("199999.98")  # none was published by then


def test_a_closed_quarter_keeps_its_statement_and_its_plan_against_fact(tmp_path):
    """Ann sold 46,666.66 of 50,000 in the first quarter: 93.33 % of 1,000. Then the goal is raised."""
    sheet = "goal_id,kpi_code,scope_type,scope_id,period_start,target_value,issued_on\n"
    company = firm(
        tmp_path / "ws", sheet + "G,booked_revenue,manager,Ann,2026-Q1,50000,2025-12-20\n"
    )
    bonus = company.directory / "bonus"
    bonus.mkdir()
    (bonus / "p.yml").write_text(PLAN)
    (bonus / "assignments.csv").write_text("manager_id,plan,from\nAnn,p,2026-01-01\n")
    company.run()
    settings = load_workspace(company.directory)
    close(settings, "2026-Q1", by="Boss", reason="paid")
    company.file(
        "../../targets/later.csv", sheet + "G,booked_revenue,manager,Ann,2026-Q1,60000,2026-02-01\n"
    )
    published = company.run()
    assert published.rows(
        "select revision, earned, status from marts.bonus_statements where period = '2026-Q1'"
    ) == [(1, Decimal("933.3300"), "closed")]
    assert published.rows(
        "select version, target, actual, status from marts.plan_fact where is_latest"
    ) == [(2, 60000, Decimal("46666.66"), "missed")]


def test_a_sheet_that_is_set_back_to_what_it_was_pays_by_what_was_first_agreed(tmp_path):
    """50,000 for Ann, then 60,000, then the file as it was: 25,760 of 50,000 is 515.20 of 1,000.

    The changes came within the quarter and nobody approved them. What came back had stood for the
    last version alone, so that 60,000 was the first: 429.33.
    """
    sheet = "goal_id,kpi_code,scope_type,scope_id,period_start,target_value\n"
    sheet += "G,booked_revenue,manager,Ann,2026-Q2,{}\n"
    company = firm(tmp_path / "ws", sheet.format(50000))
    bonus = company.directory / "bonus"
    bonus.mkdir()
    (bonus / "p.yml").write_text(PLAN)
    (bonus / "assignments.csv").write_text("manager_id,plan,from\nAnn,p,2026-04-01\n")
    company.run()
    for target in (60000, 50000):
        (company.directory / "targets" / "goals.csv").write_text(sheet.format(target))
        published = company.run()
    assert published.rows(
        "select version, target_value, issued_on is null from marts.targets order by version"
    ) == [(1, 50000, True), (2, 60000, False), (3, 50000, False)]
    assert published.rows(
        "select target, target_from, amount from marts.bonus_lines where kind = 'earned'"
    ) == [(50000, "G v1", Decimal("515.20"))]


def test_sheets_of_any_format_are_read_wide_or_tall(tmp_path):
    """A workbook with a column per month, a sheet in cp1251 with semicolons, one with a mark in front."""
    import openpyxl

    company = firm(
        tmp_path / "ws",
        "Показатель;Разрез;Период;План\nВыручка по сделкам;компания;2 кв. 2026;1 500 000\n",
    )
    folder = company.directory / "targets"
    text = (folder / "goals.csv").read_text()
    (folder / "goals.csv").write_bytes(text.encode("cp1251"))
    (folder / "marked.csv").write_bytes(
        "\ufeffkpi,scope,who,period,grain,target\ncalls,team,North,2026-04-01,quarter,90\n".encode()
    )
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["kpi", "scope", "who", "апр 2026", "май 2026", "июн 2026"])
    sheet.append(["calls", "manager", "Ann", 30, 31, None])
    sheet.append(["calls", "manager", "Bob", 40, None, 41])
    book.save(folder / "calls.xlsx")
    published = company.run()
    assert published.rows(
        "select kpi_code, scope_name, period_grain, cast(period_start as varchar), target_value "
        "from marts.targets order by kpi_code, period_grain, scope_name, period_start"
    ) == [
        ("booked_revenue", "Test", "quarter", "2026-04-01", 1500000),
        ("calls", "Ann", "month", "2026-04-01", 30),
        ("calls", "Ann", "month", "2026-05-01", 31),
        ("calls", "Bob", "month", "2026-04-01", 40),
        ("calls", "Bob", "month", "2026-06-01", 41),
        ("calls", "North", "quarter", "2026-04-01", 90),
    ]
    assert published.one("select count(*) from ops.quarantine where entity = 'targets'") == 0


def test_targets_may_be_mapped_in_the_settings_like_any_entity(tmp_path):
    """Headers of one's own, a constant for the whole sheet, and columns turned by a declared rule."""
    company = firm(tmp_path / "ws")
    (company.directory / "targets" / "goals.csv").unlink()
    company.entity(
        "targets",
        "",
        source="plans",
        headers={"scope_id": "Seller"},
        constants={"kpi_code": "booked_revenue", "scope_type": "manager"},
        unpivot={
            "columns": "^Q",
            "name_to": "period_start",
            "names": {"Q2_quota": "2026-Q2"},
            "value_to": "target_value",
        },
    )
    company.file("targets.csv", "Seller,Q2_quota\nAnn,50000\nCid,40000\n", source="plans")
    published = company.run()
    assert published.rows(
        "select scope_name, target_value from marts.targets order by scope_name"
    ) == [("Ann", 50000), ("Cid", 40000)]


# -- what is no goal -----------------------------------------------------------------------------

REFUSED = """\
goal_id;kpi_code;scope_type;scope_id;period_start;target_kind;target_value
left;booked_revenue;manager;Eve;2026-Q2;absolute;1000
barred;calls_per_win2;company;;2026-Q2;absolute;5
barred2;lead_conversion_operational;company;;2026-Q2;absolute;20 %
both;lead_conversion;company;;2026-Q2;;+5 %
both2;lead_conversion;company;;2026-Q2;absolute;+5
bare;lead_conversion;company;;2026-Q2;absolute;12
who;booked_revenue;manager;Nobody;2026-Q2;absolute;1000
mail;booked_revenue;manager;nobody@example.com;2026-Q2;absolute;1000
when;booked_revenue;company;;spring;absolute;1000
weekly;mrr;company;;2026-W20;absolute;1000
points;booked_revenue;company;;2026-Q2;percentage_points;5
zero;booked_revenue;company;;2026-Q2;absolute;0
comma;booked_revenue;company;;2026-Q2;absolute;12,500
dollars;booked_revenue;company;;2026-Q2;absolute;$5
fine;booked_revenue;company;;2026-Q2;absolute;150 000
"""


@pytest.fixture(scope="module")
def refused(tmp_path_factory) -> Published:
    """Return a release with rows that are no goals; Eve left on 2026-03-31."""
    company = firm(tmp_path_factory.mktemp("refused") / "ws", REFUSED)
    company.entity("managers", "manager_name team email left_on")
    company.file(
        "managers.csv",
        "manager_name,team,email,left_on\nAnn,North,,\nBob,North,,\nCid,South,,\n"
        "Eve,South,,2026-03-31\n",
    )
    return company.run()


@pytest.mark.parametrize(
    ("goal_id", "told"),
    [
        ("left", "Eve left on 2026-03-31, before the period begins on 2026-04-01"),
        ("barred", "there is no KPI `calls_per_win2`"),
        ("barred2", "lead_conversion_operational is barred as a target"),
        ("bare", "a bare 12 for a share: write 12 % or 0.12"),
        ("who", "no manager is known as `Nobody`"),
        ("mail", "no manager is known as the e-mail of this row"),
        ("when", "`spring` is no period"),
        ("points", "booked_revenue is no share"),
        ("zero", "it must be above 0"),
        ("comma", "`12,500` is no number, or may be two"),
        ("dollars", "`$5` is no number"),
    ],
)
def test_a_row_that_is_no_goal_says_why(refused, goal_id, told):
    row = reviewed(refused, goal_id)
    assert row["is_refused"]
    assert told in row["refused_because_en"]
    assert row["refused_because_ru"]
    assert row["source_file"] == "targets/goals.csv"


@pytest.mark.parametrize("goal_id", ["both", "both2"])
def test_five_percent_of_a_share_shows_both_readings_with_their_numbers(refused, goal_id):
    """The quarter before converted 6 of 30: 20 %. 5 % more is 21 %, 5 points more is 25 %."""
    told = reviewed(refused, goal_id)["refused_because_en"]
    assert "relative_percent (+5 % of the last period's rate, from 20 % to 21 %)" in told
    assert "percentage_points (+5 points, from 20 % to 25 %)" in told


def test_refused_rows_are_in_no_plan_and_the_sound_one_is(refused):
    assert refused.rows("select distinct goal_id from marts.plan_fact") == [("fine",)]
    assert refused.rows("select goal_id from marts.targets") == [("fine",)]


def test_without_targets_the_tables_are_there_empty_and_typed(tmp_path):
    company = firm(tmp_path / "ws")
    (company.directory / "targets" / "goals.csv").unlink()
    published = company.run()
    for table in ("targets", "goal_review", "plan_fact", "required_activity"):
        assert published.one(f"select count(*) from marts.{table}") == 0
    assert (
        published.one(
            "select typeof(target) from (select any_value(target) as target from marts.plan_fact)"
        )
        == "DECIMAL(38,10)"
    )


def test_a_sheet_without_its_columns_is_a_rejected_file(tmp_path):
    from dagster_project.errors import GateFailed

    company = firm(tmp_path / "ws", "who,what\nAnn,1\n")
    with pytest.raises(GateFailed, match="kpi_code, scope_type, period_start"):
        company.run()
