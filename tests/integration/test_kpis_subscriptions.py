"""Subscriptions on a handful of rows; every figure worked out by hand. As of 15 April 2026.

| row | customer | runs | price a month | who |
|---|---|---|---|---|
| s1 | c1 | 10 Dec - | 100 | Ann |
| s2 | c1 | 5 Feb - | 1800 a year = 150 | Bob |
| s3 | c2 | 15 Dec - 28 Feb (exclusive: off on the month's last day) | 50 | Ann |
| s4 | c2 | 2 Apr - | 70 | Ann |
| s5 | c3 | 5 Jan - 19 Jan | 0, a trial | Ann |
| s6 | c3 | 19 Jan - , from 1 Mar another price | 40, then 30 | Ann |
| s7 | c4 | 31 Jan - 1 Mar (on at both months' ends) | 60 | Ann |
| s8 | c5 | 10 Feb - 20 Feb, at no month's end | 80 | Ann |
| s9, s10 | c6 | 10 Jan - 15 Feb, 15 Feb - : another plan | 20, 20 | Ann |
| s11 | c7 | 10 Apr - | 10 | Ann |

At the ends of the months:

| | c1 | c2 | c3 | c4 | c6 | c7 | all |
|---|---|---|---|---|---|---|---|
| 31 Dec | 100 | 50 | | | | | 150 |
| 31 Jan | 100 | 50 | 40 | 60 | 20 | | 270 |
| 28 Feb | 250 | 0 | 40 | 60 | 20 | | 370 |
| 31 Mar | 250 | 0 | 30 | 0 | 20 | | 300 |
| 15 Apr | 250 | 70 | 30 | 0 | 20 | 10 | 380 |
"""

from __future__ import annotations

import pytest

from dagster_project.errors import GateFailed
from dagster_project.explain import explain

DEC, JAN, FEB, MAR, APR = "2025-12-01", "2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"
COLUMNS = "subscription_id customer_id started_on ended_on amount billing_months manager_id"
ROWS = """\
subscription_id,customer_id,started_on,ended_on,amount,billing_months,manager_id
s1,c1,2025-12-10,,100,,m1
s2,c1,2026-02-05,,1800,12,m2
s3,c2,2025-12-15,2026-02-28,50,1,m1
s4,c2,2026-04-02,,70,1,m1
s5,c3,2026-01-05,2026-01-19,0,1,m1
s6,c3,2026-01-19,,40,1,m1
s6,c3,2026-03-01,,30,1,m1
s7,c4,2026-01-31,2026-03-01,60,1,m1
s8,c5,2026-02-10,2026-02-20,80,1,m1
s9,c6,2026-01-10,2026-02-15,20,1,m1
s10,c6,2026-02-15,,20,1,m1
s11,c7,2026-04-10,,10,1,m1
"""


def subscribers(directory, rows=ROWS, **settings):
    from tests.conftest import Company

    company = Company(directory / "ws")
    company.settings |= {"as_of": "2026-04-15", "country": None, **settings}
    company.entity("subscriptions", COLUMNS)
    company.file("subscriptions.csv", rows)
    company.entity("managers", "manager_id manager_name team hired_on")
    company.file(
        "managers.csv",
        "manager_id,manager_name,team,hired_on\nm1,Ann,A,2025-01-01\nm2,Bob,B,2025-01-01\n",
    )
    return company


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return subscribers(tmp_path_factory.mktemp("subscriptions")).run()


@pytest.mark.kpi("mrr", "active_customers")
def test_mrr_is_what_runs_on_the_last_day_of_a_period(published):
    assert [published.kpi("mrr", month) for month in (DEC, JAN, FEB, MAR, APR)] == [
        150,
        270,
        370,
        300,
        380,
    ]
    assert [published.kpi("active_customers", month) for month in (DEC, JAN, FEB, MAR, APR)] == [
        2,
        5,
        4,
        3,
        5,
    ]
    # a quarter and a year take their last day, which for the running year is 15 April
    assert published.kpi("mrr", JAN, grain="quarter") == 300
    assert published.kpi("mrr", JAN, grain="year") == 380
    assert published.kpi("active_customers", JAN, grain="year") == 5


@pytest.mark.kpi("mrr")
def test_a_subscription_that_ends_on_the_last_day_is_off_and_one_that_starts_on_it_is_on(published):
    on_31_january = published.one(
        "select mrr_end from marts.fct_mrr_movements where customer_id = 'crm:c4' and month = ?",
        [JAN],
    )
    on_28_february = published.one(
        "select mrr_end from marts.fct_mrr_movements where customer_id = 'crm:c2' and month = ?",
        [FEB],
    )
    assert (on_31_january, on_28_february) == (60, 0)


@pytest.mark.kpi("mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churned", "mrr_reactivated")
def test_movements_lead_from_the_start_of_a_month_to_its_end(published):
    kinds = ("new", "expansion", "contraction", "churned", "reactivated")
    moved = {
        month: [published.kpi(f"mrr_{kind}", month) for kind in kinds]
        for month in (DEC, JAN, FEB, MAR, APR)
    }
    assert moved == {
        DEC: [150, 0, 0, 0, 0],  # c1 and c2
        JAN: [40 + 60 + 20, 0, 0, 0, 0],  # c3 once the trial is over, c4, c6
        FEB: [0, 150, 0, 50, 0],  # c1 up, c2 gone; c6's change of plan is no movement
        MAR: [0, 0, 10, 60, 0],  # c3 down, c4 gone
        APR: [10, 0, 0, 0, 70],  # c7 new, c2 back
    }
    # 270 + 150 - 50 = 370; 370 - 10 - 60 = 300; 300 + 10 + 70 = 380
    quarter = [published.kpi(f"mrr_{kind}", JAN, grain="quarter") for kind in kinds]
    assert quarter == [120, 150, 10, 110, 0]  # the sums of its months


@pytest.mark.kpi("arpa")
def test_arpa_divides_by_who_pays_and_knows_no_figure_where_nobody_does(published):
    assert published.kpi("arpa", FEB) == 370 / 4
    assert published.kpi("arpa", FEB, scope="manager", who="Bob") == 250
    assert published.kpi("arpa", JAN, scope="manager", who="Bob") is None
    assert published.kpi("mrr", JAN, scope="manager", who="Bob") == 0


@pytest.mark.kpi("logo_churn_rate", "logo_retention_rate")
def test_churn_compares_the_first_state_with_the_last(published):
    assert published.kpi("logo_churn_rate", DEC) is None  # nobody was there at the start
    assert published.kpi("logo_churn_rate", FEB) == 1 / 5
    assert published.kpi("logo_retention_rate", FEB) == 4 / 5
    assert published.kpi("logo_churn_rate", MAR) == 1 / 4
    assert published.kpi("logo_churn_rate", APR) == 0
    # c1 and c2 were there on 31 December; on 31 March c2 is not, on 15 April it is back
    assert published.kpi("logo_churn_rate", JAN, grain="quarter") == 1 / 2
    assert published.kpi("logo_churn_rate", JAN, grain="year") == 0
    assert published.kpi("logo_retention_rate", JAN, grain="year") == 1


@pytest.mark.kpi("grr", "nrr")
def test_retention_of_revenue_counts_who_was_there_at_the_start(published):
    assert published.kpi("grr", DEC) is None
    assert published.kpi("grr", FEB) == (100 + 0 + 40 + 60 + 20) / 270
    assert published.kpi("nrr", FEB) == (250 + 0 + 40 + 60 + 20) / 270
    assert published.kpi("grr", APR) == 1
    assert published.kpi("nrr", APR) == 1  # what came back or is new does not count
    assert published.kpi("grr", JAN, grain="quarter") == 100 / 150
    assert published.kpi("nrr", JAN, grain="quarter") == 250 / 150
    assert published.kpi("nrr", JAN, grain="year") == (250 + 70) / 150


@pytest.mark.kpi("first_month_survival")
def test_survival_asks_a_month_after_the_first_paid_day(published):
    # c1 on 10 Jan and c2 on 15 Jan are there; c3 on 19 Feb, c4 on 28 Feb, c6 on 10 Feb likewise
    assert published.kpi("first_month_survival", DEC) == 1
    assert published.kpi("first_month_survival", JAN) == 1
    assert published.kpi("first_month_survival", FEB) == 0  # c5 had gone by 10 March
    assert published.kpi("first_month_survival", MAR) is None  # nobody began
    assert published.kpi("first_month_survival", APR) is None  # c7's month is not over
    assert published.kpi("first_month_survival", JAN, grain="quarter") == 3 / 4


@pytest.mark.kpi("mrr", "mrr_expansion", "mrr_churned")
def test_mrr_belongs_to_whom_the_largest_subscription_belongs_to(published):
    assert published.kpi("mrr", FEB, scope="manager", who="Bob") == 250  # c1, by s2
    assert published.kpi("mrr", FEB, scope="team", who="A") == 120
    assert published.kpi("mrr_expansion", FEB, scope="manager", who="Bob") == 150
    assert published.kpi("mrr_churned", MAR, scope="manager", who="Ann") == 60  # c4's last one


@pytest.mark.kpi("mrr_new", "mrr", "nrr")
def test_an_unfinished_month_is_compared_with_as_many_days_of_the_one_before(published):
    told = published.rows(
        "select kpi_code, value, value_previous, value_previous_to_date from marts.kpi_values "
        "where scope_type = 'company' and period_grain = 'month' and period_start = ? "
        "and kpi_code in ('mrr', 'mrr_churned', 'mrr_contraction', 'active_customers') order by 1",
        [APR],
    )
    # on 15 March c1 250, c3 30 and c6 20; c4 went on 1 March, c3 down on it
    assert told == [
        ("active_customers", 5, 3, 3),
        ("mrr", 380, 300, 300),
        ("mrr_churned", 0, 60, 60),
        ("mrr_contraction", 0, 10, 10),
    ]


@pytest.mark.kpi("mrr_new")
def test_what_came_later_in_the_month_before_is_not_in_its_days_to_date(tmp_path):
    rows = (
        ROWS.splitlines()[0] + "\ns1,c1,2026-03-10,,100,,m1\ns2,c2,2026-03-25,,40,,m1\n"
        "s3,c1,2026-04-05,,5,,m1\n"
    )
    published = subscribers(tmp_path, rows).run()
    told = published.rows(
        "select kpi_code, value, value_previous, value_previous_to_date from marts.kpi_values "
        "where scope_type = 'company' and period_grain = 'month' and period_start = ? "
        "and kpi_code in ('mrr', 'mrr_new', 'mrr_expansion') order by 1",
        [APR],
    )
    assert told == [("mrr", 145, 140, 100), ("mrr_expansion", 5, 0, 0), ("mrr_new", 0, 140, 100)]


@pytest.mark.kpi("grr_trailing_12m", "nrr_trailing_12m", cases=["null", "midnight", "late_file"])
def test_trailing_retention_looks_twelve_months_back(tmp_path):
    rows = (
        ROWS.splitlines()[0]
        + """
s1,c1,2025-01-10,,100,1,m1
s1,c1,2025-09-01,,130,1,m1
s2,c2,2025-02-28,2025-06-01,50,1,m1
s3,c3,2025-10-01,,40,1,m1
"""
    )
    company = subscribers(tmp_path, rows, as_of="2026-03-31")
    company.settings["sources"]["crm"]["entities"]["subscriptions"]["files"] = "subscriptions*"
    published = company.run()
    assert published.kpi("grr_trailing_12m", DEC) is None  # nobody a year before
    assert published.kpi("grr_trailing_12m", JAN) == 1
    assert published.kpi("nrr_trailing_12m", JAN) == 130 / 100
    # c2 is there from 28 February 2025, the last day of that month
    assert published.kpi("grr_trailing_12m", FEB) == 100 / 150
    assert published.kpi("nrr_trailing_12m", FEB) == 130 / 150
    assert published.kpi("grr_trailing_12m", MAR) == 100 / 150
    # a late sheet: c4 paid 50 in February a year ago, and pays 20 now
    late = "s4,c4,2025-02-10,,50,1,m1\ns4,c4,2025-11-01,,20,1,m1\n"
    company.file("subscriptions_late.csv", ROWS.splitlines()[0] + "\n" + late)
    published = company.run()
    assert published.kpi("grr_trailing_12m", JAN) == 1  # c4 had not begun
    assert published.kpi("grr_trailing_12m", FEB) == (100 + 20) / 200
    assert published.kpi("nrr_trailing_12m", FEB) == (130 + 20) / 200


@pytest.mark.kpi("mrr", "mrr_churned", "mrr_new")
def test_a_late_file_corrects_the_months_that_it_is_about(tmp_path):
    company = subscribers(tmp_path)
    company.run()
    company.file(
        "subscriptions_late.csv",
        ROWS.splitlines()[0]
        + "\ns3,c2,2025-12-15,2026-03-01,50,1,m1\ns12,c8,2026-01-15,,90,1,m2\n",
    )
    published = company.run()
    assert published.kpi("mrr", JAN) == 270 + 90
    assert published.kpi("mrr_new", JAN) == 120 + 90
    assert published.kpi("mrr", FEB) == 370 + 90 + 50  # c2 was still there on 28 February
    assert published.kpi("mrr_churned", FEB) == 0
    assert published.kpi("mrr_churned", MAR) == 60 + 50


@pytest.mark.kpi("mrr_new", "mrr_reactivated")
def test_who_left_within_the_first_month_comes_back_and_is_not_new(tmp_path):
    """c5 paid from 10 to 20 February, at no month's end; again from 5 April, beside c2."""
    company = subscribers(tmp_path)
    company.file("subscriptions_back.csv", ROWS.splitlines()[0] + "\ns13,c5,2026-04-05,,90,1,m1\n")
    published = company.run()
    assert published.kpi("mrr_reactivated", APR) == 70 + 90
    assert published.kpi("mrr_new", APR) == 10


@pytest.mark.kpi("mrr")
def test_a_deleted_subscription_is_in_no_period(tmp_path):
    company = subscribers(tmp_path)
    company.entity("subscriptions", f"{COLUMNS} updated_at is_deleted", files="subscriptions*.csv")
    head = "subscription_id,customer_id,started_on,amount,updated_at,is_deleted"
    company.settings["sources"]["crm"]["entities"]["subscriptions"]["columns"] = {
        name: name for name in head.split(",")
    }
    company.file(
        "subscriptions.csv",
        f"{head}\ns1,c1,2026-01-10,100,2026-01-10,\ns2,c2,2026-01-10,40,2026-01-10,\n"
        "s2,c2,2026-01-10,40,2026-03-05,yes\n",
    )
    published = company.run()
    assert published.kpi("mrr", JAN) == 100
    company.settings["as_of"] = "2026-03-04"  # the day before it was deleted
    assert company.run().kpi("mrr", JAN) == 140


@pytest.mark.kpi("mrr")
def test_of_a_row_that_stands_twice_the_last_counts_and_the_other_is_listed(tmp_path):
    head = ROWS.splitlines()[0]
    rows = (
        f"{head}\ns1,c1,2026-01-10,,100,0,m1\ns2,c2,2026-01-10,,40,,m1\ns2,c2,2026-01-10,,50,,m1\n"
    )
    published = subscribers(tmp_path, rows).run()
    assert published.kpi("mrr", JAN) == 50  # a price without a period does not recur
    told = published.rows(
        "select reason_code, _source_row from ops.quarantine where entity = 'subscriptions' "
        "order by 1"
    )
    assert told == [("not_recurring", 2), ("repeated_in_file", 3)]


@pytest.mark.kpi("mrr")
def test_money_in_another_currency_takes_the_rate_of_the_first_day(tmp_path):
    company = subscribers(tmp_path)
    head = "subscription_id,customer_id,started_on,amount,currency"
    company.settings["sources"]["crm"]["entities"]["subscriptions"]["columns"] = {
        name: name for name in head.split(",")
    }
    company.file("subscriptions.csv", f"{head}\ns1,c1,2026-01-20,10,USD\ns2,c2,2026-01-20,5,EUR\n")
    company.entity("fx_rates", "rate_on currency rate")
    company.file("fx_rates.csv", "rate_on,currency,rate\n2026-01-19,USD,90\n2026-02-10,USD,80\n")
    with pytest.raises(GateFailed, match="EUR"):
        company.run()
    company.file("rates_of_euro.csv", "rate_on,currency,rate\n2026-01-20,EUR,100\n")
    company.entity("fx_rates", "rate_on currency rate", files="*rates*.csv")
    published = company.run()
    assert published.kpi("mrr", JAN) == 10 * 90 + 5 * 100
    assert published.kpi("mrr", MAR) == 10 * 90 + 5 * 100  # the rate of February changes nothing


@pytest.mark.kpi("mrr", "mrr_churned", "active_customers")
def test_recurring_payments_are_subscriptions_by_the_declared_rule(tmp_path):
    from tests.conftest import Company

    company = Company(tmp_path / "ws")
    rule = {"kind": "Abonnement", "min_payments": 2, "gap_days": 45}
    company.settings |= {"as_of": "2026-04-20", "settings": {"subscriptions_from_payments": rule}}
    company.entity("payments", "payment_id paid_at amount customer_id kind")
    company.file(
        "payments.csv",
        """\
payment_id,paid_at,amount,customer_id,kind
y1,2026-01-10,100,c1,abonnement
y2,2026-02-10,100,c1,abonnement
y3,2026-03-10,120,c1,abonnement
y4,2026-01-31T21:30:00Z,50,c2,abonnement
y5,2026-03-01T09:00:00Z,50,c2,abonnement
y6,2026-01-05,70,c3,abonnement
y7,2026-01-10,30,c1,setup
y8,2026-02-15,-20,c1,abonnement
""",
    )
    published = company.run()
    # y4 was paid at 00:30 of 1 February in Moscow. c1 may still pay in time on 20 April (41 days);
    # c2's last payment was 50 days before: it was good for a month, to 1 April. c3 paid once only.
    mrr = [published.kpi("mrr", month) for month in (JAN, FEB, MAR, APR)]
    assert mrr == [100, 100 + 50, 120 + 50, 120]
    assert published.kpi("mrr_churned", APR) == 50
    assert published.kpi("active_customers", MAR) == 2


@pytest.mark.kpi("mrr")
def test_yearly_payments_are_brought_to_a_month(tmp_path):
    from tests.conftest import Company

    company = Company(tmp_path / "ws")
    rule = {"kind": "fee", "gap_days": 400}
    company.settings |= {"as_of": "2026-04-20", "settings": {"subscriptions_from_payments": rule}}
    company.entity("payments", "payment_id paid_at amount customer_id kind")
    company.file(
        "payments.csv",
        "payment_id,paid_at,amount,customer_id,kind\n"
        "y1,2024-03-01,1200,c1,fee\ny2,2025-03-01,1500,c1,fee\n",
    )
    published = company.run()
    assert published.kpi("mrr", "2025-02-01") == 100
    assert published.kpi("mrr", MAR.replace("2026", "2025")) == 125
    assert published.kpi("mrr", FEB) == 125
    assert published.kpi("mrr", MAR) == 0  # paid to 1 March 2026, and nothing came for 400 days


@pytest.mark.kpi("mrr", "grr")
def test_a_figure_goes_back_to_the_lines_of_its_file(published):
    workspace = published.session.workspace
    told = explain(workspace, "mrr", "company", "2026-02")
    assert told.sums == {"mrr": 370}
    lines = {(fact["fact_id"], fact["_source_row"]) for fact in told.facts}
    assert {("crm:c1", 2), ("crm:c1", 3)} <= lines  # both subscriptions of c1
    told = explain(workspace, "grr", "manager=Ann", "2026-Q1")
    # of the customers that are Ann's on 31 March, c2 was there on 31 December, and went
    assert told.sums == {"mrr_at_start": 50, "mrr_kept": 0}


@pytest.mark.kpi("mrr", "mrr_contraction", "nrr_trailing_12m")
def test_only_lines_that_count_are_listed_and_their_values_add_up(published):
    def lines(code, period):
        told = explain(published.session.workspace, code, "company", period).facts
        return [(f["measure_code"], f["fact_id"], f["value"], f["_source_row"]) for f in told]

    # 28 Feb: s1 and s2 of c1 (rows 2, 3) are one 250; s9 (row 10) ended on the 15th, s3 on the 28th
    assert lines("mrr", "2026-02") == [
        ("mrr", "crm:c1", 250, 2),
        ("mrr", "crm:c1", None, 3),
        ("mrr", "crm:c4", 60, 9),
        ("mrr", "crm:c3", 40, 7),
        ("mrr", "crm:c6", 20, 12),
    ]
    # c3 went from 40 (row 7, until 1 March) to 30 (row 8): both say why; its trial does not
    contraction = ("mrr_contraction", "crm:c3")
    assert lines("mrr_contraction", "2026-03") == [(*contraction, 10, 7), (*contraction, None, 8)]
    # s3 of c2 ended on 28 February: in the year to 31 December 2026 it would stand for the start
    kept = explain(published.session.workspace, "grr", "company", "2026").facts
    assert {f["_source_row"] for f in kept if f["fact_id"] == "crm:c2"} == {4, 5}


def test_without_subscriptions_there_are_no_rows_and_a_reason(company):
    company.entity("deals", "deal_id stage opened_at closed_at amount")
    company.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount\nd1,won,2026-01-05,2026-01-09,100\n",
    )
    published = company.run()
    assert published.one("select count(*) from marts.kpi_values where kpi_code like 'mrr%'") == 0
    reason = published.one("select unavailable_because from marts.dim_kpi where kpi_code = 'mrr'")
    assert reason == "no subscriptions are delivered"


def test_the_audit_finds_movements_that_do_not_lead_to_the_end(tmp_path):
    from dagster_project import transform
    from dagster_project.session import open_session
    from dagster_project.settings import load_workspace

    company = subscribers(tmp_path)
    company.run()
    with open_session(load_workspace(company.directory), "test") as session:
        session.connection.execute(
            "update kpi.marts.fct_mrr_movements set mrr_expansion = 149.99 "
            "where customer_id = 'crm:c1' and month = date '2026-02-01'"
        )
        session.connection.execute(
            "update engine.kpi_measures set value = 271 where measure_code = 'mrr' and "
            "scope_type = 'company' and period_grain = 'month' and period_start = '2026-01-01'"
        )
        transform.build(session.workspace, "marts", select="audit_kpi_identities")
        found = session.connection.execute(
            "select identity_name, period_start, whole, parts_sum from ops.audit_kpi_identities "
            "order by 1, 2"
        ).fetchall()
        verdict = session.gate("kpi")
    assert [(name, f"{day}", whole, parts) for name, day, whole, parts in found] == [
        ("start + movements = end of a company", JAN, 271, 270),
        ("start + movements = end of a customer", FEB, 250, 249.99),
        ("start = end of the month before", FEB, 270, 271),
    ]
    assert [check.code for check in verdict.failures] == ["identity_broken"]


@pytest.mark.kpi("mrr")
def test_payments_of_a_deal_and_of_a_subscription_with_one_number_are_no_one_chain(tmp_path):
    """c1 pays 100 for subscription 7 on the 1st, c2 50 for deal 7 on the 10th: 150 a month."""
    from tests.conftest import Company

    company = Company(tmp_path / "ws")
    company.settings |= {
        "as_of": "2026-04-20",
        "settings": {"subscriptions_from_payments": {"kind": "fee"}},
    }
    company.entity("deals", "deal_id stage opened_at customer_id")
    company.file("deals.csv", "deal_id,stage,opened_at,customer_id\n7,open,2026-02-01,c2\n")
    company.entity("payments", "payment_id paid_at amount customer_id subscription_id deal_id kind")
    company.file(
        "payments.csv",
        """\
payment_id,paid_at,amount,customer_id,subscription_id,deal_id,kind
y1,2026-03-01,100,c1,7,,fee
y2,2026-04-01,100,c1,7,,fee
y3,2026-03-10,50,c2,,7,fee
y4,2026-04-10,50,c2,,7,fee
""",
    )
    published = company.run()
    assert [published.kpi("mrr", month) for month in (MAR, APR)] == [150, 150]
    assert published.kpi("mrr_new", MAR) == 150
