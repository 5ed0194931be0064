"""Salesforce as it is delivered: Data Loader CSV, reports, JSON of queries, connector tables.

The checksum of an id, by hand: `0065g00000AbCdE` in fives is `0065g`, `00000`, `AbCdE`; capitals
stand in the third at places 1, 3 and 5, so bits 1 + 4 + 16 = 21, the letter V of A..Z0..5; none
elsewhere: A.
"""

from __future__ import annotations

import json

import duckdb
import pytest

from tests.conftest import EXAMPLES, Company, needs

SEEDS = EXAMPLES / "seeds_salesforce"
JAN, FEB, MAR = "2026-01-01", "2026-02-01", "2026-03-01"
HEADER = (
    '"Id","IsDeleted","AccountId","Name","StageName","Amount","CloseDate","IsClosed","IsWon",'
    '"OwnerId","LeadSource","CreatedDate","LastModifiedDate","FiscalQuarter","FiscalYear","Fiscal"\n'
)
USER_A, USER_B = "0055g000001QwErAAK", "0055g000002QwErAAK"


def row(number: str, stage: str, amount: str, close: str, flags: str, **more: str) -> str:
    """Spell an opportunity; flags: deleted, closed, won as letters."""
    cells = [
        more.get("id") or f"0065g0000000{number}AAA",
        "true" if "d" in flags else "false",
        more.get("account", "0015g00000XyZ12AAC"),
        f"Deal {number}",
        stage,
        amount,
        close,
        "true" if "c" in flags else "false",
        "true" if "w" in flags else "false",
        more.get("owner", USER_A),
        more.get("source", "Web"),
        more.get("created", "2026-01-05T21:30:00.000Z"),
        more.get("modified", "2026-03-10T08:00:00.000Z"),
        "9",
        "1999",
        "1999 9",
    ]
    return ",".join(f'"{cell}"' for cell in cells) + "\n"


@pytest.fixture
def org(company: Company) -> Company:
    company.settings |= {"reporting_currency": "USD", "stages": [], "timezone": "Europe/London"}
    company.settings["settings"] = {"undated_wins_limit": 1.0}
    company.settings["sources"] = {"crm": {"system": "salesforce"}}
    return company


OPPORTUNITIES = HEADER + "".join(
    [
        row("001", "Signed", "1000.0", "2026-01-31", "cw", id="0065g00000AbCdEAAV"),
        row("002", "Signed", "500", "2026-02-10", "cw", source="Partner"),
        row("003", "Gone", "300", "2026-02-11", "c"),
        row("004", "Talking", "200", "2026-04-30", ""),
        row("005", "Signed", "7000", "2026-01-20", "dcw"),
        row("006", "Signed", "40", "null", "cw"),
        row("007", "Talking", "", "null", ""),
    ]
)


def test_wins_are_told_by_the_flags_and_dated_by_the_close_date(org: Company):
    """Won: 1000 on 31 January and 500 on 10 February; 7000 is deleted, 40 has no day."""
    org.file("opps.csv", OPPORTUNITIES)
    published = org.run()
    assert published.kpi("booked_revenue", JAN) == 1000
    assert published.kpi("booked_revenue", FEB) == 500
    assert published.kpi("win_rate", FEB) == 0.5  # 500 won, 300 lost; fiscal columns say nothing
    assert published.kpi("booked_revenue", FEB, scope="channel", who="Partner") == 500
    outcomes = published.rows("select deal_name, outcome, won_on from marts.fct_deals order by 1")
    assert [(name[-1], outcome) for name, outcome, _ in outcomes] == [
        ("1", "won"),
        ("2", "won"),
        ("3", "lost"),
        ("4", "open"),
        ("6", "won"),
        ("7", "open"),
    ]
    listed = published.rows(
        "select reason_code, _source_row from ops.quarantine where reason_code <> 'unknown_manager'"
    )
    assert listed == [("undated_win", 7)]
    assert published.rows(
        "select rows_seen, rows_loaded, rows_quarantined, cast(amount_seen as double), "
        "cast(amount_loaded as double) from ops.reconciliation"
    ) == [(7, 7, 0, 9040.0, 9040.0)]


def test_a_deleted_deal_counts_until_the_day_it_was_deleted(org: Company):
    """Deleted by an edit of 10 March: a run that looks from 9 March still holds its 7000."""
    org.file("opps.csv", OPPORTUNITIES)
    org.settings["as_of"] = "2026-03-09"
    assert org.run().kpi("booked_revenue", JAN) == 8000


def test_ids_of_15_and_18_characters_are_one(org: Company):
    org.file("opps.csv", OPPORTUNITIES)
    org.file(
        "items.csv",
        "OpportunityId,Product2Id,Name,Quantity,UnitPrice,TotalPrice,IsDeleted\n"
        "0065g00000AbCdE,01t5g000001QwEr,Pump,2,400,700,0\n"
        "0065g00000AbCdEAAV,01t5g000002QwEr,Valve,3,100,300,FALSE\n"
        "0065g00000AbCdEAAV,01t5g000003QwEr,Hose,1,100,100,1\n",
    )
    org.file(
        "users.csv",
        "Id,Name,Email,IsActive,ManagerId,UserRole.Name\n"
        "0055g000001QwEr,Ann Lee,ann@x.test,true,,EMEA\n",
    )
    published = org.run()
    lines = published.rows(
        "select p.product_name, cast(i.share as double) from marts.fct_deal_items i join "
        "marts.dim_product p using (product_id) order by 1"
        if _has_table(published, "fct_deal_items")
        else "select product_name, booked_revenue / 1000 from marts.kpi_product "
        "where period_grain = 'month' and period_start = '2026-01-01' and booked_revenue > 0 "
        "order by 1"
    )
    # 2 x 400 less the discount to 700, and 300: 7 to 3 of 1000; the deleted line is out
    assert lines == [("Pump", 0.7), ("Valve", 0.3)]
    assert published.kpi("booked_revenue", JAN, scope="manager", who="Ann Lee") == 1000
    assert published.kpi("booked_revenue", JAN, scope="team", who="EMEA") == 1000


def test_lines_that_are_all_deleted_leave_the_deal_none(org: Company):
    """The later file names the one line of the deal as deleted: its 1000 are of no product."""
    org.file("opps.csv", OPPORTUNITIES)
    org.settings["sources"]["crm"]["observed_at"] = r"/(\d{4}-\d\d-\d\d)/"
    head = "Id,OpportunityId,Product2Id,Name,Quantity,UnitPrice,TotalPrice,IsDeleted\n"
    line = "00k5g00000{}AAA,0065g00000AbCdEAAV,01t5g000001QwEr,Pump,1,{},{},{}\n"
    org.file("2026-02-01/items.csv", head + line.format("00001", 1000, 1000, 0))
    org.file("2026-03-01/items.csv", head + line.format("00001", 1000, 1000, 1))
    published = org.run()
    assert published.rows("select * from marts.fct_deal_items") == []
    assert published.kpi("booked_revenue", JAN) == 1000


def _has_table(published, name: str) -> bool:
    return bool(
        published.one("select count(*) from information_schema.tables where table_name = ?", [name])
    )


def test_a_report_with_labels_local_dates_and_a_footer(org: Company):
    """The totals of the footer restate the money: 1 234.50 + 765.50 and no more."""
    org.settings["stages"] = [
        {"stage": "Signed", "outcome": "won"},
        {"stage": "Gone", "outcome": "lost"},
    ]
    org.file(
        "report.csv",
        '"Opportunity ID","Opportunity Owner","Account Name","Opportunity Name","Stage",'
        '"Fiscal Period","Amount","Close Date","Created Date","Lead Source"\n'
        '"0065g00000AbCdE","Ann Lee","Acme","Pumps","Signed","Q1-2026","1,234.50","1/31/2026",'
        '"1/5/2026","Web"\n'
        '"0065g00000AbCdF","Bob Ray","Apex","Hoses","Signed","Q1-2026","765.50","1/14/2026",'
        '"1/6/2026","Web"\n'
        '"","Total","","","","","2,000.00","","",""\n'
        "\n"
        '"Grand Totals (2 records)"\n"Pipeline of January"\n'
        '"Confidential Information - Do Not Distribute"\n'
        '"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n',
    )
    published = org.run()
    assert published.kpi("booked_revenue", JAN) == 2000
    assert published.kpi("booked_revenue", JAN, scope="manager", who="Bob Ray") == 765.5
    told = "select rows_seen, rows_total_lines, cast(amount_seen as double) from ops.files"
    assert published.rows(told) == [(2, 2, 2000.0)]


def test_times_of_a_weekly_export_are_utc_though_they_do_not_say_so(org: Company):
    """21:30 in UTC on the last of January is 00:30 on the first of February in Moscow.

    The zone of the source wins where workspace.yml names one: there it is still January. A report
    has no ``SystemModstamp``, and its times are those of whoever made it.
    """
    org.settings |= {"timezone": "Europe/Moscow"}
    header = '"Id","Name","StageName","Amount","CloseDate","IsClosed","IsWon","CreatedDate"'
    cells = '"0065g0000000001AAA","Pumps","Signed","1.25E4","2026-02-02","1","1"'
    for source, more in (("weekly", {}), ("local", {"timezone": "Europe/Moscow"}), ("report", {})):
        org.source(source, **{"system": "salesforce"} | more)
        stamp = ("", "") if source == "report" else (',"SystemModstamp"', ',"2026-02-02 21:30:00"')
        org.file(
            "Opportunity.csv",
            f'{header}{stamp[0]}\n{cells},"2026-01-31 21:30:00"{stamp[1]}\n',
            source=source,
        )
    opened = org.run().rows(
        "select source_name, cast(opened_on as varchar), cast(won_on as varchar), amount_native "
        "from marts.fct_deals order by 1"
    )
    assert opened == [
        ("local", "2026-01-31", "2026-02-02", 12500),
        ("report", "2026-01-31", "2026-02-02", 12500),
        ("weekly", "2026-02-01", "2026-02-02", 12500),
    ]


def test_json_of_queries_with_nested_owners_and_several_currencies(org: Company):
    """Page 1 and 2: 100 EUR at 1.10 on 31 January, 50 USD; the third page is empty."""

    def deal(number: int, currency: str, amount: float) -> dict:
        return {
            "attributes": {"type": "Opportunity", "url": "/x"},
            "Id": f"0065g0000000{number:03}AAA",
            "Name": f"Deal {number}",
            "StageName": "Signed",
            "IsWon": True,
            "IsClosed": True,
            "Amount": amount,
            "CurrencyIsoCode": currency,
            "CloseDate": "2026-01-31",
            "CreatedDate": "2026-01-02T10:00:00.000+0000",
            "Owner": {"attributes": {"type": "User"}, "Name": "Ann Lee"},
            "Account": None,
        }

    for name, records in (("1", [deal(1, "EUR", 100)]), ("2", [deal(2, "USD", 50)]), ("3", [])):
        page = {"totalSize": 2, "done": name != "1", "records": records}
        org.file(f"page {name}.json", json.dumps(page))
    org.entity("fx_rates", "rate_on currency rate", source="rates")
    org.file("fx_rates.csv", "rate_on,currency,rate\n2026-01-30,EUR,1.10\n", source="rates")
    published = org.run()
    assert published.kpi("booked_revenue", JAN) == pytest.approx(160)
    assert published.kpi("booked_revenue", JAN, scope="manager", who="Ann Lee") == pytest.approx(
        160
    )
    statuses = published.rows("select status, count(*) from ops.files group by 1 order by 1")
    assert statuses == [("empty", 1), ("loaded", 3)]


def test_history_dates_wins_where_the_workspace_says_so(org: Company):
    """By the close date the win is of January; the stage was entered on 3 February."""
    org.file("opps.csv", HEADER + row("001", "Signed", "1000", "2026-01-31", "cw"))
    org.file(
        "history.csv",
        "Id,OpportunityId,StageName,Amount,CloseDate,CreatedDate,CreatedById\n"
        f"0085g1,0065g0000000001,Talking,900,2026-01-31,2026-01-05T10:00:00.000Z,{USER_A}\n"
        f"0085g2,0065g0000000001,Signed,1000,2026-01-31,2026-02-03T10:00:00.000Z,{USER_A}\n",
    )
    # an earlier stage that no deal is in any more and no table of stages tells: a rule must
    org.settings["stages"] = [{"stage": "Talking", "outcome": "open"}]
    org.settings["settings"] = {"revenue_drop_limit": 1.0}
    published = org.run()
    assert published.kpi("booked_revenue", JAN) == 1000
    org.source(won_date="history")
    published = org.run()
    assert published.kpi("booked_revenue", JAN) == 0
    assert published.kpi("booked_revenue", FEB) == 1000


def test_the_field_history_tells_the_owner_at_the_win(org: Company):
    """Ann closed it in January; it went to Bob on 1 March. Ids count, the twin row of names not."""
    org.file("opps.csv", HEADER + row("001", "Signed", "10", "2026-01-31", "cw", owner=USER_B))
    org.file(
        "users.csv",
        f"Id,Name,UserRoleId,IsActive\n{USER_A},Ann Lee,00E1,true\n{USER_B},Bob Ray,00E2,false\n",
    )
    org.file("roles.csv", "Id,Name,ParentRoleId\n00E1,North,\n00E2,South,00E1\n")
    change = "0065g0000000001AAA,Owner,{},{},2026-03-01T09:00:00.000Z\n"
    org.file(
        "fields.csv",
        "Id,OpportunityId,Field,OldValue,NewValue,CreatedDate\n"
        + "0171,"
        + change.format("Ann Lee", "Bob Ray")
        + "0172,"
        + change.format(USER_A, USER_B)
        + "0173,0065g0000000001AAA,NextStep,a,b,2026-03-01T09:00:00.000Z\n",
    )
    published = org.run()
    assert published.kpi("booked_revenue", JAN, scope="manager", who="Ann Lee") == 10
    assert published.kpi("booked_revenue", JAN, scope="team", who="North") == 10
    counted = "select rows_loaded, rows_left_out from ops.reconciliation where rows_left_out > 0"
    assert published.rows(counted) == [(3, 2)]


def test_stages_that_the_system_delivers_stand_below_rules_of_the_workspace(org: Company):
    org.file(
        "stages.csv",
        "Id,MasterLabel,ApiName,IsClosed,IsWon,SortOrder\n"
        "1,Signed,Signed,true,true,3\n2,Gone,Gone,true,false,4\n3,Talking,Talking,false,false,1\n",
    )
    org.file(
        "opps.csv",
        "Id,StageName,Amount,CloseDate,CreatedDate\n"
        "0065g0000000001AAA,Signed,10,2026-01-31,2026-01-05T10:00:00Z\n"
        "0065g0000000002AAA,Gone,20,2026-01-31,2026-01-05T10:00:00Z\n"
        "0065g0000000003AAA,Talking,30,2026-01-31,2026-01-05T10:00:00Z\n",
    )
    outcomes = "select stage_name, outcome from marts.fct_deals order by 1"
    delivered = [("Gone", "lost"), ("Signed", "won"), ("Talking", "open")]
    assert org.run().rows(outcomes) == delivered
    org.settings["stages"] = [{"stage": "talking", "outcome": "won"}]
    assert org.run().rows(outcomes) == [*delivered[:2], ("Talking", "won")]


def test_converting_a_lead_qualifies_it_and_wins_nothing(org: Company):
    """1 converted into a deal that is won, 2 into none, 3 is a queue's, 4 is deleted."""
    org.file("opps.csv", HEADER + row("001", "Signed", "10", "2026-01-31", "cw"))
    day = "2026-01-20T10:00:00Z"
    org.file(
        "leads.csv",
        "Id,OwnerId,Status,IsConverted,ConvertedDate,ConvertedOpportunityId,LeadSource,CreatedDate,"
        "IsDeleted,LastModifiedDate\n"
        f"00Q1,{USER_A},Closed - Converted,1,2026-01-10,0065g0000000001,Web,2026-01-04,0,{day}\n"
        f"00Q2,{USER_A},Closed - Converted,1,2026-01-11,,Web,2026-01-04,0,{day}\n"
        f"00Q3,00G5g000001QwErAAK,Open - Not Contacted,0,,,Web,2026-01-04,0,{day}\n"
        f"00Q4,{USER_A},Open - Not Contacted,0,,,Web,2026-01-04,1,{day}\n",
    )
    published = org.run()
    assert published.kpi("new_leads", JAN) == 3
    assert published.kpi("qualified_leads", JAN) == 2
    assert published.kpi("lead_conversion", JAN) == pytest.approx(1 / 3)
    assert published.kpi("new_leads", JAN, scope="manager", who="not_given") == 1


def test_an_account_that_was_merged_twice_is_the_one_at_the_end_of_the_chain(org: Company):
    """1 was merged into 2, and 2 later into 3: the deal of 1 in January and the deal of 3 in
    February are of one customer, who was new in January."""
    ids = [f"0015g000000000{n}AAA" for n in (1, 2, 3)]
    org.file(
        "Account.csv",
        '"Id","Name","Industry","ParentId","MasterRecordId","IsDeleted"\n'
        f'"{ids[0]}","Acme Inc","Energy","","{ids[1]}","true"\n'
        f'"{ids[1]}","Acme Ltd","Energy","","{ids[2]}","true"\n'
        f'"{ids[2]}","Acme","Energy","","","false"\n',
    )
    org.file(
        "Opportunity.csv",
        HEADER
        + row("001", "Signed", "10", "2026-01-31", "cw", account=ids[0])
        + row("002", "Signed", "20", "2026-02-10", "cw", account=ids[2]),
    )
    published = org.run()
    customers = published.rows("select distinct customer_id from marts.fct_deals")
    assert customers == [(f"crm:{ids[2]}",)]
    assert [published.kpi("new_customers", month) for month in (JAN, FEB)] == [1, 0]


def test_tasks_and_events_by_kind_without_templates_and_copies(org: Company):
    """T1 is a call of 40 s, T2 an e-mail, T3 planned, T4 a series' head, U2 an attendee's copy.

    U3 is the whole 1st of February, written as midnight in UTC: 19:00 of January 31st in New York.
    """
    org.settings |= {"timezone": "America/New_York"}
    org.file(
        "tasks.csv",
        "Id,OwnerId,WhoId,WhatId,TaskSubtype,Status,IsClosed,ActivityDate,CallDurationInSeconds,"
        "CallType,IsRecurrence,IsDeleted,CreatedDate\n"
        f"00T1,{USER_A},,0065g0000000001AAA,Call,Completed,true,2026-01-10,40,Outbound,0,0,2026-01-09\n"
        f"00T2,{USER_A},,,Email,Completed,true,2026-01-10,,,0,0,2026-01-09\n"
        f"00T3,{USER_A},,,Call,Not Started,false,2026-01-12,,,0,0,2026-01-09\n"
        f"00T4,{USER_A},,,Call,Completed,true,2026-01-12,,,1,0,2026-01-09\n",
    )
    org.file(
        "events.csv",
        "Id,OwnerId,Subject,StartDateTime,EndDateTime,DurationInMinutes,IsChild,IsDeleted,"
        "IsAllDayEvent\n"
        f"00U1,{USER_A},Demo,2026-01-12T09:00:00Z,2026-01-12T10:00:00Z,60,false,false,false\n"
        f"00U2,{USER_B},Demo,2026-01-12T09:00:00Z,2026-01-12T10:00:00Z,60,true,false,false\n"
        f"00U3,{USER_A},Fair,2026-02-01T00:00:00.000Z,2026-02-01T00:00:00.000Z,1440,false,false,"
        "true\n",
    )
    published = org.run()
    assert published.kpi("calls", JAN) == 1
    assert published.kpi("connected_calls", JAN) == 1
    assert [published.kpi("meetings", month) for month in (JAN, FEB)] == [1, 1]
    left_out = (
        "select table_name, rows_left_out from ops.reconciliation "
        "join ops.files using (file_name) order by 1"
    )
    assert published.rows(left_out) == [("salesforce__event", 1), ("salesforce__task", 1)]


def test_the_history_mode_of_a_connector_gives_deals_and_their_stages(org: Company):
    """Clock: a connector's naive times are UTC, whatever the company's zone (UTC+3 in Moscow)."""
    org.settings["timezone"] = "Europe/Moscow"
    org.source(won_date="history")
    org.file(
        "opportunity_history.csv",
        "_fivetran_synced,_fivetran_active,_fivetran_start,_fivetran_end,id,is_deleted,is_closed,"
        "is_won,stage_name,amount,close_date,created_date,owner_id\n"
        "2026-02-02 00:00:00,false,2026-01-10 08:00:00,2026-01-31 22:30:00,0065g0000000001AAA,"
        f"false,false,false,Talking,5,2026-02-10 00:00:00,2026-01-09 20:00:00,{USER_A}\n"
        "2026-02-02 00:00:00,true,2026-01-31 22:30:00,9999-12-31 23:59:59,0065g0000000001AAA,"
        f"false,true,true,Signed,6,2026-02-10 00:00:00,2026-01-09 20:00:00,{USER_A}\n",
    )
    published = org.run()
    # entered into the won stage at 22:30 UTC of 31 January: 01:30 of 1 February in Moscow
    assert published.kpi("booked_revenue", FEB) == 6
    assert published.rows("select outcome, cast(won_on as varchar) from marts.fct_deals") == [
        ("won", "2026-02-01")
    ]


def test_custom_columns_and_constants_are_laid_over_the_contract(org: Company):
    org.settings["sources"]["crm"]["entities"] = {
        "deals": {
            "columns": {"loss_reason": "field:Why_Lost__c", "partner_id": "Reseller__c"},
            "constants": {"pipeline": "main", "currency_iso_code": "USD"},
        }
    }
    org.settings["loss_reasons"] = [{"reason": "duplicate", "eligible": False}]
    org.file(
        "opps.csv",
        "Id,StageName,IsWon,IsClosed,Amount,CloseDate,CreatedDate,Why_Lost__c,Reseller__c\n"
        "0065g0000000001AAA,Signed,1,1,10,2026-01-31,2026-01-05,,p1\n"
        "0065g0000000002AAA,Gone,0,1,10,2026-01-31,2026-01-05,Duplicate,\n",
    )
    published = org.run()
    assert published.kpi("win_rate", JAN) == 1  # the duplicate was no contest
    told = "select pipeline, partner_id, loss_reason from marts.fct_deals order by deal_id"
    assert published.rows(told) == [("main", "crm:p1", None), ("main", None, "Duplicate")]


def test_a_new_content_of_a_path_upserts_records_of_a_system_too(org: Company):
    org.file("opps.csv", OPPORTUNITIES)
    org.run()
    changed = row("002", "Signed", "900", "2026-02-10", "cw", modified="2026-03-20T08:00:00.000Z")
    org.file("opps.csv", HEADER + changed)
    published = org.run()
    assert published.kpi("booked_revenue", JAN) == 1000  # known from the earlier content
    assert published.kpi("booked_revenue", FEB) == 900


def test_two_orgs_are_two_sources(org: Company):
    org.settings["sources"]["other"] = {"system": "salesforce", "currency": "USD"}
    org.file("opps.csv", OPPORTUNITIES)
    org.file("opps.csv", OPPORTUNITIES, source="other")
    assert org.run().kpi("booked_revenue", JAN) == 2000


def test_what_a_workspace_does_not_use_is_an_empty_typed_view_and_no_work(org: Company):
    from dagster_project.session import open_session
    from dagster_project.settings import load_workspace

    org.settings["sources"] = {}
    org.settings["stages"] = [{"stage": "won", "outcome": "won"}]
    org.entity("deals", "deal_id stage opened_at closed_at amount")
    org.file(
        "deals.csv", "deal_id,stage,opened_at,closed_at,amount\nd1,won,2026-01-01,2026-01-02,5\n"
    )
    with open_session(load_workspace(org.save()), "test") as session:
        session.ingest()
        built = {node.name for node in session.build("staging")}
        kinds = dict(
            session.connection.execute(
                "select table_name, table_type from information_schema.tables "
                "where table_schema = 'staging' and table_name like 'stg_%__deals'"
            ).fetchall()
        )
        raw = session.connection.execute("select count(*) from raw.salesforce__opportunity")
        assert raw.fetchone() == (0,)
    assert not {name for name in built if name.startswith("stg_salesforce__")}
    assert kinds["stg_files__deals"] == "BASE TABLE"
    assert kinds["stg_salesforce__deals"] == "VIEW"


@pytest.mark.real_input
@needs(SEEDS)
def test_the_public_seeds_are_recognised_and_every_deal_of_them_is_a_tombstone(org: Company):
    """SOURCE.md: 10 rows per object (1 lead), all 10 opportunities deleted."""
    for path in SEEDS.glob("*.csv"):
        org.file(path.name, path.read_bytes())
    published = org.run()
    tables = dict(published.rows("select file_name, table_name from ops.files"))
    assert {k.rsplit("/", 1)[1][3:-4]: v.split("__")[1] for k, v in tables.items()} == {
        "account_data": "account",
        "account_history_data": "account",
        "contact_data": "contact",
        "contact_history_data": "contact",
        "event_data": "event",
        "lead_data": "lead",
        "opportunity_data": "opportunity",
        "opportunity_history_data": "opportunity_version",
        "opportunity_line_item_data": "opportunity_line_item",
        "order_data": "order",
        "product_2_data": "product",
        "task_data": "task",
        "user_data": "user",
        "user_role_data": "user_role",
    }
    assert published.one("select count(*) from marts.fct_deals") == 0
    with duckdb.connect(str(published.session.workspace.warehouse_file)) as warehouse:
        told = warehouse.execute(
            "select reason_code, count(*) from intermediate.int_audit__left_out "
            "where entity = 'deals' group by 1"
        ).fetchall()
    assert told == [("deleted", 10)]
    assert published.one("select count(*) from marts.fct_activities") == 20
    assert published.rows(
        "select sum(rows_seen), sum(rows_loaded), sum(rows_quarantined) from ops.reconciliation"
    ) == [(111, 111, 0)]
