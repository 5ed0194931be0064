"""KPIs of partners and of shared credit, worked out by hand on eight deals (RUB, Moscow).

| deal | opened | outcome | amount | cost | partner | who | split |
|---|---|---|---|---|---|---|---|
| s1 | 5 Jan | won 31 Jan 23:30 | 1000 | 600 | Alpha, brought | Ann | |
| s2 | 1 Feb | won 10 Feb | 500 | 100 | Alpha, helped | Bob | 50 + 60 %: bad |
| s3 | 1 Feb | won 28 Feb | 200 | unknown | Beta, brought (no role said) | Ann | thirds as 0.3333 |
| s4 | 20 Feb | won 1 Mar 00:00 | 300 | 100 | Gamma, whose fee nobody knows | Ann | |
| s5 | 2 Nov 2025 | open | 50 | | Beta | Bob | |
| s6 | 1 Feb | won 5 Feb | 700 | 500 | none | Ann | Ann 60 %, Bob 40 % |
| s7 | 1 Feb | won 15 Feb, reopened 3 Mar | 400 | 100 | Alpha, brought | Bob | halves |
| s8 | 1 Feb | lost 9 Feb | 900 | 1 | Alpha, brought | Ann | |

Alpha gets 10 % of a sale, Beta 20 %. The run looks from 30 June.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.conftest import Company

JAN, FEB, MAR = "2026-01-01", "2026-02-01", "2026-03-01"
SPLITS = """deal_id,manager_id,share
s6,m1,60 %
s6,m2,40 %
s7,m1,0.5
s7,m2,0.5
s3,m1,0.3333
s3,m2,0.3333
s3,m3,0.3333
s2,m1,0.5
s2,m2,0.6
"""


def eight_deals(company: Company) -> Company:
    company.settings["as_of"] = "2026-06-30"
    company.settings["settings"] = {"row_error_limit": 0.5}
    columns = "deal_id stage opened_at amount cost partner_id partner_role manager_id updated_at"
    company.entity("deals", columns, constants={"currency": "RUB"})
    company.source(won_date="history")
    company.file(
        "deals.csv",
        columns.replace(" ", ",")
        + """
s1,won,2026-01-05,1000,600,pa,sourced,m1,2026-01-31
s2,won,2026-02-01,500,100,pa,influenced,m2,2026-02-10
s3,won,2026-02-01,200,,pb,,m1,2026-02-28
s4,won,2026-02-20,300,100,pc,sourced,m1,2026-03-01
s5,open,2025-11-02,50,,pb,sourced,m2,2025-11-02
s6,won,2026-02-01,700,500,,,m1,2026-02-05
s7,offer,2026-02-01,400,100,pa,sourced,m2,2026-03-03
s8,lost,2026-02-01,900,1,pa,sourced,m1,2026-02-09
""",
    )
    company.entity("deal_stages", "deal_id stage entered_at")
    company.file(
        "deal_stages.csv",
        """deal_id,stage,entered_at
s1,won,2026-01-31 23:30:00
s2,won,2026-02-10 10:00:00
s3,won,2026-02-28 10:00:00
s4,won,2026-03-01 00:00:00
s5,open,2025-11-02 10:00:00
s6,won,2026-02-05 10:00:00
s7,won,2026-02-15 10:00:00
s7,offer,2026-03-03 10:00:00
s8,lost,2026-02-09 10:00:00
""",
    )
    company.entity("partners", "partner_id partner_name fee_share")
    company.file(
        "partners.csv",
        "partner_id,partner_name,fee_share\npa,Alpha,0.10\npb,Beta,20 %\npc,Gamma,\n",
    )
    company.entity("managers", "manager_id manager_name team hired_on")
    company.file(
        "managers.csv",
        "manager_id,manager_name,team,hired_on\n"
        "m1,Ann,A,2025-01-01\nm2,Bob,B,2025-01-01\nm3,Eve,B,2025-01-01\nm4,Idle,B,2025-01-01\n",
    )
    company.entity("deal_splits", "deal_id manager_id share")
    company.file("deal_splits.csv", SPLITS)
    return company


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return eight_deals(Company(tmp_path_factory.mktemp("partners") / "ws")).run()


@pytest.mark.kpi("partner_revenue", "partner_influenced_revenue")
def test_what_partners_brought_and_what_they_helped_with_are_apart(published):
    assert published.kpi("partner_revenue", JAN) == 1000  # 23:30 on the 31st is January
    assert published.kpi("partner_revenue", FEB) == 200 + 400
    assert published.kpi("partner_revenue", MAR) == 300 - 400  # s4 at midnight; s7 reversed
    assert published.kpi("partner_influenced_revenue", FEB) == 500
    assert published.kpi("partner_influenced_revenue", JAN) == 0
    assert published.kpi("partner_revenue", FEB, scope="manager", who="Idle") == 0
    assert published.kpi("partner_revenue", FEB, scope="partner", who="Alpha") == 400


@pytest.mark.kpi("partner_margin", "partner_margin_rate")
def test_partner_margin_is_after_cost_and_fee_where_both_are_known(published):
    """s3 has no cost and Gamma no fee: neither is taken for 0. s7: 400 - 100 - 40."""
    assert published.kpi("partner_margin", JAN) == 1000 - 600 - 100
    assert published.kpi("partner_margin_rate", JAN) == pytest.approx(300 / 1000)
    assert published.kpi("partner_margin", FEB) == 400 - 100 - 40
    assert published.kpi("partner_margin_rate", FEB) == pytest.approx(260 / 400)
    assert published.kpi("partner_margin", MAR) == -260
    assert published.kpi("partner_margin", "2026-04-01") is None
    assert published.kpi("partner_margin_rate", "2026-04-01") is None
    assert published.kpi("partner_margin", FEB, scope="partner", who="Beta") is None
    assert published.kpi("partner_margin", FEB, scope="manager", who="Bob") == 260


@pytest.mark.kpi("active_partners")
def test_partners_are_active_for_90_days_after_a_deal_is_registered_or_won(published):
    """Beta's deal of 2 November makes it active to 30 January, the 90th day. In February Alpha
    (s2, s7, s8), Beta (s3) and Gamma (s4) register deals. Gamma's win of 1 March serves to
    29 May, Beta's of 28 February to 28 May, Alpha's of 10 February to 10 May."""
    assert published.kpi("active_partners", "2026-01-30", grain="day") == 2
    assert published.kpi("active_partners", JAN) == 1
    assert published.kpi("active_partners", FEB) == 3
    assert published.kpi("active_partners", "2026-05-29", grain="day") == 1
    assert published.kpi("active_partners", "2026-05-01") == 0


@pytest.mark.kpi("active_partners")
def test_a_partner_of_two_sellers_counts_once_in_the_company_and_once_with_each(published):
    assert published.kpi("active_partners", FEB, scope="manager", who="Ann") == 3
    assert published.kpi("active_partners", FEB, scope="manager", who="Bob") == 1  # Alpha
    assert published.kpi("active_partners", FEB, scope="partner", who="Alpha") == 1
    assert published.kpi("active_partners", FEB, scope="manager", who="Idle") == 0


@pytest.mark.kpi("credited_revenue")
def test_credited_revenue_follows_the_splits(published):
    """February. Ann: s6 420 + s3 (0.3333 and the 0.0001 left over, as its owner) 66.68 + s7 200;
    Bob: s6 280 + s3 66.66 + s7 200 + s2 whole, since its split is bad; Eve: s3 66.66."""
    assert published.kpi("credited_revenue", JAN, scope="manager", who="Ann") == 1000
    assert published.kpi("credited_revenue", FEB, scope="manager", who="Ann") == 686.68
    assert published.kpi("credited_revenue", FEB, scope="manager", who="Bob") == 1046.66
    assert published.kpi("credited_revenue", FEB, scope="manager", who="Eve") == 66.66
    assert published.kpi("credited_revenue", FEB, scope="manager", who="Idle") == 0
    assert published.kpi("credited_revenue", FEB, scope="team", who="B") == 1113.32
    assert published.kpi("credited_revenue", FEB) == published.kpi("booked_revenue", FEB) == 1800
    # March: s4 300 is Ann's alone; the reversal takes back what each was credited with
    assert published.kpi("credited_revenue", MAR, scope="manager", who="Ann") == 300 - 200
    assert published.kpi("credited_revenue", MAR, scope="manager", who="Bob") == -200


@pytest.mark.kpi("credited_margin")
def test_credited_margin_follows_the_splits_where_the_cost_is_known(published):
    """February. Ann: 60 % of 200 (s6) + half of 300 (s7); Bob: 40 % of 200, half of 300, s2's 400.
    Eve has a share of s3 only, whose cost nobody knows."""
    assert published.kpi("credited_margin", FEB, scope="manager", who="Ann") == 120 + 150
    assert published.kpi("credited_margin", FEB, scope="manager", who="Bob") == 80 + 150 + 400
    assert published.kpi("credited_margin", FEB, scope="manager", who="Eve") is None
    assert published.kpi("credited_margin", FEB) == published.kpi("gross_margin", FEB) == 900
    assert published.kpi("credited_margin", "2026-04-01") is None


@pytest.mark.kpi("unpaid_won_amount")
def test_what_is_unpaid_is_unknown_where_no_payments_are_delivered(published):
    reason = "select unavailable_because from marts.dim_kpi where kpi_code = 'unpaid_won_amount'"
    assert published.one(reason) == "no payments are delivered"


def test_shares_add_up_to_one_and_the_remainder_goes_to_the_owner(published):
    found = published.rows(
        "select manager_id, is_owner, delivered_share, share from marts.fct_deal_splits "
        "where deal_id = 'crm:s3' order by 1"
    )
    third = Decimal("0.3333")
    assert found == [
        ("crm:m1", True, third, Decimal("0.3334")),
        ("crm:m2", False, third, third),
        ("crm:m3", False, third, third),
    ]


def test_a_bad_split_rejects_its_rows_and_leaves_the_deal(published):
    """50 and 60 % are 110 %. The two rows are in quarantine and nowhere else; the deal stays."""
    listed = published.rows(
        "select _source_row, column_name, value, is_row_rejected from ops.quarantine "
        "where reason_code = 'bad_split' order by 1"
    )
    assert [(row[0], row[1], row[3]) for row in listed] == [(9, "share", True), (10, "share", True)]
    assert published.one(
        "select (rows_seen, rows_loaded, rows_quarantined) from ops.reconciliation "
        "where entity = 'deal_splits'"
    ) == (9, 7, 2)
    assert published.rows(
        "select manager_id, is_rejected, share from marts.fct_deal_splits "
        "where deal_id = 'crm:s2' order by 1"
    ) == [("crm:m1", True, None), ("crm:m2", True, None)]
    assert published.one("select amount from marts.fct_deals where deal_id = 'crm:s2'") == 500


def test_which_splits_are_good(tmp_path):
    """s1 is 0.00005 short and s2 0.0001 over: rounding. s3 is 0.0002 over; the shares of s4 add up
    but are none; 60 and 40 without a sign are not taken for percents."""
    company = eight_deals(Company(tmp_path / "splits"))
    company.settings["settings"] = {"row_error_limit": 1.0}
    company.file(
        "deal_splits.csv",
        """deal_id,manager_id,share
s1,m1,0.49995
s1,m2,0.5
s2,m1,0.5001
s2,m2,0.5
s3,m1,0.5002
s3,m2,0.5
s4,m1,1.2
s4,m2,-0.2
s6,m1,60
s6,m2,40
""",
    )
    published = company.run()
    found = published.rows(
        "select deal_id, bool_or(is_rejected), sum(share) from marts.fct_deal_splits "
        "group by 1 order by 1"
    )
    assert found == [
        ("crm:s1", False, 1),
        ("crm:s2", False, 1),
        ("crm:s3", True, None),
        ("crm:s4", True, None),
        ("crm:s6", True, None),
    ]
    assert published.kpi("credited_revenue", FEB) == 1800
    # the rounding is the owner's: Ann's of s1, Bob's of s2
    assert published.kpi("credited_revenue", JAN, scope="manager", who="Ann") == 500
    assert published.kpi("credited_revenue", JAN, scope="manager", who="Bob") == 500


@pytest.mark.kpi(
    "credited_revenue",
    "credited_margin",
    "active_partners",
    "partner_revenue",
    "partner_margin",
    "partner_margin_rate",
)
def test_late_files_take_effect_at_the_win_and_a_newer_split_replaces_the_one_before(tmp_path):
    """Late come a win of Alpha on 20 February, 100 for 40, and a deal that Delta, a partner in no
    list, registered on the 10th."""
    company = eight_deals(Company(tmp_path / "late"))
    company.settings["sources"]["crm"]["entities"]["deal_splits"]["files"] = "*/deal_splits.csv"
    company.source(observed_at=r"/(\d{4}-\d{2}-\d{2})/")
    (company.directory / "raw" / "crm" / "deal_splits.csv").unlink()
    first = "deal_id,manager_id,share\ns6,m1,0.9\ns6,m2,0.1\n"
    company.file("2026-03-01/deal_splits.csv", first)
    assert company.run().kpi("credited_revenue", FEB, scope="manager", who="Eve") == 0
    company.file("2026-04-01/deal_splits.csv", "deal_id,manager_id,share\ns6,m1,0.5\ns6,m3,0.5\n")
    company.file(
        "deals_late.csv",
        "deal_id,stage,opened_at,amount,cost,partner_id,partner_role,manager_id,updated_at\n"
        "s9,won,2026-02-01,100,40,pa,sourced,m2,2026-02-20\n"
        "s10,open,2026-02-10,80,,pd,sourced,m2,2026-02-10\n",
    )
    company.file("deal_stages_late.csv", "deal_id,stage,entered_at\ns9,won,2026-02-20\n")
    late = company.run()
    assert late.kpi("credited_revenue", FEB, scope="manager", who="Eve") == 350
    assert late.kpi("credited_margin", FEB, scope="manager", who="Eve") == 100
    assert late.kpi("credited_revenue", FEB) == 1800 + 100
    assert late.kpi("partner_revenue", FEB) == 600 + 100
    assert late.kpi("partner_margin", FEB) == 260 + (100 - 40 - 10)
    assert late.kpi("partner_margin_rate", FEB) == pytest.approx(310 / 500)
    assert late.kpi("active_partners", FEB) == 4


def test_without_fees_partner_margins_say_what_is_missing(tmp_path):
    company = eight_deals(Company(tmp_path / "fees"))
    company.file("partners.csv", "partner_id,partner_name,fee_share\npa,Alpha,\n")
    published = company.run()
    reasons = published.rows(
        "select unavailable_because from marts.dim_kpi "
        "where kpi_code in ('partner_margin', 'partner_margin_rate')"
    )
    assert reasons == [("partners come without fee_share",)] * 2
    assert published.kpi("partner_revenue", JAN) == 1000


def test_partner_numbers_go_back_to_their_facts(published):
    from dagster_project.explain import explain

    workspace = published.session.workspace
    told = explain(workspace, "credited_revenue", "manager=Ann", "2026-02")
    values = {row["fact_id"]: float(row["value"]) for row in told.facts}
    assert values == {"crm:s6": 420, "crm:s7": 200, "crm:s3": 66.68}
    told = explain(workspace, "active_partners", "company", "2026-02")
    assert {row["measure_code"] for row in told.facts} == {"active_partners"}
    assert {row["fact_id"] for row in told.facts} == {"crm:pa", "crm:pb", "crm:pc"}
    assert told.sums["active_partners"] == 3
    told = explain(workspace, "partner_margin", "company", "2026-02")
    assert [(row["fact_id"], float(row["value"])) for row in told.facts] == [("crm:s7", 260)]
    assert told.cell["period_start"] == date(2026, 2, 1)
