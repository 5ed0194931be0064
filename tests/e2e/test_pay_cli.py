"""The verbs of pay as a person types them, and the plan that others worked out for Maven."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.closing.closing import close
from dagster_project.settings import load_workspace
from tests.command import kpi
from tests.conftest import EXAMPLES, Company, run_all
from tests.integration.test_pay import DEALS, SHARE

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def firm(tmp_path_factory) -> Path:
    """Anna sold 500 in January and 300 so far in February; 100 at a revenue of 1 000."""
    company = Company(tmp_path_factory.mktemp("paycli") / "ws")
    company.entity("deals", DEALS.strip().replace(",", " "))
    company.entity("managers", "manager_id manager_name")
    company.file("managers.csv", "manager_id,manager_name\n1,Anna\n")
    company.file(
        "deals.csv",
        DEALS
        + "D1,won,2025-12-01,2026-01-10,500,RUB,1,2026-01-10\n"
        + "D2,won,2025-12-01,2026-02-05,300,RUB,1,2026-02-05\n",
    )
    bonus = company.directory / "bonus"
    bonus.mkdir(parents=True)
    (bonus / "share.yml").write_text(SHARE)
    of_nobody = SHARE.replace("share", "others").replace("booked_revenue", "won_deals")
    (bonus / "others.yml").write_text(of_nobody)
    (bonus / "assignments.csv").write_text("manager_id,plan,from\nAnna,share,2026-01-01\n")
    company.settings["as_of"] = "2026-02-10"
    company.save()
    run_all(company.directory)
    return company.directory


@pytest.fixture(scope="module")
def closed(firm):
    told = kpi("close", "2026-01", "--by", "Vera", "--reason", "month end", "-w", str(firm))
    assert told.returncode == 0, told.stderr
    return told


def test_closing_prints_what_is_to_pay_and_is_seen_by_the_next_run(firm, closed):
    told = closed
    assert "2026-01 is closed as revision 1" in told.stdout
    assert "to pay: 50.00 RUB" in told.stdout
    # a closing is something new: the next run is no repetition
    ran = kpi("run", "-w", str(firm), "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1])["nothing_new"] is False
    shown = kpi("bonus", "--manager", "Anna", "--period", "2026-01", "-w", str(firm))
    assert "closed" in shown.stdout
    assert "booked_revenue" in shown.stdout
    lines = json.loads(
        kpi("bonus", "--manager", "anna", "--period", "2026-01", "--json", "-w", str(firm)).stdout
    )["lines"]
    assert [(x["component"], x["amount"]) for x in lines] == [("booked_revenue", "50.00")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("bonus", "--manager", "Nobody"), ("no manager `Nobody`", "one of: Anna")),
        (("bonus", "--period", "soon"), ("period `soon`", "2026-10, 2026-Q4, 2026")),
        (("goals", "--propose", "--manager", "Nobody"), ("no manager `Nobody`", "one of: Anna")),
    ],
)
def test_nobody_and_no_period_are_told_apart_from_no_statement(firm, arguments, words):
    told = kpi(*arguments, "-w", str(firm))
    assert told.returncode == 2
    for word in words:
        assert word in told.stderr


def test_statements_are_found_by_any_spelling_of_a_period_and_a_manager(firm):
    told = kpi("bonus", "--manager", "1", "--period", "2026-01", "--json", "-w", str(firm))
    assert [row["manager_name"] for row in json.loads(told.stdout)["statements"]] == ["Anna"]
    by_quarter = kpi("bonus", "--period", "2026q1", "-w", str(firm))
    assert (by_quarter.returncode, by_quarter.stdout) == (0, "  none\n")  # nobody is paid by it


def test_a_second_closing_is_a_second_revision_and_diff_finds_nothing(firm, closed):
    told = kpi("close", "2026-01", "--by", "Vera", "--reason", "again", "-w", str(firm), "--json")
    assert told.returncode == 0, told.stderr
    answer = json.loads(told.stdout)
    assert (answer["revision"], answer["statements"][0]["to_pay"]) == (2, "0.00")
    # 50.00 earned - 50.00 paid by revision 1 = 0.00: without the second sum the row adds up to 50
    assert answer["statements"][0]["restated"] == "-50.00"
    ran = kpi("run", "-w", str(firm))
    assert ran.returncode == 0, ran.stderr
    shown = kpi("bonus", "--period", "2026-01", "-w", str(firm)).stdout
    assert "restated" in shown
    assert "-50.00" in shown
    assert "forgiven" not in shown  # nobody has any
    same = kpi("diff", "2026-01", "--revisions", "1", "2", "-w", str(firm))
    assert same.returncode == 0, same.stderr
    assert "0 values differ" in same.stdout
    assert "0 statements differ" in same.stdout


def test_whatif_says_what_a_change_is_worth(firm):
    told = kpi("whatif", "--manager", "Anna", "--kpi", "booked_revenue=+200", "-w", str(firm))
    assert told.returncode == 0, told.stderr
    assert "earned so far: 30.00" in told.stdout
    assert "booked_revenue=+200: +20.00" in told.stdout
    assert "booked_revenue +700: +70.00" in told.stdout
    answer = json.loads(
        kpi(
            "whatif", "--manager", "1", "--kpi", "booked_revenue=1000", "--json", "-w", str(firm)
        ).stdout
    )
    assert (answer["period"], answer["gain"]) == ("2026-02", "70.00")


def test_plan_diff_replays_the_past_under_both_plans(firm, tmp_path):
    better = tmp_path / "better.yml"
    better.write_text(SHARE.replace("target_amount: 100", "target_amount: 150"))
    told = kpi(
        "plan-diff", str(firm / "bonus" / "share.yml"), str(better), "-w", str(firm), "--json"
    )
    assert told.returncode == 0, told.stderr
    answer = json.loads(told.stdout)
    # January is the only complete month of the assignment: 50 against 75
    assert [(r["manager_name"], r["old"], r["new"]) for r in answer["rows"]] == [
        ("Anna", "50.00", "75.00")
    ]
    assert answer["cost"] == "25.00"
    shown = kpi("plan-diff", str(firm / "bonus" / "share.yml"), str(better), "-w", str(firm))
    assert "1 gain, 0 lose, cost to the company: 25.00" in shown.stdout
    assert "each plan by its last version" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("close", "2026-02", "--by", "V", "--reason", "r"), ("complete to 2026-02-10",)),
        (("close", "soon", "--by", "V", "--reason", "r"), ("period `soon`",)),
        (("close", "2026-01", "--by", "V"), ("--reason",)),
        (("diff", "2026-01", "--revisions", "1", "9"), ("no revision 9", "1, 2")),
        (("diff", "2025-12", "--revisions", "1", "2"), ("never closed",)),
        (("whatif", "--manager", "Zoe"), ("no manager `Zoe`", "Anna")),
        (("whatif", "--manager", "Anna", "--kpi", "calls=+5"), ("no KPI `calls`",)),
        (("whatif", "--manager", "Anna", "--kpi", "booked_revenue=lots"), ("meetings=+5",)),
        (("plan-diff", "nowhere.yml", "nowhere.yml"), ("no such file",)),
    ],
)
def test_wrong_words_get_a_sentence_and_exit_2(firm, arguments, words):
    told = kpi(*arguments, "-w", str(firm))
    assert told.returncode == 2, told.stdout + told.stderr
    for word in words:
        assert word in told.stderr
    assert "Traceback" not in told.stderr


def test_a_broken_plan_ends_the_run_with_its_line(firm):
    path = firm / "bonus" / "share.yml"
    path.write_text(SHARE.replace("weight: 100", "weight: 99"))
    told = kpi("run", "-w", str(firm))
    path.write_text(SHARE)
    assert told.returncode == 2, told.stdout + told.stderr
    assert "bonus/share.yml, line 7" in told.stderr
    assert "weights of 99" in told.stderr


QUOTA = """\
plan: yearly
currency: USD
period: year
versions:
  - from: 2017-01-01
    components:
      - kpi: booked_revenue
        quota: 200000
        tiers: [{from_pct: 0, to_pct: 100, rate: 0.05}, {from_pct: 100, rate: 0.08}]
"""


@pytest.mark.real_input
def test_five_percent_to_the_yearly_quota_and_eight_above_pays_what_others_worked_out(tmp_path):
    """Maven's 35 sellers with a yearly quota of 200 000 each: 625 298.82 in total."""
    origin = EXAMPLES / "maven_crm"
    if not origin.exists():
        pytest.skip("maven_crm is not beside the checkout")
    shutil.copy(origin / "workspace.yml", tmp_path / "workspace.yml")
    (tmp_path / "raw" / "crm").mkdir(parents=True)
    for path in origin.glob("*.csv"):
        shutil.copy(path, tmp_path / "raw" / "crm" / path.name)
    currency = load_workspace(tmp_path).config.reporting_currency
    first = run_all(tmp_path)
    sellers = first.rows(
        "select manager_name from marts.dim_manager where manager_id <> 'not_given'"
    )
    assert len(sellers) == 35
    (tmp_path / "bonus").mkdir()
    (tmp_path / "bonus" / "yearly.yml").write_text(QUOTA.replace("USD", currency))
    rows = "".join(f'"{name}",yearly,2017-01-01\n' for (name,) in sellers)
    (tmp_path / "bonus" / "assignments.csv").write_text("manager_id,plan,from\n" + rows)
    revision = close(load_workspace(tmp_path), "2017", by="x", reason="year end")
    statements = [s.statement for s in revision.settled]
    assert len(statements) == 35
    assert sum((s.earned for s in statements), Decimal(0)) == Decimal("625298.82")
    idle = [s for s in statements if s.earned == 0]
    assert len(idle) == 5
    assert {s.lines[0].reason for s in idle} == {"nothing credited in these days"}
