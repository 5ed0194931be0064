"""Other people's folders become workspaces that run once the lines marked TODO are answered."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest

from dagster_project.errors import WorkspaceError
from dagster_project.proposal import propose_workspace
from tests.conftest import EXAMPLES, Published, needs, run_all

pytestmark = [pytest.mark.e2e, pytest.mark.real_input]


def answered(text: str) -> str:
    """Answer what is asked, and touch nothing else: every line that changes is marked TODO."""
    lines = []
    for line in text.splitlines():
        said = re.sub(r"^(\s*)# (?=-|stages:|settings:)", r"\1", line)
        lines.append(said.replace(": TODO}", ": 2026-01-15}") if "# TODO" in line else line)
    return "\n".join(lines) + "\n"


def run_example(name: str, tmp_path: Path, as_of: str) -> Published:
    told = propose_workspace(EXAMPLES / name, tmp_path / "made")
    settings = told.folder / "workspace.yml"
    settings.write_text(answered(settings.read_text(encoding="utf-8")), encoding="utf-8")
    return run_all(told.folder, as_of=date.fromisoformat(as_of))


def lines_of(name: str, file: str) -> list[dict[str, str]]:
    with (EXAMPLES / name / file).open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


@needs(EXAMPLES / "maven_crm")
def test_the_won_deals_of_a_crm_export_add_up(tmp_path):
    published = run_example("maven_crm", tmp_path, "2017-12-31")
    deals = lines_of("maven_crm", "sales_pipeline.csv")
    november = [d for d in deals if d["close_date"][:7] == "2017-11"]
    won = [d for d in november if d["deal_stage"] == "Won"]
    assert published.kpi("booked_revenue", "2017-11-01") == sum(
        float(d["close_value"]) for d in won
    )
    assert published.kpi("win_rate", "2017-11-01") == pytest.approx(len(won) / len(november))


@needs(EXAMPLES / "mrr_playbook")
def test_a_table_of_subscriptions_gives_the_months_revenue(tmp_path):
    """Active in a month: started by its first day, not ended by it (SOURCE.md)."""
    published = run_example("mrr_playbook", tmp_path, "2020-01-31")
    first = date(2019, 6, 1)
    active = [
        float(row["monthly_amount"])
        for row in lines_of("mrr_playbook", "subscription_periods.csv")
        if date.fromisoformat(row["start_date"]) <= first < date.fromisoformat(row["end_date"])
    ]
    assert published.kpi("mrr", "2019-06-01") == pytest.approx(sum(active))


@needs(EXAMPLES / "seeds_ads")
def test_each_cabinet_keeps_its_own_files_and_an_unknown_one_is_read_as_a_table(tmp_path):
    published = run_example("seeds_ads", tmp_path, "2026-01-31")
    files = dict(
        published.rows("select source_name, count(distinct file_name) from ops.files group by 1")
    )
    assert files == {"meta_ads": 11, "google_ads": 11, "books": 1}
    rows = lines_of("seeds_ads", "microsoft_ads_campaign_performance_daily_report_data.csv")
    told = (
        "select cast(sum(amount_native) as double) from marts.fct_spend where source_name = 'books'"
    )
    assert published.one(told) == pytest.approx(sum(float(row["spend"]) for row in rows))


@needs(EXAMPLES / "seeds_billing")
def test_two_billing_systems_of_one_folder_stay_two_sources(tmp_path):
    published = run_example("seeds_billing", tmp_path, "2026-01-31")
    files = dict(
        published.rows("select source_name, count(distinct file_name) from ops.files group by 1")
    )
    names = [path.name for path in (EXAMPLES / "seeds_billing").glob("*.csv")]
    assert files == {
        system: sum(name.startswith(system) for name in names) for system in ("stripe", "recurly")
    }
    charges = lines_of("seeds_billing", "stripe__charge_data.csv")
    purchases = lines_of("seeds_billing", "recurly__transaction_data.csv")
    paid = (
        sum(row["status"] == "succeeded" for row in charges),
        sum(row["status"] == "success" and row["type"] == "purchase" for row in purchases),
    )
    counted = "select count(*) from marts.fct_payments where _source_file like ?"
    assert paid == tuple(
        published.one(counted, [f"%/{name}_data.csv"])
        for name in ("stripe__charge", "recurly__transaction")
    )


@needs(EXAMPLES / "seeds_hubspot")
def test_deals_without_a_stage_are_left_out_only_when_the_user_says_so(tmp_path):
    """SOURCE.md: 44 deals, none with a stage; the file of meetings holds 100."""
    published = run_example("seeds_hubspot", tmp_path, "2026-01-31")
    assert published.one("select count(*) from marts.fct_deals") == 0
    kinds = dict(published.rows("select kind, count(*) from marts.fct_activities group by 1"))
    assert kinds["meeting"] == 100


@needs(EXAMPLES / "seeds_salesforce")
def test_deleted_opportunities_are_no_deals(tmp_path):
    """SOURCE.md: all ten opportunities are deleted; there is one lead."""
    published = run_example("seeds_salesforce", tmp_path, "2026-01-31")
    assert published.one("select count(*) from marts.fct_deal_events") == 0
    assert published.one("select count(*) from marts.fct_leads") == 1


@needs(EXAMPLES / "bitrix24_real_api")
def test_answers_of_a_portal_without_deals_make_no_win_up(tmp_path):
    """Stage moves without their deals, and one whole lead."""
    published = run_example("bitrix24_real_api", tmp_path, "2026-01-31")
    assert published.one("select count(*) from marts.fct_deal_events") == 0
    assert published.one("select count(*) from marts.fct_leads") == 1


@needs(EXAMPLES / "x_education_leads")
def test_leads_without_a_date_wait_for_the_users_own(tmp_path):
    published = run_example("x_education_leads", tmp_path, "2026-03-31")
    leads = lines_of("x_education_leads", "Leads.csv")
    assert published.kpi("new_leads", "2026-01-01") == len(leads)


@needs(EXAMPLES / "adventureworks_quota")
def test_tables_without_headers_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(WorkspaceError, match=r"FactSalesQuota.csv: no header.*has_header: false"):
        propose_workspace(EXAMPLES / "adventureworks_quota", tmp_path / "made")
    assert not (tmp_path / "made").exists()
