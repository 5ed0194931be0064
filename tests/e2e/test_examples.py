"""Other people's files, other people's habits: loaded as far as their tables reach."""

from __future__ import annotations

import csv
import shutil

import pytest

from dagster_project.quality.gates import raise_if_failed
from dagster_project.session import open_session
from dagster_project.settings import load_workspace
from tests.conftest import EXAMPLES, Company, needs

pytestmark = [pytest.mark.e2e, pytest.mark.real_input]
EDUCATION = EXAMPLES / "x_education_leads"
QUOTA = EXAMPLES / "adventureworks_quota"


@needs(EDUCATION)
def test_nine_thousand_leads_with_their_channels_and_outcomes(company: Company):
    """No dates and no owners: constants stand for them; each lead is also a contest."""
    company.settings["stages"] = [
        {"stage": "1", "outcome": "won"},
        {"stage": "0", "outcome": "lost"},
    ]
    day = {"created_at": "2026-01-15"}
    company.entity(
        "leads",
        "",
        files="Leads.csv",
        headers={"lead_id": "Prospect ID", "source": "Lead Source"},
        constants=day,
    )
    company.entity(
        "deals",
        "",
        files="Leads.csv",
        headers={"deal_id": "Lead Number", "stage": "Converted", "source": "Lead Origin"},
        constants={"opened_at": "2026-01-15", "closed_at": "2026-01-31"},
    )
    target = company.directory / "raw" / "crm"
    target.mkdir(parents=True)
    shutil.copy(EDUCATION / "Leads.csv", target)
    published = company.run()
    month = "2026-01-01"
    assert published.kpi("new_leads", month) == 9240
    # the source file: `Google` 2,868 times and `google` 5 times, 36 without a source
    assert published.kpi("new_leads", month, scope="channel", who="google") == 2873
    assert published.kpi("new_leads", month, scope="channel", who="not_given") == 36
    assert published.kpi("win_rate", month) == pytest.approx(3561 / 9240)
    origins = {
        "Landing Page Submission": (1768, 4886),
        "API": (1115, 3580),
        "Lead Add Form": (664, 718),
        "Lead Import": (13, 55),
    }
    for channel, (won, all_) in origins.items():
        rate = published.kpi("win_rate", month, scope="channel", who=channel)
        assert rate == pytest.approx(won / all_), channel
    assert published.rows(
        "select entity, rows_seen, rows_loaded from ops.reconciliation order by 1"
    ) == [("deals", 9240, 9240), ("leads", 9240, 9240)]


@needs(QUOTA)
def test_pipes_without_headers_people_and_rates(company: Company):
    company.settings |= {"timezone": "America/New_York", "reporting_currency": "USD"}
    plain = {"has_header": False, "delimiter": "|"}
    company.entity(
        "managers",
        "",
        files="DimEmployee.csv",
        headers={"manager_id": 2, "manager_name": 18, "role": 11, "hired_on": 12, "email": 15},
        **plain,
    )
    company.entity(
        "fx_rates",
        "",
        files="FactCurrencyRate.csv",
        headers={"currency": 1, "rate": 4, "rate_on": 5},
        **plain,
    )
    target = company.directory / "raw" / "crm"
    target.mkdir(parents=True)
    for name in ("DimEmployee.csv", "FactCurrencyRate.csv"):
        shutil.copy(QUOTA / name, target)
    company.save()
    with (QUOTA / "DimEmployee.csv").open(encoding="utf-8", newline="") as handle:
        people = list(csv.reader(handle, delimiter="|"))
    with (QUOTA / "FactCurrencyRate.csv").open(encoding="utf-8", newline="") as handle:
        rates = list(csv.reader(handle, delimiter="|"))
    with open_session(load_workspace(company.directory), "test") as session:
        session.ingest()
        raise_if_failed(session.gate("raw"))
        session.build("staging")
        session.build("intermediate")
        told = session.connection.execute(
            "select entity, rows_seen, rows_loaded from intermediate.int_audit__reconciliation "
            "order by 1"
        ).fetchall()
        names = session.connection.execute(
            "select count(distinct manager_id) from intermediate.int_managers__versions "
            "where manager_id <> 'not_given'"
        ).fetchone()
        one = session.connection.execute(
            "select cast(rate as double) from intermediate.int_fx__daily "
            "where currency = '3' and day = date '2010-12-30'"
        ).fetchone()
    assert told == [("fx_rates", len(rates), len(rates)), ("managers", len(people), len(people))]
    # six people have two ids each: ids of one source stay apart unless an alias joins them
    assert len({row[14].lower() for row in people}) == len(people) - 6
    assert names == (len({row[1] for row in people}),)
    assert one == (1.00090081,)
