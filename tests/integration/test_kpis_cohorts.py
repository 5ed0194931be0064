"""Cohorts on a handful of rows; every figure worked out by hand. As of 31 March 2026, Moscow time.

| deal | won | amount - cost | customer | lead, created |
|---|---|---|---|---|
| d0 | 20 Dec 2024 | 10 - 4 | c0 | l0, 20 Nov 2024: 30 days |
| d1 | 31 Jan 2025 | 100 - 40 | c1 | l1, 5 Jan, channel A: 26 days |
| d2 | 28 Feb 2025 at 23:59 | 200 - 80 | c2 | l2, 20 Jan, A: 39 days |
| d3 | 1 Mar 2025 at 00:00 | 300 - 100 | c3 | l3, 10 Feb, B: 19 days |
| d4 | 15 Jun 2025 | 50 - 20 | c1 | |
| d5 | 31 Jan 2026, 12 months after d1 to the day | 500 - 100 | c1 | |
| d6 | 10 Mar 2025 | 400, cost unknown | c4 | |
| d7 | 20 Jan 2025, reopened 15 Feb | 900 - 100 | c5 | |

Spend: 70 in January 2025 (A), 180 (A) and 20 (B) in February, 10 in March, 12 in December 2025.
"""

from __future__ import annotations

import pytest

from dagster_project.explain import explain

NOV24, DEC24 = "2024-11-01", "2024-12-01"
JAN, FEB, MAR, APR = "2025-01-01", "2025-02-01", "2025-03-01", "2025-04-01"
DEALS = """\
deal_id,stage,opened_at,closed_at,amount,cost,customer_id,lead_id
d0,won,2024-11-25,2024-12-20,10,4,c0,l0
d1,won,2025-01-06,2025-01-31,100,40,c1,l1
d2,won,2025-01-21,2025-02-28T20:59:00Z,200,80,c2,l2
d3,won,2025-02-11,2025-02-28T21:00:00Z,300,100,c3,l3
d4,won,2025-06-01,2025-06-15,50,20,c1,
d5,won,2026-01-10,2026-01-31,500,100,c1,
d6,won,2025-03-01,2025-03-10,400,,c4,
d7,offer,2025-01-10,,900,100,c5,
"""
LEADS = """\
lead_id,created_at,source
l0,2024-11-20,A
l1,2025-01-05,A
l2,2025-01-20,A
l3,2025-02-10,B
"""
SPEND = """\
spent_on,source,amount
2025-01-01,A,70
2025-02-10,A,180
2025-02-12,B,20
2025-03-05,A,10
2025-12-20,A,12
"""


def sellers(directory, deals=DEALS, spend=SPEND, **settings):
    from tests.conftest import Company

    company = Company(directory / "ws")
    company.settings |= {"country": None, **settings}
    company.entity(
        "deals",
        "deal_id stage opened_at closed_at amount cost customer_id lead_id",
        files="deals.csv",
    )
    company.file("deals.csv", deals)
    company.entity("deal_stages", "deal_id stage entered_at")
    company.file(
        "deal_stages.csv",
        "deal_id,stage,entered_at\nd7,won,2025-01-20 10:00:00\nd7,offer,2025-02-15 10:00:00\n",
    )
    company.source(won_date="history")
    company.entity("leads", "lead_id created_at source")
    company.file("leads.csv", LEADS)
    company.entity("spend", "spent_on source amount", files="spend*")
    company.file("spend.csv", spend)
    return company


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return sellers(tmp_path_factory.mktemp("cohorts")).run()


@pytest.mark.kpi("ltv", cases=["midnight"])
def test_ltv_is_the_margin_of_the_first_twelve_months_of_each_customer(published):
    assert published.kpi("ltv", JAN) == 60 + 30  # d5 came when the twelve months were over
    assert published.kpi("ltv", FEB) == 120  # c2, won a minute before March in Moscow
    assert published.kpi("ltv", MAR) == 200  # c3; the margin of c4 is unknown, so it is left out
    assert published.kpi("ltv", JAN, grain="quarter") == (90 + 120 + 200) / 3


@pytest.mark.kpi("ltv")
def test_lifetime_value_goes_back_to_the_lines_of_the_first_twelve_months(published):
    told = explain(published.session.workspace, "ltv", "company", "2025-01")
    # 60 + 30 of c1: d1 (row 3) and d4 (row 6); d5 (row 7) came when the twelve months were over
    assert [(f["measure_code"], f["value"], f["_source_row"]) for f in told.facts] == [
        ("ltv_customers", 1, 3),
        ("ltv_customers", None, 6),
        ("ltv_margin", 90, 3),
        ("ltv_margin", None, 6),
    ]


@pytest.mark.kpi("ltv", cases=["null"])
def test_ltv_is_unknown_before_every_customer_of_the_period_is_a_year_old(published, tmp_path):
    assert published.kpi("ltv", JAN, grain="year") is None  # December 2025 is part of it
    assert published.kpi("ltv", MAR) == 200  # 31 March 2025 + 12 months: 30 March 2026 is over
    younger = sellers(tmp_path, as_of="2026-03-29").run()
    assert younger.kpi("ltv", MAR) is None
    assert younger.kpi("ltv", FEB) == 120


@pytest.mark.kpi("ltv", cases=["reversal"])
def test_a_reopened_deal_makes_no_customer(published):
    told = published.rows(
        "select customer_id, acquired_on from marts.dim_customer where acquired_on is not null "
        "and customer_id in ('crm:c1', 'crm:c5') order by 1"
    )
    assert [(who, f"{day}") for who, day in told] == [("crm:c1", "2025-01-31")]


@pytest.mark.kpi("ltv")
def test_ltv_cohorts_grow_with_the_age_of_their_customers(published):
    told = dict(
        published.rows(
            "select age_months, ltv from marts.ltv_cohorts where scope_type = 'company' "
            "and cohort_month = '2025-01-01' order by 1"
        )
    )
    # d4 came 4 full months and 15 days after 31 January; d5 on the first day of the 13th month
    assert told == {
        **dict.fromkeys(range(1, 5), 60),
        **dict.fromkeys(range(5, 13), 90),
        13: 490,
        14: 490,  # to 30 March 2026
    }
    march = published.rows(
        "select customers, customers_costed, customers_active, cumulative_margin, ltv "
        "from marts.ltv_cohorts where scope_type = 'company' and cohort_month = '2025-03-01' "
        "and age_months = 1"
    )
    assert march == [(2, 1, 2, 200, 200)]
    by_channel = published.one(
        "select ltv from marts.ltv_cohorts where scope_name = 'B' and age_months = 12"
    )
    assert by_channel == 200


@pytest.mark.kpi("cac")
def test_cac_needs_a_file_of_the_channel(published):
    assert published.kpi("cac", FEB) == 200 / 1
    assert published.kpi("cac", FEB, scope="channel", who="A") == 180
    assert published.kpi("cac", DEC24) is None  # nobody reported December 2024


@pytest.mark.kpi("cac_lagged", cases=["null", "midnight", "reversal"])
def test_cac_lagged_shifts_spend_by_the_median_way_of_the_year_before(published):
    # 2024: one way of 30 days, a month; 2025: 19, 26 and 39 days, the median 26 rounds to a month
    assert published.kpi("cac_lagged", FEB) == 70 / 1  # January's spend, c2
    assert published.kpi("cac_lagged", MAR) == 200 / 2  # February's, c3 and c4
    assert published.kpi("cac_lagged", JAN) is None  # December 2024 was not reported
    assert published.kpi("cac_lagged", DEC24) is None  # no wins in 2023 that tell the way
    assert published.kpi("cac_lagged", "2026-01-01") is None  # 12 / nobody: c1 is no new customer
    # 30 and 26 days round to no quarter at all
    assert published.kpi("cac_lagged", JAN, grain="quarter") == (70 + 200 + 10) / 4
    assert published.kpi("cac_lagged", MAR, scope="channel", who="B") == 20


@pytest.mark.kpi("cac_cohort", cases=["null"])
def test_cac_cohort_divides_by_customers_from_the_leads_of_the_period(published):
    assert published.kpi("cac_cohort", JAN) == 70 / 2  # c1 and c2, whenever they were won
    assert published.kpi("cac_cohort", FEB) == 200 / 1
    assert published.kpi("cac_cohort", FEB, scope="channel", who="B") == 20
    assert published.kpi("cac_cohort", MAR) is None  # no lead
    assert published.kpi("cac_cohort", NOV24) is None  # a customer, but no spend was reported
    told = published.rows(
        "select is_mature, maturity from marts.kpi_values where kpi_code = 'cac_cohort' "
        "and scope_type = 'company' and period_grain = 'month' and period_start = ?",
        [JAN],
    )
    assert told == [(True, None)]  # every lead is older than 180 days; too few wins for a curve


@pytest.mark.kpi("ltv_to_cac", cases=["null", "midnight"])
def test_ltv_to_cac_divides_the_first_year_by_the_lagged_cost(published):
    assert published.kpi("ltv_to_cac", FEB) == 120 / 70
    assert published.kpi("ltv_to_cac", MAR) == 200 / 100
    assert published.kpi("ltv_to_cac", JAN) is None  # the cost is unknown
    assert published.kpi("ltv_to_cac", "2026-03-01") is None
    told = explain(published.session.workspace, "ltv_to_cac", "company", "2025-02")
    assert told.parts == {
        "ltv_customers": 1,
        "ltv_margin": 120,
        "new_customers": 1,
        "spend__lagged": 70,
    }
    rows = {(f["measure_code"], f["_source_file"].split("/")[-1]) for f in told.facts}
    assert ("spend__lagged", "spend.csv") in rows
    assert ("ltv_margin", "deals.csv") in rows


@pytest.mark.kpi("cac_payback_months", cases=["null"])
def test_payback_is_the_first_age_at_which_margin_covers_the_cost(published):
    assert published.kpi("cac_payback_months", JAN) == 5  # 60 < 70 <= 90 with d4
    assert published.kpi("cac_payback_months", FEB) is None  # 120 < 200: not yet
    assert published.kpi("cac_payback_months", MAR) == 1  # 10 / 2 customers
    assert published.kpi("cac_payback_months", APR) is None  # nobody was won


@pytest.mark.kpi(
    "cac_lagged", "cac_cohort", "cac_payback_months", "ltv", "ltv_to_cac", cases=["late_file"]
)
def test_a_late_file_of_spend_and_a_late_win_change_their_own_months(tmp_path):
    company = sellers(tmp_path)
    company.run()
    company.file("spend_late.csv", "spent_on,source,amount\n2025-01-15,B,30\n")
    company.file(
        "deals.csv", DEALS + "d8,won,2025-01-06,2025-02-20,80,30,c6,\n"
    )  # known a year later
    published = company.run()
    assert published.kpi("cac_lagged", FEB) == (70 + 30) / 2
    assert published.kpi("cac_cohort", JAN) == (70 + 30) / 2
    assert published.kpi("ltv", FEB) == (120 + 50) / 2
    assert published.kpi("ltv_to_cac", FEB) == 85 / 50
    assert published.kpi("cac_payback_months", JAN) == 13  # 100 per customer: with d5


@pytest.mark.kpi("ltv", "cac_lagged", "cac_cohort")
def test_costs_of_customers_are_unknown_where_wins_name_none(tmp_path):
    deals = DEALS.replace(",c2,", ",,").replace(",c3,", ",,")
    published = sellers(tmp_path, deals).run()
    # leads name no customer either: of the wins of the first quarter two of four name one
    for code in ("ltv", "cac", "cac_lagged", "cac_cohort"):
        assert published.kpi(code, JAN, grain="quarter") is None, code


@pytest.mark.kpi("ltv")
def test_ltv_by_payments_counts_what_came_in_at_the_margin_of_its_deal(tmp_path):
    company = sellers(tmp_path, settings={"ltv_basis": "payments"})
    company.entity("payments", "payment_id paid_at amount deal_id kind")
    company.file(
        "payments.csv",
        """\
payment_id,paid_at,amount,deal_id,kind
y1,2025-01-10,50,d1,payment
y2,2025-03-01,50,d1,payment
y3,2025-04-01,10,d1,refund
y4,2026-01-31,500,d5,payment
""",
    )
    published = company.run()
    # 60 % of 50 (paid before the win: the first month) + 50 - 10; y4 is of the second year
    assert published.kpi("ltv", JAN) == pytest.approx(0.6 * 90)
    assert published.kpi("ltv", FEB) == 0  # c2 has not paid
    assert published.kpi("ltv", MAR) == 0


@pytest.mark.kpi("ltv")
def test_ltv_by_mrr_counts_each_month_that_a_customer_began(tmp_path):
    from tests.conftest import Company

    company = Company(tmp_path / "ws")
    company.settings |= {"strategy": "subscription"}  # ltv_basis mrr goes with it
    columns = "subscription_id,customer_id,started_on,ended_on,amount,product_id"
    company.entity("subscriptions", columns.replace(",", " "))
    company.file(
        "subscriptions.csv",
        f"{columns}\ns1,c1,2025-01-31,2025-04-30,100,p1\ns2,c2,2025-01-10,,50,p1\n"
        "x1,c1,2025-05-01,,0,p2\nx2,c2,2025-02-10,2025-05-10,0,p2\nx3,c2,2025-02-10,,0,p3\n",
    )
    company.entity("products", "product_id product_name cost_share cost")
    company.file(
        "products.csv",
        "product_id,product_name,cost_share,cost\np1,Care,40%,\np2,Box,,10\np3,Tip,,\n",
    )
    published = company.run()
    # c1 on 31 Jan, 28 Feb, 31 Mar, but not on 30 Apr: 3 x 60; c2 twelve times 30, less 10 for the
    # free box in February, March and April; what c1's costs after he has gone is nobody's margin
    assert published.kpi("ltv", JAN) == (180 + 360 - 30) / 2
    cohort = published.rows(
        "select age_months, cumulative_margin, customers_active from marts.ltv_cohorts "
        "where scope_type = 'company' and age_months in (1, 3, 4, 12) order by 1"
    )
    assert cohort == [(1, 90, 2), (3, 250, 2), (4, 270, 1), (12, 510, 1)]


PREDICTED = """\
subscription_id,customer_id,started_on,ended_on,amount
s1,c1,2025-12-05,,100
s2,c2,2025-12-05,2026-02-10,100
s3,c3,2026-01-10,,60
"""


def subscribed(directory, rows, low_sample_below):
    from tests.conftest import Company

    company = Company(directory / "ws")
    company.settings |= {"settings": {"low_sample_below": low_sample_below}}
    company.entity("subscriptions", "subscription_id customer_id started_on ended_on amount")
    company.settings["sources"]["crm"]["entities"]["subscriptions"]["constants"] = {
        "product_id": "p1"
    }
    company.file("subscriptions.csv", rows)
    company.entity("products", "product_id product_name cost_share")
    company.file("products.csv", "product_id,product_name,cost_share\np1,Care,0.4\n")
    return company.run()


@pytest.mark.kpi("ltv_predicted", cases=["null"])
def test_ltv_predicted_is_arpa_by_margin_by_the_months_that_churn_leaves(tmp_path):
    published = subscribed(tmp_path, PREDICTED, 2)
    # at the start of January 2 customers, of February 3 (one goes), of March 2
    assert published.kpi("ltv_predicted", "2026-01-01") is None  # nobody had gone
    assert published.kpi("ltv_predicted", "2026-02-01") == pytest.approx(80 * 0.6 * 5 / 1)
    assert published.kpi("ltv_predicted", "2026-03-01") == pytest.approx(80 * 0.6 * 7 / 1)
    assert published.kpi("ltv_predicted", "2026-01-01", grain="quarter") == pytest.approx(336)
    told = explain(published.session.workspace, "ltv_predicted", "company", "2026-03")
    assert told.parts["customers_at_start__12m"] == 7
    assert told.parts["customers_lost__12m"] == 1


@pytest.mark.kpi("ltv_predicted")
def test_ltv_predicted_is_unknown_with_few_customers_and_ends_at_36_months(tmp_path):
    assert subscribed(tmp_path / "few", PREDICTED, 3).kpi("ltv_predicted", "2026-03-01") is None
    rows = PREDICTED.splitlines()[0] + "\n"
    rows += "".join(f"s{n},c{n},2025-12-01,,10\n" for n in range(13))
    rows = rows.replace("s0,c0,2025-12-01,", "s0,c0,2025-12-01,2026-03-31")
    published = subscribed(tmp_path / "many", rows, 2)
    # 3 x 13 customers at the start of a month, one gone: 39 months, but 36 is the most
    assert published.kpi("ltv_predicted", "2026-03-01") == pytest.approx(10 * 0.6 * 36)


def test_lead_cohorts_ripen_with_the_age_of_their_leads(published, tmp_path):
    january = dict(
        published.rows(
            "select age_days, leads_won from marts.lead_cohorts where scope_type = 'company' "
            "and cohort_month = '2025-01-01' and age_days in (25, 26, 38, 39, 180) order by 1"
        )
    )
    assert january == {25: 0, 26: 1, 38: 1, 39: 2, 180: 2}
    younger = sellers(tmp_path, as_of="2025-02-15").run()
    told = younger.rows(
        "select age_days, leads, leads_observed, leads_won, conversion_rate, is_complete "
        "from marts.lead_cohorts where scope_type = 'company' and cohort_month = '2025-01-01' "
        "and age_days in (26, 27, 41, 42) order by 1"
    )
    # l1 is 41 days old, l2 is 26; l1 was won at 26 days. Beyond 41 days nobody is seen
    assert told == [
        (26, 2, 2, 1, 0.5, True),
        (27, 2, 1, 1, 1.0, False),
        (41, 2, 1, 1, 1.0, False),
    ]


# a lead that asks again from elsewhere, wins that name no customer, spend that files cover in part
LATER = {
    "deals.csv": """\
deal_id,stage,opened_at,closed_at,amount,cost,customer_id,lead_id,source
d1,won,2025-01-02,2025-01-31,100,40,c1,l1,
d2,won,2025-05-10,2025-05-12,300,40,c2,l2,
d3,won,2025-06-10,2025-06-12,300,40,c3,l3,
d4,won,2025-06-10,2025-06-12,300,40,,l4,
d5,won,2025-06-10,2025-06-12,300,40,,l5,
d6,won,2025-05-20,2025-05-20,300,40,c6,,Radio
d7,won,2026-02-02,2026-02-10,100,40,c7,,
d8,won,2026-02-10,2026-03-10,200,40,c8,l8,
d9,won,2026-02-10,2026-03-12,200,40,,l9b,
""",
    "leads.csv": """\
lead_id,created_at,source,phone,customer_id
l1,2025-01-01,A,,
l2,2025-05-02,A,,
l3,2025-05-03,A,,
l4,2025-05-04,A,,
l5,2025-05-05,A,,
l8,2026-02-08,B,,
l9,2026-02-01,A,+7 916 123 45 67,
l9b,2026-02-09,B,8 (916) 123-45-67,c9
""",
    "spend_2025.csv": "spent_on,source,amount\n2025-01-01,A,70\n2025-05-31,A,70\n",
    "spend_radio.csv": "spent_on,source,amount\n2025-04-30,Radio,5\n2025-06-01,Radio,5\n",
    "spend_january.csv": "spent_on,source,amount\n2026-01-11,A,30\n2026-01-20,A,30\n",
    "spend_february.csv": "spent_on,source,amount\n2026-02-01,A,100\n2026-02-28,B,20\n",
    "spend_march.csv": "spent_on,source,amount\n2026-03-01,A,1000\n2026-03-30,A,1\n",
}


@pytest.fixture(scope="module")
def later(tmp_path_factory):
    from tests.conftest import Company

    company = Company(tmp_path_factory.mktemp("later") / "ws")
    company.settings |= {"country": None, "as_of": "2026-03-30"}
    for name, columns in (
        ("deals", "deal_id stage opened_at closed_at amount cost customer_id lead_id source"),
        ("leads", "lead_id created_at source phone customer_id"),
        ("spend", "spent_on source amount"),
    ):
        company.entity(name, columns)
    for name, content in LATER.items():
        company.file(name, content)
    return company.run()


@pytest.mark.kpi("cac_lagged", "new_customers")
def test_the_customer_of_a_repeated_request_is_the_customer_of_its_deal(later):
    # d9 names l9b, which names c9; the first of the chain, l9, names none
    told = later.rows(
        "select customer_id, lead_id, channel_name, is_first_win from marts.fct_deals "
        "where deal_id = 'crm:d9'"
    )
    assert told == [("crm:c9", "crm:l9", "A", True)]
    assert later.kpi("new_customers", "2026-03-01") == 2


@pytest.mark.kpi("cac_lagged")
def test_a_part_of_a_month_is_shifted_into_the_month_before_and_no_further(later):
    # 2025: 10, 30, 38, 39 and 40 days, the median 38 is a month; 1 to 30 March is 1 to 28 February
    assert later.kpi("cac_lagged", "2026-03-01") == (100 + 20) / 2
    assert later.kpi("cac_lagged", "2026-03-01", scope="channel", who="A") == 100


@pytest.mark.kpi("cac_lagged", "ltv_to_cac", "cac_payback_months")
def test_a_cost_that_files_tell_in_part_is_not_complete(later):
    told = dict(
        later.rows(
            "select concat(kpi_code, ' ', strftime(period_start, '%Y-%m')), is_complete "
            "from marts.kpi_values where period_grain = 'month' and scope_type = 'company' "
            "and kpi_code in ('cac_lagged', 'ltv_to_cac', 'cac_payback_months') "
            "and period_start in ('2026-01-01', '2026-02-01')"
        )
    )
    # files cover 11 to 20 January, by lag the cost of February, and all of February
    assert told == {
        "cac_lagged 2026-01": False,  # December: nobody reported it
        "cac_lagged 2026-02": False,
        "ltv_to_cac 2026-01": False,
        "ltv_to_cac 2026-02": False,
        "cac_payback_months 2026-01": False,
        "cac_payback_months 2026-02": True,
    }
    assert later.kpi("cac_lagged", "2026-02-01") == 60  # kept


@pytest.mark.kpi("cac_cohort", "ltv")
def test_wins_without_a_customer_hide_the_cost_of_their_leads_and_the_value_of_their_month(later):
    # May: two wins, two customers. Of the four wins from its leads two name one
    assert later.kpi("cac", "2025-05-01") == 70 / 2
    assert later.kpi("cac_cohort", "2025-05-01") is None
    told = later.rows(
        "select distinct strftime(cohort_month, '%m'), customers, cumulative_margin, ltv "
        "from marts.ltv_cohorts where scope_type = 'company' and cohort_month < '2025-07-01' "
        "order by 1"
    )
    assert told == [("01", 1, 60, 60), ("05", 2, 520, 260), ("06", 1, 260, None)]


@pytest.mark.kpi("ltv", "cac_payback_months")
def test_cohorts_age_though_nobody_buys_again_and_what_cost_nothing_is_paid_back_at_once(later):
    ages = later.one(
        "select list(age_months order by age_months) from marts.ltv_cohorts "
        "where scope_type = 'company' and cohort_month = '2025-01-01'"
    )
    assert ages == list(range(1, 15))  # 31 January 2025 + 14 months: 30 March 2026 is over
    # the sheet of the radio covers May without a cost in it
    assert later.kpi("cac", "2025-05-01", scope="channel", who="Radio") == 0
    assert later.kpi("cac_payback_months", "2025-05-01", scope="channel", who="Radio") == 1
