"""The demonstration company: its promised tables, its planted truths, and figures that an
independent reading of the same files (plain Python below, no SQL) arrives at."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import defaultdict
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import pytest

from dagster_project.settings import project_root
from tests.conftest import SHARED

pytestmark = pytest.mark.e2e
CONTRACT = SHARED / "checks" / "published_contract.py"


def read(path: Path, encoding: str = "utf-8", delimiter: str = ",") -> list[dict]:
    with path.open(encoding=encoding, newline="") as handle:
        return list(csv.DictReader(handle, delimiter=delimiter))


@pytest.fixture(scope="module")
def files(demo) -> Path:
    return demo.session.workspace.directory / "raw"


@pytest.fixture(scope="module")
def living_deals(files) -> dict[str, dict]:
    """Newest version of each deal that is neither deleted nor merged away."""
    newest: dict[str, dict] = {}
    for folder in ("2026-10-01", "2026-10-20"):
        for row in read(files / "crm" / folder / "deals.csv"):
            known = newest.get(row["ID"])
            if known is None or row["Изменена"] >= known["Изменена"]:
                newest[row["ID"]] = row
    return {k: v for k, v in newest.items() if not v["Удалена"] and not v["Объединена с"]}


@pytest.fixture(scope="module")
def wins(files, living_deals) -> list[tuple[str, date, int]]:
    """(deal, day, +1 or -1) of every win and every reopening, from the history of stages; what a
    record went through that was merged away is not its survivor's."""
    history = defaultdict(list)
    for row in read(files / "crm" / "deal_stages.csv"):
        history[row["Сделка"]].append((row["Вошла"], row["Этап"]))
    found = []
    for deal in sorted(set(history) & set(living_deals)):
        is_won = False
        for moment, stage in sorted(history[deal]):
            if (stage == "Успешно") != is_won:
                is_won = not is_won
                day = datetime.fromisoformat(moment).date()
                found.append((deal, day, 1 if is_won else -1))
    return found


def test_the_promised_tables_and_columns(demo):
    if not CONTRACT.exists():
        pytest.skip("the contract's checker is not beside the checkout")
    told = subprocess.run(
        [sys.executable, str(CONTRACT), str(demo.file), "main"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout


def test_revenue_of_every_month_by_an_independent_reading(demo, files, living_deals, wins):
    rates = [
        (datetime.strptime(row["Дата"], "%d.%m.%Y").date(), Decimal(row["Курс"].replace(",", ".")))
        for row in read(files / "books" / "rates.csv", "cp1251", ";")
    ]
    expected = defaultdict(Decimal)
    won_on = {}
    for deal, day, sign in wins:
        won_on[deal] = day if sign > 0 else won_on[deal]
        amount = Decimal(living_deals[deal]["Сумма"])
        if living_deals[deal]["Валюта"] == "USD":
            rate = [value for known, value in rates if known <= won_on[deal]][-1]
            amount = (amount * rate).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        expected[f"{day:%Y-%m}-01"] += sign * amount
    found = dict(
        demo.rows(
            "select cast(period_start as varchar), numerator from marts.kpi_values "
            "where kpi_code = 'booked_revenue' and scope_type = 'company' "
            "and period_grain = 'month' and numerator <> 0"
        )
    )
    assert found == {month: value for month, value in expected.items() if value}
    assert len(found) >= 23


def test_leads_conversion_and_repeats_by_an_independent_reading(demo, files, living_deals, wins):
    leads = [
        row for year in (2024, 2025, 2026) for row in read(files / "crm" / f"leads_{year}.csv")
    ]
    leads.sort(key=lambda row: (row["Создан"], row["ID лида"]))
    last_of, head_of = {}, {}
    for row in leads:
        day = datetime.fromisoformat(row["Создан"]).date()
        before = last_of.get(row["Телефон"])
        is_repeat = before is not None and (day - before[0]).days < 30
        head_of[row["ID лида"]] = before[1] if is_repeat else row["ID лида"]
        last_of[row["Телефон"]] = (day, head_of[row["ID лида"]])
    state = {}
    for deal, _, sign in wins:
        state[deal] = sign > 0
    won_heads = {head_of[living_deals[deal]["Лид"]] for deal, is_won in state.items() if is_won}
    counts, converted = defaultdict(int), defaultdict(int)
    for row in leads:
        if head_of[row["ID лида"]] == row["ID лида"]:
            month = row["Создан"][:7] + "-01"
            counts[month] += 1
            converted[month] += row["ID лида"] in won_heads
    found = demo.rows(
        "select cast(period_start as varchar), numerator, denominator from marts.kpi_values "
        "where kpi_code = 'lead_conversion' and scope_type = 'company' and period_grain = 'month'"
    )
    assert {month: (int(n), int(d)) for month, n, d in found} == {
        month: (converted[month], counts[month]) for month in counts
    }
    assert sum(1 for lead, head in head_of.items() if lead != head) > 50


def test_calls_and_meetings_by_an_independent_reading(demo, files):
    calls = defaultdict(int)
    for path in sorted((files / "crm" / "activities").glob("*.csv")):
        for line in path.read_bytes().decode().split("\r\n")[1:]:
            cells = line.split(",")
            if len(cells) == 9 and '"' not in line and not cells[2].startswith("2026-02-31"):
                calls[cells[2][:7] + "-01"] += cells[1] == "call" and cells[4] == "done"
    found = demo.rows(
        "select cast(period_start as varchar), value from marts.kpi_values "
        "where kpi_code = 'calls' and scope_type = 'company' and period_grain = 'month'"
    )
    assert dict(found) == dict(calls)


def test_spend_by_an_independent_reading(demo, files):
    expected = defaultdict(Decimal)
    for line in (files / "ads" / "spend.ndjson").read_text(encoding="utf-8").splitlines():
        row = json.loads(line, parse_float=Decimal)
        expected[row["date"][:4]] += row["cost"]
    found = demo.rows(
        "select strftime(period_start, '%Y'), numerator from marts.kpi_values "
        "where kpi_code = 'spend' and scope_type = 'company' and period_grain = 'year'"
    )
    assert dict(found) == dict(expected)


def test_every_kpi_of_the_registry_has_figures_on_the_demonstration_company(demo):
    """The README's table has no row without a value, but for a KPI whose input is awaited."""
    found = dict(
        demo.rows(
            "select kpis.kpi_code, count(kpi_values.value) from marts.dim_kpi as kpis "
            "left join marts.kpi_values as kpi_values using (kpi_code) group by 1"
        )
    )
    awaited = dict(
        demo.rows("select kpi_code, unavailable_because from marts.dim_kpi where not is_available")
    )
    assert {code for code, count in found.items() if not count} == set(awaited)
    assert awaited == {}
    with (project_root() / "dbt" / "seeds" / "kpi_registry.csv").open(encoding="utf-8") as handle:
        assert set(found) == {kpi["kpi_code"] for kpi in csv.DictReader(handle)}


def test_every_kpi_has_a_figure_of_each_kind_of_scope_and_grain_that_it_claims(demo):
    """A claim in the registry that no row bears out is one too many."""
    found = set(
        demo.rows(
            "select kpi_code, scope_type, period_grain from marts.kpi_values "
            "where value is not null group by all"
        )
    )
    silent = {
        (code, scope, grain)
        for code, scopes, grains in demo.rows(
            "select kpi_code, scopes, grains from marts.dim_kpi where is_available"
        )
        for scope in scopes.split(";")
        for grain in grains.split(";")
        if (code, scope, grain) not in found
    }
    # the customers of 2024 alone are a year old, and no wins of 2023 tell their lead's way
    too_early = {("ltv_to_cac", "company", "year"), ("ltv_to_cac", "channel", "year")}
    # revenue goals are set for quarters, of managers for months as well; none for a year
    without_goal = {
        ("pipeline_coverage", scope, "year") for scope in ("company", "team", "manager")
    }
    without_goal |= {("pipeline_coverage", scope, "month") for scope in ("company", "team")}
    assert silent == too_early | without_goal


def test_the_channel_with_bad_leads_and_the_weak_seller_show(demo):
    year = {"period": "2025-01-01", "grain": "year"}
    vk = demo.kpi("lead_conversion", scope="channel", who="VK Реклама", **year)
    assert vk < demo.kpi("lead_conversion", **year) / 2
    vk_wins = demo.kpi("win_rate", scope="channel", who="VK Реклама", **year)
    assert vk_wins > demo.kpi("win_rate", **year) * 0.7  # bad leads, not weak selling
    weak = demo.kpi("win_rate", scope="manager", who="Игорь Соколов", **year)
    assert weak < demo.kpi("win_rate", **year) * 0.6
    share = demo.rows(
        "select manager_id = 'crm:M04', avg(case when qualified_on is not null then 1.0 else 0 end)"
        " from marts.fct_leads where not is_duplicate group by 1 order by 1"
    )
    assert share[1][1] > share[0][1] * 0.85  # his leads are as good as anybody's


def test_broken_lines_cost_themselves_only(demo):
    told = demo.rows(
        "select reason_code, count(*) from ops.quarantine where is_row_rejected "
        "group by 1 order by 1"
    )
    assert told == [("not_a_time", 3), ("too_few_fields", 1), ("unclosed_quote", 1)]
    unaccounted = demo.one(
        "select count(*) from ops.reconciliation where rows_seen <> rows_loaded + rows_quarantined "
        "or amount_seen <> amount_loaded + amount_quarantined"
    )
    assert unaccounted == 0
    assert demo.one("select count(*) from ops.files where status = 'duplicate'") == 1


def test_people_come_go_and_change_team(demo):
    months = dict(
        demo.rows(
            "select manager_name, count(*) from marts.kpi_manager where period_grain = 'month' "
            "group by 1"
        )
    )
    assert months["Анна Петрова"] == 24
    assert months["Кирилл Егоров"] == 13  # October 2025 to October 2026
    assert months["Захар Новиков"] >= 15  # to January 2026, and whatever closed after he left
    teams = demo.rows(
        "select team_name from marts.dim_manager where manager_id = 'crm:M05' order by valid_from"
    )
    assert teams == [("Москва",), ("Регионы",)]


def test_scopes_add_up_and_ratios_are_sums_over_sums(demo):
    broken = demo.rows(
        "select v.kpi_code, v.period_start from marts.kpi_values as v "
        "join marts.dim_kpi as k using (kpi_code) where k.aggregation = 'ratio' "
        "and v.value is distinct from v.numerator::double / nullif(v.denominator::double, 0)"
    )
    assert broken == []


def test_the_same_seed_gives_the_same_bytes(demo, tmp_path):
    from dagster_project.demo.company import write_company

    write_company(tmp_path)
    origin = demo.session.workspace.directory / "raw"
    for path in sorted(p for p in origin.rglob("*") if p.is_file()):
        again = tmp_path / "raw" / path.relative_to(origin)
        assert again.read_bytes() == path.read_bytes(), path.name


def test_what_is_summed_for_every_scope_is_what_the_facts_say_one_by_one(demo):
    """Hold the sums that KPIs read against the view of single facts."""
    warehouse = demo.session.workspace.warehouse
    with duckdb.connect(str(warehouse / "warehouse.duckdb"), read_only=True) as connection:
        connection.execute(f"attach '{str(demo.file).replace(chr(39), chr(39) * 2)}' as published")
        differing = connection.execute(
            """
            with facts as (
                select measure_code, occurred_on as day, manager_id, channel_id,
                    sum(value) as value, sum(samples) as samples
                from published.marts.kpi_events
                group by grouping sets ((measure_code, day), (measure_code, day, manager_id),
                    (measure_code, day, channel_id))
            ), told as (
                select measure_code, day, coalesce(manager_id, channel_id, 'all') as scope_id,
                    value, samples from facts
                where measure_code <> 'spend_covered_days'
            ), cells as (
                select measure_code, day, scope_id, value, samples from engine.kpi_scope_days
                where scope_type in ('company', 'manager', 'channel') and not is_balance
                    and measure_code <> 'spend_covered_days'
            )
            select * from (from told except from cells) union all (from cells except from told)
            limit 5
            """
        ).fetchall()
        count = connection.execute("select count(*) from engine.kpi_scope_days").fetchone()[0]
    assert differing == []
    assert count > 10_000
