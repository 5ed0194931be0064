"""Goals on other people's files: quotas of MavenTech, wide; AdventureWorks with its rates."""

from __future__ import annotations

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, Company, Published, maven_workspace, needs, run_all

MAVEN = EXAMPLES / "maven_crm"
QUOTAS = EXAMPLES / "adventureworks_quota"
PLAN = """\
plan: rates
currency: USD
period: year
versions:
  - from: 2017-01-01
    components:
      - kpi: booked_revenue
        quota: goal
        mode: marginal
        tiers:
          - {from_pct: 0, to_pct: 100, rate: 0.05}
          - {from_pct: 100, rate: 0.08}
    clawback: {window_days: 90}
"""


@pytest.fixture(scope="module")
def maven(tmp_path_factory) -> Published:
    """Return MavenTech with 50,000 a quarter for each of its 35 sellers, and a year of 200,000."""
    directory = maven_workspace(tmp_path_factory.mktemp("maven_quotas"))
    sellers = [row["sales_agent"] for row in _read(MAVEN / "sales_teams.csv")]
    lines = ["kpi;scope;who;parent;Q1 2017;Q2 2017;Q3 2017;Q4 2017;2017"]
    lines += [
        f"booked_revenue;manager;{name};team;50000;50000;50000;50000;200000" for name in sellers
    ]
    (directory / "targets").mkdir()
    (directory / "targets" / "quotas.csv").write_text("\n".join(lines) + "\n")
    (directory / "targets" / "company.csv").write_text(
        "goal_id,kpi_code,scope_type,period_start,target_value\n"
        "team,booked_revenue,company,2017,7000000\n"
    )
    (directory / "bonus").mkdir()
    (directory / "bonus" / "rates.yml").write_text(PLAN)
    assigned = "".join(f"{name},rates,2017-01-01\n" for name in sellers)
    (directory / "bonus" / "assignments.csv").write_text(f"manager_id,plan,from\n{assigned}")
    return run_all(directory)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.real_input
def test_the_team_reaches_142_94_percent_of_seven_million(maven):
    """10,005,534 of 35 x 4 x 50,000 = 7,000,000."""
    (row,) = maven.rows(
        "select target, actual, round(attainment * 100, 2), status from marts.plan_fact "
        "where goal_id = 'team' and is_latest"
    )
    assert row == (7_000_000, 10_005_534, Decimal("142.94"), "met")


@pytest.mark.real_input
def test_a_wide_sheet_is_five_goals_a_seller(maven):
    assert maven.rows(
        "select period_grain, count(*), sum(target_value) from marts.targets "
        "where scope_type = 'manager' group by period_grain order by period_grain"
    ) == [("quarter", 140, 7_000_000), ("year", 35, 7_000_000)]


@pytest.mark.real_input
def test_quarters_of_the_sellers_add_up_to_the_goal_of_the_company(maven):
    (row,) = maven.rows(
        "select relevant_verdict, children_sum, children_gap from marts.goal_review "
        "where goal_id = 'team'"
    )
    assert row == ("relevant", 7_000_000, 0)


@pytest.mark.real_input
def test_sellers_without_deals_stand_at_zero_and_are_not_left_out(maven):
    rows = maven.rows(
        "select scope_name, attainment, status from marts.plan_fact "
        "where is_latest and period_grain = 'year' and scope_type = 'manager'"
    )
    assert len(rows) == 35
    sold = {row["sales_agent"] for row in _read(MAVEN / "sales_pipeline.csv")}
    idle = {name: (reached, status) for name, reached, status in rows if name not in sold}
    assert len(idle) == 5
    assert set(idle.values()) == {(0, "missed")}


@pytest.mark.real_input
def test_attainment_of_every_quarter_is_that_of_the_file(maven):
    won: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in _read(MAVEN / "sales_pipeline.csv"):
        if row["deal_stage"] == "Won":
            year, month, _ = row["close_date"].split("-")
            quarter = f"{year}-{(int(month) - 1) // 3 * 3 + 1:02d}-01"
            won[row["sales_agent"], quarter] += Decimal(row["close_value"])
    rows = maven.rows(
        "select scope_name, cast(period_start as varchar), attainment from marts.plan_fact "
        "where is_latest and period_grain = 'quarter'"
    )
    assert len(rows) == 140
    assert {(n, q): a for n, q, a in rows} == {(n, q): won[n, q] / 50_000 for n, q, _ in rows}


@pytest.mark.real_input
def test_five_percent_up_to_the_quota_and_eight_above_pay_625_298_82(maven):
    assert maven.rows(
        "select count(*), sum(earned), count(distinct status) from marts.bonus_statements "
        "where period = '2017'"
    ) == [(35, Decimal("625298.8200"), 1)]


# -- AdventureWorks ------------------------------------------------------------------------------

CURRENCIES = {"6": "CAD", "7": "EUR", "8": "EUR", "9": "AUD", "10": "GBP"}
"""Territory -> currency in which its people's quotas are taken here."""


def _fields(name: str) -> list[list[str]]:
    with (QUOTAS / name).open(encoding="utf-8", errors="replace", newline="") as handle:
        return list(csv.reader(handle, delimiter="|"))


@needs(QUOTAS)
@pytest.mark.real_input
def test_quotas_of_a_hierarchy_are_brought_to_one_currency_and_held_against_the_managers(tmp_path):
    """Three quarters of 2013: each quota at the rate of its quarter's first day, found apart."""
    company = Company(tmp_path / "ws")
    company.settings |= {"reporting_currency": "USD", "as_of": "2013-09-30", "country": "US"}
    people = {row[1]: row for row in _fields("DimEmployee.csv")}
    quotas = [row for row in _fields("FactSalesQuota.csv") if row[3] == "2013"]
    sellers = sorted({row[1] for row in quotas})
    company.entity("managers", "manager_id manager_name email team")
    company.file(
        "managers.csv",
        "manager_id,manager_name,email,team\n"
        + "".join(
            f"{k},{people[k][6]} {people[k][7]},{people[k][14]},T{people[k][2]}\n" for k in sellers
        ),
    )
    company.entity("deals", "deal_id stage opened_at closed_at amount manager_id")
    company.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount,manager_id\n"
        + "".join(f"d{k},won,2012-12-01,2013-02-01,1000,{k}\n" for k in sellers),
    )
    names = {row[0]: row[1] for row in _fields("DimCurrency.csv")}
    rates = {
        (names[row[0]], row[4]): row[2]
        for row in _fields("FactCurrencyRate.csv")
        if names[row[0]] in {"CAD", "EUR", "AUD", "GBP"}
    }
    company.entity("fx_rates", "rate_on currency rate")
    company.file(
        "fx_rates.csv",
        "rate_on,currency,rate\n"
        + "".join(f"{day},{code},{rate}\n" for (code, day), rate in rates.items()),
    )
    lines = ["goal_id,parent,who,kpi,scope,currency,2013-Q1,2013-Q2,2013-Q3"]
    by_person: dict[str, dict[str, str]] = defaultdict(dict)
    for row in quotas:
        by_person[row[1]][row[4]] = row[5]
    for key in sellers:
        currency = CURRENCIES.get(people[key][5], "USD")
        told = ",".join(by_person[key].get(q, "") for q in "123")
        parent = people[key][2] if people[key][2] in sellers else ""
        lines.append(f"{key},{parent},{people[key][14]},booked_revenue,manager,{currency},{told}")
    (company.directory / "targets").mkdir(parents=True)
    (company.directory / "targets" / "quotas.csv").write_text("\n".join(lines) + "\n")
    published = company.run()

    def in_dollars(key: str, quarter: str) -> Decimal:
        amount = Decimal(by_person[key][quarter])
        currency = CURRENCIES.get(people[key][5], "USD")
        if currency == "USD":
            return amount
        start = f"2013-{int(quarter) * 3 - 2:02d}-01"
        return amount * round(Decimal(rates[currency, start]), 8)

    told = {
        (goal_id.split("@")[0], str((start.month + 2) // 3)): target
        for goal_id, start, target in published.rows(
            "select goal_id, period_start, target_value from marts.targets"
        )
    }
    expected = {(k, q): in_dollars(k, q) for k in sellers for q in by_person[k]}
    assert told == {place: round(value, 10) for place, value in expected.items()}
    sums = {
        (goal_id.split("@")[0], str((start.month + 2) // 3)): total
        for goal_id, start, total in published.rows(
            "select goal_id, period_start, children_sum from marts.goal_review "
            "where children_sum is not null"
        )
    }
    below: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for (key, quarter), value in expected.items():
        if people[key][2] in sellers:
            below[people[key][2], quarter] += value
    assert len(below) == 9  # three managers, three quarters
    assert sums == {place: round(value, 10) for place, value in below.items()}
