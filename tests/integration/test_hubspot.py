"""HubSpot as it is delivered: pages of API v3, lines of a pull, exports, connector tables.

One run of one company with three sources (`api`, `export`, `connector`); the clock is Moscow's,
three hours before UTC all year. Money of `api` falls into January and February, of `export` into
March, of `connector` into April.
"""

from __future__ import annotations

import csv
import json
from typing import Any

import duckdb
import pytest

from dagster_project.configuration import SourceConfig
from dagster_project.errors import SourceFileError
from dagster_project.ingest.contracts import CONTRACTS
from dagster_project.ingest.recognition import recognise
from tests.conftest import EXAMPLES, Company, Published, needs

SEEDS = EXAMPLES / "seeds_hubspot"
JAN, FEB, MAR, APR = "2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"


def page(*records: dict, after: str | None = None) -> str:
    """Spell a page of `/crm/v3/objects/*`."""
    told: dict[str, Any] = {"results": list(records)}
    if after:
        told["paging"] = {"next": {"after": after, "link": f"https://api.example/?after={after}"}}
    return json.dumps(told, ensure_ascii=False)


def record(number: str, properties: dict[str, str | None], updated: str, **more: Any) -> dict:
    """Spell a record; linked objects as ``deals=[...]``, histories as ``history={...}``."""
    history = more.pop("history", None)
    told: dict[str, Any] = {
        "id": number,
        "properties": {"hs_object_id": number, **properties},
        "createdAt": properties.get("createdate") or "2026-01-02T09:00:00.000Z",
        "updatedAt": updated,
        "archived": more.pop("archived", False),
    }
    if history:
        told["propertiesWithHistory"] = {
            name: [{"value": v, "timestamp": t, "sourceType": "CRM_UI"} for v, t in reversed(turns)]
            for name, turns in history.items()
        }
    links = {name: {"results": [{"id": i, "type": "x"} for i in ids]} for name, ids in more.items()}
    return told | ({"associations": links} if links else {})


def deal(number: str, stage: str, amount: str | None, close: str | None, **more: Any) -> dict:
    """Spell a deal of the API."""
    properties = {
        "dealname": f"Deal {number}",
        "dealstage": stage,
        "pipeline": more.pop("pipeline", "default"),
        "amount": amount,
        "closedate": close,
        "createdate": "2026-01-02T09:00:00.000Z",
        "hubspot_owner_id": more.pop("owner", "11"),
        "hs_merged_object_ids": more.pop("merged", None),
        "hs_analytics_source": "ORGANIC_SEARCH",
    }
    updated = more.pop("updated", "2026-02-20T09:00:00.000Z")
    return record(number, properties, updated, **more)


def contact(number: str, life: str | None, status: str | None = None, **more: Any) -> dict:
    """Spell a contact of the API."""
    properties = {
        "firstname": "Kim",
        "lastname": number,
        "email": f"k{number}@firm.example",
        "createdate": "2026-01-05T09:00:00.000Z",
        "hubspot_owner_id": "11",
        "lifecyclestage": life,
        "hs_lead_status": status,
        "hs_merged_object_ids": more.pop("merged", None),
    }
    return record(number, properties, "2026-02-20T09:00:00.000Z", **more)


def stage(number: str, label: str, order: int, is_closed: str, probability: str) -> dict:
    told = {"isClosed": is_closed, "probability": probability}
    return {"id": number, "label": label, "displayOrder": order, "metadata": told}


PIPELINES = [
    {
        "id": "default",
        "label": "Sales",
        "displayOrder": 0,
        "archived": False,
        "stages": [
            stage("appointmentscheduled", "Talk", 0, "false", "0.2"),
            stage("contractsent", "Contract", 1, "false", "0.9"),
            stage("closedwon", "Signed", 2, "true", "1.0"),
            stage("closedlost", "Gone", 3, "true", "0.0"),
        ],
    },
    {
        "id": "777",
        "label": "Debts",
        "displayOrder": 1,
        "archived": False,
        "stages": [
            stage("7773", "New", 0, "false", "0.0"),
            stage("7771", "Closed Won", 1, "true", "0.0"),
            stage("7772", "Written off", 2, "true", "1.0"),
        ],
    },
]
HISTORY = {
    "dealstage": [
        ("appointmentscheduled", "2026-01-02T09:00:00.000Z"),
        ("contractsent", "2026-01-15T09:00:00.000Z"),
        ("closedwon", "2026-01-31T21:30:00.000Z"),
    ]
}
CHANGES = {
    "amount": [("100", "2026-01-02T09:00:00Z"), ("150", "2026-02-01T09:00:00Z")],
    "closedate": [
        ("2026-03-31T10:00:00Z", "2026-01-02T09:00:00Z"),
        ("2026-05-30T21:30:00Z", "2026-02-01T09:00:00Z"),
    ],
    "hubspot_owner_id": [("12", "2026-01-02T09:00:00Z"), ("11", "2026-02-01T09:00:00Z")],
}
CUSTOMER_SINCE = {
    "lifecyclestage": [
        ("lead", "2026-01-05T09:00:00Z"),
        ("salesqualifiedlead", "2026-01-10T09:00:00Z"),
        ("customer", "2026-02-03T09:00:00Z"),
    ]
}


def deliver_api(company: Company) -> None:
    first = [
        deal("1", "closedwon", "1000.50", "2026-01-31T21:30:00Z", history=HISTORY)
        | {"associations": {"contacts": {"results": [{"id": "501", "type": "deal_to_contact"}]}}},
        deal("2", "7771", "300", "2026-02-10T09:00:00Z", pipeline="777"),
        deal("3", "7772", "200", "2026-02-12T09:00:00Z", pipeline="777", owner="12"),
        deal("4", "contractsent", "150", "2026-05-30T21:30:00Z", history=CHANGES),
        deal("5", "closedwon", "500", "2026-01-20T09:00:00Z"),
    ]
    second = [
        first[-1],  # pages overlap
        deal("6", "closedwon", "500", "2026-01-20T09:00:00Z", merged="7"),
        deal("7", "closedwon", "480", "2026-01-21T09:00:00Z"),
        deal("8", "closedwon", "9000", "2026-01-22T09:00:00Z"),
        deal("9", "7773", None, None, pipeline="777", owner=None),
    ]
    later = "2026-03-01T09:00:00.000Z"
    pulled = [
        deal("5", "closedwon", "500", "2026-01-20T09:00:00Z", merged="6;7", updated=later),
        deal("8", "closedwon", "9000", "2026-01-22T09:00:00Z", archived=True, updated=later),
    ]
    contacts = [
        contact("501", "lead"),
        contact("502", "subscriber"),
        contact("503", None),
        contact("504", "customer", history=CUSTOMER_SINCE, merged="505"),
        contact("505", "lead"),
        contact("506", "lead", "UNQUALIFIED"),
    ]
    teams = [{"id": "1", "name": "South", "primary": False}]
    teams.append({"id": "2", "name": "North", "primary": True})
    owners = [
        {"id": "11", "email": "anna@firm.example", "firstName": "Anna", "lastName": "Petrova"}
        | {"userId": 1, "archived": False, "teams": teams},
        {"id": "12", "email": "boris@firm.example", "firstName": "Boris", "lastName": "Kim"}
        | {"userId": 2, "archived": True},
    ]
    call = {
        "hs_timestamp": "2026-01-31T22:30:00.000Z",
        "hs_createdate": "2026-03-03T09:00:00Z",
        "hubspot_owner_id": "11",
        "hs_call_direction": "OUTBOUND",
        "hs_call_duration": "40500",
        "hs_call_status": "COMPLETED",
    }
    meetings = [
        record(
            number,
            {
                "hs_timestamp": "2026-02-05T09:00:00Z",
                "hs_meeting_outcome": outcome,
                "hs_meeting_start_time": "2026-02-05T09:00:00Z",
                "hubspot_owner_id": "11",
            },
            later,
        )
        for number, outcome in (("61", "COMPLETED"), ("62", "NO_SHOW"), ("63", None))
    ]
    files = {
        "a.json": page(*first, after="5"),
        "b.json": page(*second),
        "c.json": page(),
        "deals 2026-03-01.ndjson": "\n".join(json.dumps(line) for line in pulled),
        "people.json": page(*contacts),
        "owners.ndjson": "\n".join(json.dumps(line) for line in owners),
        "pipelines.json": page(PIPELINES[0]),
        "pipelines.ndjson": json.dumps(PIPELINES[1]),
        "calls.json": page(record("60", call, later, deals=["6"])),
        "meetings.json": page(*meetings),
    }
    for name, content in files.items():
        company.file(name, content, source="api")


def deliver_export(company: Company) -> None:
    rows = [
        "Record ID,Deal Name,Deal Stage,Pipeline,Amount,Close Date,Create Date,Deal owner,"
        "Associated Company,Associated Company IDs",
        "881,Pumps,Closed Won (Sales Pipeline),Sales Pipeline,$1250.5,2026-03-31 23:05,"
        "2026-01-15 23:30,anna  petrova,Acme,9001;9002",
        "882,Chillers,Proposal (Sales Pipeline),Sales Pipeline,,2026-06-30 00:00,2026-02-01 09:00"
        ",,,",
        "883,Hoses,Closed Lost (Sales Pipeline),Sales Pipeline,100,2026-03-10 00:00,"
        "2026-02-01 09:00,Anna Petrova,Acme,9001",
    ]
    table = "\r\n".join(line.replace(",", "\t") for line in rows) + "\r\n"
    company.file("hubspot-crm-exports.csv", table.encode("utf-16"), source="export")
    company.file(
        "companies.csv",
        "Record ID,Company name,Company owner,Create Date,Phone Number,City,Country/Region\n"
        "9001,Acme,Anna Petrova,2026-01-01 10:00,+1 202 555 0123,Oslo,Norway\n",
        source="export",
    )


def deliver_connector(company: Company) -> None:
    day = "2026-04-10 08:00:00"
    files = {
        "deal_data.csv": "deal_id,is_deleted,deal_pipeline_id,deal_pipeline_stage_id,owner_id,"
        "_fivetran_synced,property_dealname,property_amount,property_closedate,property_createdate"
        f"\n71,false,p1,s_won,31,{day},One,700,2026-04-01 22:30:00,2026-03-01 09:00:00\n"
        f"72,false,p1,s_won,31,{day},Two,690,2026-04-01 22:30:00,2026-03-01 09:00:00\n"
        f"73,true,p1,s_won,31,{day},Three,5000,2026-04-02 09:00:00,2026-03-01 09:00:00\n"
        f"74,false,p1,s_zero,32,{day},Four,60,2026-04-03 09:00:00,2026-03-01 09:00:00\n",
        "deal_pipeline_stage.csv": "_fivetran_deleted,_fivetran_synced,active,closed_won,is_closed,"
        "display_order,probability,stage_id,label,pipeline_id\n"
        f"FALSE,{day},TRUE,TRUE,TRUE,6,1.0,s_won,Done,p1\n"
        f"FALSE,{day},TRUE,FALSE,FALSE,7,0.0,s_zero,Nothing,p1\n"
        f"FALSE,{day},TRUE,FALSE,FALSE,1,0.4,s_open,Talk,p1\n",
        "merged_deal.csv": f"deal_id,merged_deal_id,_fivetran_synced\n71,72,{day}\n",
        "deal_stage.csv": "_fivetran_start,deal_id,_fivetran_active,_fivetran_end,"
        "_fivetran_synced,date_entered,source,source_id,value\n"
        f"2026-03-01 09:00:00,71,FALSE,2026-04-01 22:30:00,{day},2026-03-01 09:00:00,UI,x,s_open\n"
        f"2026-04-01 22:30:00,71,TRUE,2050-01-01 00:00:00,{day},2026-04-01 22:30:00,UI,x,s_won\n",
        "history.csv": "deal_id,timestamp,_fivetran_synced,source,name,source_id,value\n"
        f"71,2026-03-01 09:00:00,{day},UI,hubspot_owner_id,x,31\n"
        f"71,2026-04-05 09:00:00,{day},UI,hubspot_owner_id,x,32\n"
        f"71,2026-04-05 09:00:00,{day},UI,hs_note,x,y\n",
        "owner.csv": "owner_id,_fivetran_synced,created_at,portal_id,type,updated_at,email,"
        "first_name,last_name,active_user_id\n"
        f"31,{day},{day},1,PERSON,{day},eve@firm.example,Eve,Ray,1\n"
        f"32,{day},{day},1,PERSON,{day},ann@firm.example,Ann,Lee,2\n",
        "team.csv": f"id,name,_fivetran_synced\n1,East,{day}\n",
        "owner_team.csv": f"owner_id,team_id,is_team_primary,_fivetran_synced\n31,1,true,{day}\n",
        "engagement_call.csv": "engagement_id,_fivetran_deleted,_fivetran_synced,"
        "property_hs_createdate,property_hs_timestamp,type\n"
        f"501,false,{day},2026-04-09 09:00:00,2026-04-02 09:00:00,CALL\n",
        "engagement_note.csv": "engagement_id,_fivetran_deleted,_fivetran_synced,"
        "property_hs_body_preview,property_hs_createdate,property_hs_timestamp,type\n"
        f"502,false,{day},text,2026-04-09 09:00:00,2026-04-02 09:00:00,NOTE\n",
        "engagement_deal.csv": "deal_id,engagement_id,engagement_type,type_id,_fivetran_synced,"
        f"category\n72,501,CALL,216,{day},HUBSPOT_DEFINED\n",
        "ticket_deal.csv": f"_fivetran_synced,ticket_id,deal_id,category\n{day},1,71,x\n",
    }
    for name, content in files.items():
        company.file(name, content, source="connector")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    company = Company(tmp_path_factory.mktemp("hubspot") / "ws")
    company.settings |= {"as_of": "2026-04-30", "reporting_currency": "USD"}
    company.settings["stages"] = [
        {"stage": "Proposal", "outcome": "open"},
        {"stage": "Nothing", "source": "connector", "outcome": "lost"},
    ]
    company.settings["sources"] = {
        name: {"system": "hubspot", "currency": "USD"} for name in ("api", "export", "connector")
    }
    deliver_api(company)
    deliver_export(company)
    deliver_connector(company)
    return company.run()


def warehouse(published: Published, sql: str) -> list[tuple]:
    with duckdb.connect(str(published.session.workspace.warehouse_file)) as connection:
        return connection.execute(sql).fetchall()


def test_files_of_any_name_are_told_by_their_content(published):
    told = dict(published.rows("select file_name, table_name from ops.files"))
    names = {k.rsplit("/", 1)[1]: (v or "none").split("__")[-1] for k, v in told.items()}
    assert names == {
        "a.json": "deal",
        "b.json": "deal",
        "c.json": "none",
        "deals 2026-03-01.ndjson": "deal",
        "people.json": "contact",
        "owners.ndjson": "owner",
        "pipelines.json": "stage",
        "pipelines.ndjson": "stage",
        "calls.json": "call",
        "meetings.json": "meeting",
        "hubspot-crm-exports.csv": "deal",
        "companies.csv": "company",
        "deal_data.csv": "deal",
        "deal_pipeline_stage.csv": "stage",
        "merged_deal.csv": "link",
        "deal_stage.csv": "deal_stage",
        "history.csv": "property_history",
        "owner.csv": "owner",
        "team.csv": "label",
        "owner_team.csv": "link",
        "engagement_call.csv": "engagement",
        "engagement_note.csv": "engagement",
        "engagement_deal.csv": "link",
        "ticket_deal.csv": "aside",
    }


def test_stages_are_won_and_lost_by_their_definition_and_never_by_their_name(published):
    """A lost stage is called "Closed Won", a won one "Written off"; "New" has probability 0."""
    outcomes = dict(
        published.rows("select deal_id, outcome from marts.fct_deals where deal_id like 'api:%'")
    )
    assert {k.removeprefix("api:"): v for k, v in outcomes.items()} == {
        "1": "won",
        "2": "lost",
        "3": "won",
        "4": "open",
        "5": "won",
        "9": "open",
    }


def test_wins_fall_on_the_local_day_of_the_close_date(published):
    """Deal 1 closed at 21:30 UTC of 31 January, 00:30 of 1 February: with 200 it makes 1200.50."""
    assert published.kpi("booked_revenue", FEB) == 1200.5
    assert published.kpi("win_rate", FEB) == pytest.approx(2 / 3)  # deals 1 and 3 of 1, 2 and 3


def test_a_merged_deal_is_counted_once(published):
    """5, 6 and 7 are one deal of 500; 7 went into 6 and that into 5. 8 of 9000 is archived."""
    assert published.kpi("booked_revenue", JAN) == 500
    assert published.kpi("won_deals", JAN) == 1


def test_activities_of_a_merged_deal_belong_to_the_one_that_survived(published):
    """Called at 22:30 UTC of 31 January, written down in March: a call of 1 February."""
    assert published.rows(
        "select deal_id, kind, cast(occurred_on as varchar), duration_seconds "
        "from marts.fct_activities where kind = 'call' order by 1"
    ) == [("api:5", "call", "2026-02-01", 40), ("connector:71", "call", "2026-04-02", None)]


def test_a_meeting_that_nobody_came_to_is_none(published):
    """61 took place, 62 was a no-show, of 63 nobody wrote the outcome."""
    assert published.kpi("meetings", FEB) == 2


def test_rows_of_the_sources_are_all_accounted_for(published):
    """5 + 5 + 2 rows of deals, of which 8 is gone and 6, 7 are merged away."""
    seen = "select sum(rows_seen), sum(rows_loaded), sum(rows_quarantined) from ops.reconciliation"
    total, loaded, quarantined = published.rows(seen)[0]
    assert (loaded, quarantined) == (total, 0)
    assert (
        published.one("select count(*) from marts.fct_deals where source_name = 'api'") == 12 - 6
    )  # 5 twice over, 8 twice, 6, 7: twelve rows, six deals


def test_contacts_are_leads_by_their_stage_of_life(published):
    """501, 504 and 506 are leads; 502 subscribes, 503 nobody placed, 505 became 504."""
    assert published.kpi("new_leads", JAN) == 3
    assert published.kpi("qualified_leads", JAN) == 1
    leads = published.rows(
        "select lead_id, status_outcome, cast(qualified_on as varchar) from marts.fct_leads "
        "order by 1"
    )
    assert leads == [
        ("api:501", "new", None),
        ("api:504", "converted", "2026-01-10"),
        ("api:506", "junk", None),
    ]
    assert published.kpi("lead_conversion", JAN) == pytest.approx(1 / 3)  # 501, by deal 1


def test_history_inside_records_gives_stages_with_their_days(published):
    rows = published.rows(
        "select stage_name, cast(entered_on as varchar) from marts.fct_deal_stage_history "
        "where deal_id = 'api:1' order by entered_at"
    )
    assert rows == [("Talk", "2026-01-02"), ("Contract", "2026-01-15"), ("Signed", "2026-02-01")]


def test_history_of_amount_owner_and_planned_close_gives_changes(published):
    """21:30 UTC of 30 May is 31 May in Moscow."""
    rows = warehouse(
        published,
        "select field, old_value, new_value, cast(changed_on as varchar) "
        "from intermediate.int_deals__changes where deal_id = 'api:4' and field <> 'stage' "
        "and changed_on > date '2026-01-31' order by 1",
    )
    days = [(field, old, new) for field, old, new, _ in rows]
    assert days == [
        ("amount", "100.0000", "150.0000"),
        ("owner", "api:12", "api:11"),
        ("planned_close_on", "2026-03-31", "2026-05-31"),
    ]


def test_an_owner_who_left_keeps_past_figures_and_the_primary_team_counts(published):
    assert published.kpi("booked_revenue", FEB, scope="manager", who="Boris Kim") == 200
    assert published.kpi("booked_revenue", FEB, scope="team", who="North") == 1000.5


def test_an_export_with_labels_in_utf_16_and_one_person_in_two_sources(published):
    """The pipeline stands behind each stage; the owner is the Anna of the other account by name."""
    assert published.kpi("booked_revenue", MAR) == 1250.5
    assert published.kpi("win_rate", MAR) == 0.5
    assert published.kpi("booked_revenue", MAR, scope="manager", who="api:11") == 1250.5
    rows = published.rows(
        "select stage_name, outcome, cast(won_on as varchar) from marts.fct_deals "
        "where source_name = 'export' order by deal_id"
    )
    assert rows == [
        ("Closed Won", "won", "2026-03-31"),
        ("Proposal", "open", None),
        ("Closed Lost", "lost", None),
    ]


def test_a_connector_s_times_are_utc_and_its_merged_and_deleted_deals_count_once_and_not(published):
    """71 of 700 at 22:30 UTC of 1 April: 2 April. 72 is merged into it, 73 deleted, 74 lost."""
    assert published.kpi("booked_revenue", APR) == 700
    assert published.kpi("win_rate", APR) == 0.5
    rows = published.rows("select won_on from marts.fct_deals where deal_id = 'connector:71'")
    assert [str(day) for (day,) in rows] == ["2026-04-02"]


def test_the_owner_at_the_win_and_the_team_of_a_connector_s_tables(published):
    """71 went to Ann on 5 April, three days after the win; Eve is of the team East."""
    assert published.kpi("booked_revenue", APR, scope="manager", who="Eve Ray") == 700
    assert published.kpi("booked_revenue", APR, scope="team", who="East") == 700


def test_a_connector_s_stage_at_probability_zero_tells_no_outcome(published):
    """Its `is_closed` is the won one's: 0.0 may be lost or merely unlikely."""
    rows = warehouse(
        published,
        "select stage, outcome from staging.stg_hubspot__stages "
        "where source_name = 'connector' order by 1",
    )
    assert rows == [("s_open", "open"), ("s_won", "won"), ("s_zero", None)]


def test_what_people_type_into_an_export_is_read_or_refused_and_never_guessed(company: Company):
    """$1,250.50 in March at 10:22 in the morning; 45k is no 45 and not 45000; two name each other.

    Of 2 and 3, each of which claims the other as merged into it, the greater id stays: 100 once.
    """
    company.settings |= {"reporting_currency": "USD", "stages": []}
    company.settings["settings"] = {"row_error_limit": 1.0}
    company.settings["sources"] = {"crm": {"system": "hubspot"}}
    company.file(
        "export.csv",
        "Record ID,Deal Name,Deal Stage,Amount,Close Date,Create Date,Merged object IDs\n"
        '1,A,Closed Won,"$1,250.50","3/4/2026, 10:22 AM","1/31/2026, 11:40 PM",\n'
        '2,B,Closed Won,100,"3/14/2026, 1:22 PM","2/1/2026, 10:22 AM",3\n'
        '3,C,Closed Won,100,"3/14/2026, 1:22 PM","2/1/2026, 10:22 AM",2\n'
        '4,D,Closed Won,45k,"3/14/2026, 1:22 PM","2/1/2026, 10:22 AM",\n',
    )
    published = company.run()
    assert published.kpi("booked_revenue", MAR) == 1350.5
    rows = published.rows(
        "select deal_id, cast(opened_at as varchar), cast(won_on as varchar) "
        "from marts.fct_deals order by 1"
    )
    assert rows == [
        ("crm:1", "2026-01-31 20:40:00", "2026-03-04"),  # 23:40 in Moscow
        ("crm:3", "2026-02-01 07:22:00", "2026-03-14"),
    ]
    refused = published.rows(
        "select reason_code, _source_row from ops.quarantine where is_row_rejected"
    )
    assert refused == [("not_a_number", 5)]
    seen = "select rows_seen, rows_loaded, rows_quarantined, cast(amount_seen as double) "
    assert published.rows(seen + "from ops.reconciliation") == [(4, 3, 1, 1450.5)]


def test_of_several_companies_the_primary_one_is_the_customer(company: Company):
    """The API tells every link once as unlabeled, and the primary one by its label besides: 70."""

    def linked(number: str, *companies: tuple[str, str]) -> dict:
        links = [{"id": i, "type": f"deal_to_company{mark}"} for i, mark in companies]
        told = deal(number, "closedwon", "10", "2026-02-02T09:00:00.000Z")
        return told | {"associations": {"companies": {"results": links}}}

    company.settings |= {"stages": []}
    company.settings["sources"] = {"crm": {"system": "hubspot"}}
    unlabeled, supplier, primary = ("60", "_unlabeled"), ("65", "_unlabeled"), ("70", "")
    deals = linked("1", unlabeled, supplier, primary), linked("2", unlabeled)
    company.file("deals.json", page(*deals))
    rows = "select deal_id, customer_id from marts.fct_deals order by 1"
    assert company.run().rows(rows) == [("crm:1", "crm:70"), ("crm:2", "crm:60")]


def test_line_items_of_the_api_share_the_deal_by_what_each_line_costs(company: Company):
    """2 x 100 less 50 and 1 x 50 are 150 and 50 of 200, so 300 and 100 of the deal's 400."""
    company.settings |= {"reporting_currency": "USD", "stages": []}
    company.settings["sources"] = {"crm": {"system": "hubspot"}}
    company.file("d.json", page(deal("1", "closedwon", "400", "2026-02-10T09:00:00.000Z")))

    def line(number: str, product: str, *told: str, archived: bool = False) -> dict:
        names = ("quantity", "price", "amount")
        properties = {"name": f"Product {product}", "hs_product_id": product}
        properties |= dict(zip(names, told, strict=True))
        updated = "2026-02-01T09:00:00.000Z"
        return record(number, properties, updated, deals=["1"], archived=archived)

    company.file(
        "l.json",
        page(
            line("71", "p1", "2", "100", "150"),
            line("72", "p2", "1", "50", "50"),
            line("73", "p3", "9", "900", "8100", archived=True),
        ),
    )
    published = company.run()
    assert published.rows(
        "select product_id, cast(share as double) from marts.fct_deal_items order by 1"
    ) == [("crm:p1", 0.75), ("crm:p2", 0.25)]
    for product, revenue in (("crm:p1", 300), ("crm:p2", 100)):
        assert published.kpi("booked_revenue", FEB, scope="product", who=product) == revenue


@pytest.mark.real_input
@needs(SEEDS)
def test_the_public_seeds_are_recognised_and_no_deal_is_made_up(company: Company):
    """SOURCE.md and the files themselves: 44 deals, none of which has a stage, so each is refused.

    71 stages, 100 owners, 100 rows of history whose property names are hashed (none is one of the
    four that are read), 14 merges of deals that are not among the 44.
    """
    company.settings["sources"] = {"crm": {"system": "hubspot"}}
    company.settings["settings"] = {"row_error_limit": 1.0}
    for path in sorted(SEEDS.glob("*.csv")):
        company.file(path.name, path.read_bytes())
    with (SEEDS / "deal_stage_data.csv").open(encoding="utf-8") as handle:
        stages = {line["value"] for line in csv.DictReader(handle)}
    # their deals and pipelines are not among the files: only the company knows what they mean
    company.settings["stages"] = [{"stage": s, "outcome": "open"} for s in sorted(stages)]
    published = company.run()
    told = dict(published.rows("select table_name, count(*) from ops.files group by 1"))
    assert {k.split("__")[1]: n for k, n in told.items()} == {
        "deal": 1,
        "property_history": 1,
        "deal_stage": 1,
        "stage": 1,
        "contact": 1,
        "company": 1,
        "owner": 1,
        "meeting": 1,
        "email": 1,
        "task": 1,
        "engagement": 3,
        "link": 8,
        "label": 4,
        "aside": 19,
    }
    seen = published.rows(
        "select rows_seen, rows_loaded, rows_quarantined from ops.reconciliation "
        "where file_name like '%/deal_data.csv'"
    )
    assert seen == [(44, 0, 44)]
    assert published.one("select count(*) from marts.fct_deals") == 0
    reasons = published.rows(
        "select distinct reason_code from ops.quarantine where _source_file like '%/deal_data.csv'"
    )
    assert reasons == [("missing_value",)]
    # 1 call, 1 e-mail, 100 meetings; 2 tasks and 1 message are other; the note is none
    kinds = "select kind, count(*) from marts.fct_activities group by 1"
    assert dict(published.rows(kinds)) == {"call": 1, "email": 1, "meeting": 100, "other": 3}


def test_a_file_that_is_no_table_of_hubspot_is_refused_with_the_line_to_add(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("Anything,At all\n1,2\n", encoding="utf-8")
    source = SourceConfig(system="hubspot")
    with pytest.raises(SourceFileError, match=r'ignore: \["x.csv"\]'):
        recognise(path, "x.csv", source, CONTRACTS["hubspot"], "x.csv")
