"""Whose an event is, and what it takes back: owners, teams, costs and merges over time; by hand.

Ann (m1) is in team X, from 1 April in team Y; Bob (m2) and Cyd (m3) are in team Z. A dollar costs
90 RUB in February and March, 100 in April, 120 in May and 130 in June.

| deal | what happens | amount |
|---|---|---|
| w1 | opened 10 Jan by Ann, Bob's from 20 Jan, won 5 Feb, reopened 10 Mar | 1 000 |
| w2 | opened 12 Jan by Ann, won 6 Feb, reopened 11 Mar, Bob's from 20 Mar, won 5 May | 2 000 |
| w3 | Ann: won 5 Mar, reopened 10 Apr | 3 000 |
| q1 | lost 5 Mar and merged into s1, which is open since 1 Mar | 70 |
| q2 | won 20 Feb and merged into s2, opened 1 May and won 20 May | 500 |
| c1 | Cyd: won 12 Feb, reopened 12 Mar, won 12 May; a product that costs 40 000 RUB | 1 000 USD |
| i1 | Cyd: won 1 May; lines of 60 and 40, paid 50 on 3 May | 100 |
| d9 | Ann: opened 20 Mar, won 20 Apr | 10 |
| k1 | Bob: opened and won 20 Apr, from lead l2, which is Ann's | 15 |
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.conftest import Company

FEB, MAR, APR, MAY = "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01"
RATES = {2: 90, 3: 90, 4: 100, 5: 120, 6: 130}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    company = Company(tmp_path_factory.mktemp("owners") / "ws")
    company.settings |= {"as_of": "2026-06-30", "country": None, "working_hours": "09:00-18:00"}
    company.entity(
        "deals",
        "deal_id stage opened_at amount currency manager_id product_id lead_id merged_into "
        "updated_at",
        files="deals.csv",
    )
    company.source(won_date="history")
    company.file(
        "deals.csv",
        """\
deal_id,stage,opened_at,amount,currency,manager_id,product_id,lead_id,merged_into,updated_at
w1,offer,2026-01-10,1000,RUB,m2,,,,2026-03-10
w2,won,2026-01-12,2000,RUB,m2,,,,2026-05-05
w3,offer,2026-03-01,3000,RUB,m1,,,,2026-04-10
s1,open,2026-03-01,70,RUB,m3,,,,2026-03-01
q1,lost,2026-03-01,70,RUB,m3,,,s1,2026-03-06
s2,won,2026-05-01,500,RUB,m3,,,,2026-05-20
q2,won,2026-02-01,500,RUB,m3,,,s2,2026-03-06
c1,won,2026-02-01,1000,USD,m3,p9,,,2026-05-12
i1,won,2026-04-20,100,RUB,m3,,,,2026-05-01
d9,won,2026-03-20,10,RUB,m1,,,,2026-04-20
k1,won,2026-04-20,15,RUB,m2,,l2,,2026-04-20
""",
    )
    company.entity("deal_stages", "deal_id stage entered_at")
    moves = """\
w1 open 2026-01-10, w1 won 2026-02-05, w1 offer 2026-03-10,
w2 open 2026-01-12, w2 won 2026-02-06, w2 offer 2026-03-11, w2 won 2026-05-05,
w3 open 2026-03-01, w3 won 2026-03-05, w3 offer 2026-04-10,
s1 open 2026-03-01, q1 open 2026-03-01, q1 lost 2026-03-05,
s2 open 2026-05-01, s2 won 2026-05-20, q2 open 2026-02-01, q2 won 2026-02-20,
c1 open 2026-02-01, c1 won 2026-02-12, c1 offer 2026-03-12, c1 won 2026-05-12,
i1 open 2026-04-20, i1 won 2026-05-01, d9 open 2026-03-20, d9 won 2026-04-20,
k1 open 2026-04-20, k1 won 2026-04-20"""
    rows = [",".join(move.split()) + " 10:00:00" for move in moves.replace("\n", " ").split(", ")]
    rows[-1] = rows[-1].replace("10:00", "11:00")
    company.file("deal_stages.csv", "deal_id,stage,entered_at\n" + "\n".join(rows) + "\n")
    company.entity("deal_changes", "deal_id field old_value new_value changed_at")
    company.file(
        "deal_changes.csv",
        "deal_id,field,old_value,new_value,changed_at\n"
        "w1,owner,m1,m2,2026-01-20 10:00:00\nw2,owner,m1,m2,2026-03-20 10:00:00\n",
    )
    company.entity("deal_items", "deal_id product_id quantity price")
    company.file("deal_items.csv", "deal_id,product_id,quantity,price\ni1,p1,3,20\ni1,p2,2,20\n")
    company.entity("products", "product_id product_name cost currency")
    company.file(
        "products.csv",
        "product_id,product_name,cost,currency\np1,Chair,,\np2,Desk,,\np9,Lathe,40000,RUB\n",
    )
    company.entity("managers", "manager_id manager_name team hired_on valid_from")
    company.file(
        "managers.csv",
        "manager_id,manager_name,team,hired_on,valid_from\n"
        "m1,Ann,X,2025-01-01,\nm1,Ann,Y,2025-01-01,2026-04-01\n"
        "m2,Bob,Z,2025-01-01,\nm3,Cyd,Z,2025-01-01,\n",
    )
    company.entity("leads", "lead_id created_at manager_id qualified_at first_response_at")
    company.file(
        "leads.csv",
        """\
lead_id,created_at,manager_id,qualified_at,first_response_at
l1,2026-03-10 12:00:00,m1,2026-04-15,
l2,2026-04-01 12:00:00,m1,,
l5,2026-05-04 10:00:00,m3,,2026-05-04 09:00:00
l6,2026-05-04 10:00:00,m3,,2026-05-04 10:10:00
""",
    )
    company.entity("payments", "payment_id paid_at amount currency deal_id")
    company.file(
        "payments.csv",
        "payment_id,paid_at,amount,currency,deal_id\ny1,2026-05-03,50,RUB,i1\n",
    )
    company.entity("fx_rates", "rate_on currency rate")
    days = [date(2026, 2, 1) + timedelta(days=5 * n) for n in range(30)]
    company.file(
        "fx_rates.csv",
        "rate_on,currency,rate\n"
        + "".join(f"{day},USD,{RATES[day.month]}\n" for day in days if day.month in RATES),
    )
    return company.run()


def events(published, deal: str, columns: str) -> list[tuple]:
    return published.rows(
        f"select event, cast(occurred_on as varchar), {columns} from marts.fct_deal_events "
        "where deal_id = ? order by occurred_on, spell_number",
        [f"crm:{deal}"],
    )


@pytest.mark.kpi("booked_revenue", cases=["reversal"])
def test_a_win_that_was_reversed_is_its_owners_of_then_and_so_is_the_reversal(published):
    assert events(published, "w1", "manager_id, amount") == [
        ("won", "2026-02-05", "crm:m2", 1000),
        ("reversed", "2026-03-10", "crm:m2", -1000),
    ]
    assert events(published, "w2", "manager_id, amount") == [
        ("won", "2026-02-06", "crm:m1", 2000),
        ("reversed", "2026-03-11", "crm:m1", -2000),
        ("won", "2026-05-05", "crm:m2", 2000),
    ]
    ann = {"scope": "manager", "who": "Ann"}
    assert published.kpi("booked_revenue", FEB, **ann) == 2000
    assert published.kpi("booked_revenue", MAR, **ann) == -2000 + 3000  # w2, w3
    assert published.kpi("credited_revenue", FEB, **ann) == 2000
    assert published.kpi("booked_revenue", FEB, scope="manager", who="Bob") == 1000


def test_a_reversal_is_in_the_team_of_its_win(published):
    assert events(published, "w3", "team_id, amount, cast(attributed_on as varchar)") == [
        ("won", "2026-03-05", "x", 3000, "2026-03-05"),
        ("reversed", "2026-04-10", "x", -3000, "2026-03-05"),
    ]
    assert published.kpi("booked_revenue", APR, scope="team", who="X") == -3000
    assert published.kpi("won_deals", APR, scope="team", who="X") == -1
    assert published.kpi("booked_revenue", APR, scope="team", who="Y") == 10  # d9


@pytest.mark.kpi("lost_deals", "won_deals")
def test_what_a_record_went_through_that_was_merged_away_happened_to_nobody(published):
    assert published.kpi("lost_deals", MAR) == 0
    assert published.one("select outcome from marts.fct_deals where deal_id = 'crm:s1'") == "open"
    assert events(published, "s2", "amount") == [("won", "2026-05-20", 500)]
    history = published.rows(
        "select stage_name, cast(entered_on as varchar) from marts.fct_deal_stage_history "
        "where deal_id = 'crm:s2' order by move_number"
    )
    assert history == [("open", "2026-05-01"), ("won", "2026-05-20")]


@pytest.mark.kpi("cost_of_sale", "gross_margin", cases=["reversal"])
def test_a_cost_in_another_currency_than_the_deal_is_not_moved_by_the_deals_rate(published):
    """40 000 RUB however dear the dollar is: 90 000 - 40 000, and in May 120 000 - 40 000."""
    assert events(published, "c1", "amount, cost, margin") == [
        ("won", "2026-02-12", 90000, 40000, 50000),
        ("reversed", "2026-03-12", -90000, -40000, -50000),
        ("won", "2026-05-12", 120000, 40000, 80000),
    ]
    months = (FEB, MAR, MAY)  # no other deal has a cost
    assert [published.kpi("cost_of_sale", month) for month in months] == [40000, -40000, 40000]
    assert [published.kpi("gross_margin", month) for month in months] == [50000, -50000, 80000]


@pytest.mark.kpi("paid_revenue")
def test_payments_come_apart_by_the_lines_of_their_deal(published):
    """Lines of 3 x 20 and 2 x 20: a payment of 50 is 30 of p1 and 20 of p2."""
    found = published.rows(
        "select scope_name, numerator, sample_size from marts.kpi_values where kpi_code = "
        "'paid_revenue' and scope_type = 'product' and period_grain = 'month' and numerator <> 0 "
        "order by 1"
    )
    assert found == [("Chair", Decimal(30), 1), ("Desk", Decimal(20), 1)]


@pytest.mark.kpi("created_win_rate")
def test_the_opened_cohort_is_the_owners_and_the_teams_at_the_opening(published):
    """January: w1 and w2 are Ann's when opened, one of them stands won. March, team X: d9 and w3,
    which is open again; none of them is team Y's, where d9 was won."""
    parts = "select numerator, denominator from marts.kpi_values where kpi_code = "
    cell = parts + (
        "'created_win_rate' and period_grain = 'month' and period_start = cast(? as date) "
        "and scope_type = ? and scope_name = ?"
    )
    assert published.rows(cell, ["2026-01-01", "manager", "Ann"]) == [(1, 2)]
    assert published.rows(cell, ["2026-01-01", "manager", "Bob"]) == [(0, 0)]
    assert published.rows(cell, [MAR, "team", "X"]) == [(1, 2)]
    assert published.rows(cell, [MAR, "team", "Y"]) in ([], [(0, 0)])


@pytest.mark.kpi("lead_conversion_operational", "qualified_leads")
def test_a_win_of_a_lead_is_the_sellers_and_a_qualification_its_teams_of_the_day(published):
    """April: Ann's lead l2 is won by Bob, so that she has one lead and no win, he a win alone."""
    cell = (
        "select numerator, denominator from marts.kpi_values where kpi_code = "
        "'lead_conversion_operational' and period_grain = 'month' and period_start = "
        "cast(? as date) and scope_type = 'manager' and scope_name = ?"
    )
    assert published.rows(cell, [APR, "Ann"]) == [(0, 1)]
    assert published.rows(cell, [APR, "Bob"]) == [(1, 0)]
    assert published.kpi("lead_conversion", APR, scope="manager", who="Ann") == 1.0
    assert published.kpi("qualified_leads", APR, scope="team", who="Y") == 1
    assert published.kpi("qualified_leads", APR, scope="team", who="X") == 0


@pytest.mark.kpi("speed_to_lead_sla")
def test_a_response_before_the_lead_is_none(published):
    """l5 was answered an hour before it came; l6 ten minutes after, within 15."""
    assert published.kpi("speed_to_lead_sla", MAY) == 0.5
    assert published.kpi("speed_to_lead_minutes", MAY) == 10


# -- stages and statuses that count as events --------------------------------------------------


@pytest.fixture(scope="module")
def counting(tmp_path_factory):
    """Stages `offer` = proposal, `talk` = meeting, `fit` = qualified; status `Good` = qualified.

    | deal | entered | told by activities |
    |---|---|---|
    | a | talk 5 Mar, offer 10 Mar, talk again 20 Mar | - |
    | b | offer 11 Mar | proposal 15 Mar: no second one |
    | c | offer 12 Mar | proposal 9 Mar: the first |
    | d | talk 13 Mar | meeting held 12 Mar: nothing new |
    | e | fit 14 Mar, of lead l1 | - |
    | f | offer, seen in the only delivery | - |

    Lead l2 is `New` in the delivery of 1 March, `Good` in that of 20 March; l3 is `Good` in both.
    """
    company = Company(tmp_path_factory.mktemp("counting") / "ws")
    company.settings |= {"country": None, "as_of": "2026-03-31"}
    company.settings["stages"] = [
        {"stage": "open", "outcome": "open"},
        {"stage": "fit", "outcome": "open", "counts_as": "qualified"},
        {"stage": "talk", "outcome": "open", "counts_as": "meeting"},
        {"stage": "offer", "outcome": "open", "counts_as": "proposal"},
    ]
    company.settings["lead_statuses"] = [
        {"status": "New", "outcome": "new"},
        {"status": "Good", "outcome": "working", "counts_as": "qualified"},
        {"status": "Met", "outcome": "working", "counts_as": "meeting"},
    ]
    company.entity("deals", "deal_id stage opened_at amount manager_id lead_id", files="deals.csv")
    company.source(won_date="history", observed_at=r"(\d{4}-\d{2}-\d{2})")
    company.file(
        "deals.csv",
        "deal_id,stage,opened_at,amount,manager_id,lead_id\n"
        "a,talk,2026-03-01,1,m2,\nb,offer,2026-03-01,1,m2,\nc,offer,2026-03-01,1,m2,\n"
        "d,talk,2026-03-01,1,m2,\ne,fit,2026-03-01,1,m2,l1\nf,offer,2026-03-01,1,m2,\n",
    )
    company.entity("deal_stages", "deal_id stage entered_at")
    company.file(
        "deal_stages.csv",
        "deal_id,stage,entered_at\n"
        "a,open,2026-03-01 10:00:00\na,talk,2026-03-05 10:00:00\na,offer,2026-03-10 10:00:00\n"
        "a,talk,2026-03-20 10:00:00\nb,offer,2026-03-11 10:00:00\nc,offer,2026-03-12 10:00:00\n"
        "d,talk,2026-03-13 10:00:00\ne,fit,2026-03-14 10:00:00\n",
    )
    company.entity("deal_changes", "deal_id field old_value new_value changed_at")
    company.file(
        "deal_changes.csv",
        "deal_id,field,old_value,new_value,changed_at\na,owner,m1,m2,2026-03-07 10:00:00\n",
    )
    company.entity("activities", "activity_id kind occurred_at manager_id deal_id lead_id status")
    company.file(
        "activities.csv",
        "activity_id,kind,occurred_at,manager_id,deal_id,lead_id,status\n"
        "x1,proposal,2026-03-15 10:00:00,m2,b,,done\nx2,proposal,2026-03-09 10:00:00,m2,c,,done\n"
        "x3,meeting,2026-03-12 10:00:00,m2,d,,done\nx4,meeting,2026-03-02 10:00:00,m2,a,,planned\n",
    )
    company.entity("leads", "lead_id created_at manager_id status")
    for day, status, last in (("2026-03-01", "New", "New"), ("2026-03-20", "Good", "Met")):
        company.file(
            f"leads_{day}.csv",
            "lead_id,created_at,manager_id,status\n"
            f"l1,2026-03-01 08:00:00,m1,New\nl2,2026-03-01 08:00:00,m1,{status}\n"
            f"l3,2026-03-01 08:00:00,m1,Good\nl4,2026-03-01 08:00:00,m1,{last}\n",
        )
    company.entity("managers", "manager_id manager_name")
    company.file("managers.csv", "manager_id,manager_name\nm1,Ann\nm2,Bob\n")
    return company.run()


@pytest.mark.kpi("proposals", "meetings")
def test_the_first_entry_into_a_stage_is_the_event_it_counts_as(counting):
    found = counting.rows(
        "select milestone_id, cast(occurred_on as varchar), manager_id from marts.fct_milestones "
        "order by 1"
    )
    assert found == [
        ("crm:a:meeting", "2026-03-05", "crm:m1"),  # Bob's from the 7th on
        ("crm:a:proposal", "2026-03-10", "crm:m2"),
        ("crm:b:proposal", "2026-03-11", "crm:m2"),
        ("crm:l4:meeting", "2026-03-20", "crm:m1"),
    ]
    assert counting.kpi("proposals", MAR) == 3  # a, b by their stage, c by its activity
    assert counting.kpi("meetings", MAR) == 3  # a, l4, and the one held with d
    assert counting.kpi("meetings", MAR, scope="manager", who="Ann") == 2
    assert counting.rows(
        "select activity_id from marts.fct_activities where is_first_proposal"
    ) == [("crm:x2",)]


@pytest.mark.kpi("qualified_leads")
def test_a_stage_or_a_status_that_counts_as_qualified_dates_the_qualification(counting):
    """l3 was `Good` when it was first seen: since when, nobody saw."""
    found = counting.rows(
        "select lead_id, cast(qualified_on as varchar) from marts.fct_leads order by 1"
    )
    assert found == [
        ("crm:l1", "2026-03-14"),
        ("crm:l2", "2026-03-20"),
        ("crm:l3", None),
        ("crm:l4", None),
    ]
    assert counting.kpi("qualified_leads", MAR) == 2


def test_a_figure_of_a_stage_goes_back_to_the_line_of_its_entry(counting):
    found = counting.rows(
        "select _source_file, _source_row from marts.fct_milestones where milestone_id = "
        "'crm:a:proposal'"
    )
    assert found == [("raw/crm/deal_stages.csv", 4)]  # below the header: open, talk, offer


def test_without_activities_and_such_stages_meetings_and_proposals_say_which_line_to_add(company):
    company.entity("deals", "deal_id stage opened_at closed_at amount manager_id")
    company.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount,manager_id\na,won,2026-01-01,2026-01-02,1,m1\n",
    )
    reasons = dict(
        company.run().rows(
            "select kpi_code, unavailable_because from marts.dim_kpi "
            "where kpi_code in ('meetings', 'proposals', 'calls')"
        )
    )
    assert "counts_as: meeting" in reasons["meetings"]
    assert "counts_as: proposal" in reasons["proposals"]
    assert reasons["calls"] == "no activities are delivered"


# -- rates of open deals -------------------------------------------------------------------------


@pytest.mark.kpi("open_pipeline", cases=["null"])
def test_a_day_without_a_rate_has_no_pipeline_of_the_company_and_the_rest_is_published(company):
    """Rates of 1 January and 25 February serve for ten days each: on 31 January the 10 USD have
    none, on 28 February they are 950 RUB."""
    company.settings |= {"as_of": "2026-02-28", "country": None}
    company.entity("deals", "deal_id stage opened_at amount currency manager_id")
    company.file(
        "deals.csv",
        "deal_id,stage,opened_at,amount,currency,manager_id\n"
        "1,open,2026-01-05,1000,RUB,m1\n2,open,2026-01-05,10,USD,m2\n",
    )
    company.entity("deal_stages", "deal_id stage entered_at")
    company.file(
        "deal_stages.csv", "deal_id,stage,entered_at\n1,open,2026-01-05\n2,open,2026-01-05\n"
    )
    company.entity("fx_rates", "rate_on currency rate")
    company.file("fx_rates.csv", "rate_on,currency,rate\n2026-01-01,USD,90\n2026-02-25,USD,95\n")
    published = company.run()
    january, february = "2026-01-01", "2026-02-01"
    assert published.kpi("open_pipeline", january) is None
    assert published.kpi("open_pipeline", january, scope="manager", who="crm:m1") == 1000
    assert published.kpi("open_pipeline", january, scope="manager", who="crm:m2") is None
    assert published.kpi("open_pipeline", february) == 1950
