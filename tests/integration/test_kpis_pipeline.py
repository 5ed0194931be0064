"""KPIs of what is open, worked out by hand on six deals.

| deal | opened (Moscow) | stages | amount | plan | who |
|---|---|---|---|---|---|
| d1 | 31 Jan 23:30 | open | 100 | 20 Feb, on 10 Feb moved to 10 Apr | Ann |
| d2 | 1 Feb 00:30 | open | 200 | 15 Mar | Bob |
| d3 | 5 Jan | offer 20 Jan, won 15 Feb, offer again 10 Mar | 300 | 28 Feb | Ann |
| d4 | 5 Jan | offer 25 Jan, lost 20 Feb | none | 28 Feb (on 20 Jan moved from the 20th) | Bob |
| d5 | 5 Jan | open | 10 USD | 25 Feb | Bob |
| d6 | 5 Jan | offer 8 Jan, won 20 Jan | 40 | none | Ann |

A dollar is 80 from 30 January, 90 from 25 February, 100 from 30 March; a rate serves ten days.
Chances lean on two cases of what they lean on (win_prior_deals: 2). The run looks from 31 March.
"""

from __future__ import annotations

from datetime import date

import pytest

from tests.conftest import Company

JAN, FEB, MAR = "2026-01-01", "2026-02-01", "2026-03-01"


def six_deals(company: Company) -> Company:
    company.settings["settings"] = {"low_sample_below": 2, "win_prior_deals": 2}
    columns = "deal_id stage opened_at amount currency planned_close_on manager_id updated_at"
    company.entity("deals", columns)
    company.source(won_date="history")
    company.file(
        "deals.csv",
        columns.replace(" ", ",")
        + """
d1,open,2026-01-31 23:30:00,100,RUB,2026-04-10,m1,2026-02-10 10:00:00
d2,open,2026-02-01 00:30:00,200,RUB,2026-03-15,m2,2026-02-01 10:00:00
d3,offer,2026-01-05 10:00:00,300,RUB,2026-02-28,m1,2026-03-10 10:00:00
d4,lost,2026-01-05 10:00:00,,RUB,2026-02-28,m2,2026-02-20 10:00:00
d5,open,2026-01-05 10:00:00,10,USD,2026-02-25,m2,2026-01-05 10:00:00
d6,won,2026-01-05 10:00:00,40,RUB,,m1,2026-01-20 10:00:00
""",
    )
    company.entity("deal_stages", "deal_id stage entered_at")
    company.file(
        "deal_stages.csv",
        """deal_id,stage,entered_at
d1,open,2026-01-31 23:30:00
d2,open,2026-02-01 00:30:00
d3,open,2026-01-05 10:00:00
d3,offer,2026-01-20 10:00:00
d3,won,2026-02-15 10:00:00
d3,offer,2026-03-10 10:00:00
d4,open,2026-01-05 10:00:00
d4,offer,2026-01-25 10:00:00
d4,lost,2026-02-20 10:00:00
d5,open,2026-01-05 10:00:00
d6,open,2026-01-05 10:00:00
d6,offer,2026-01-08 10:00:00
d6,won,2026-01-20 10:00:00
""",
    )
    company.entity("deal_changes", "deal_id field old_value new_value changed_at")
    company.file(
        "deal_changes.csv",
        """deal_id,field,old_value,new_value,changed_at
d4,planned_close_on,2026-02-20,2026-02-28,2026-01-20 10:00:00
d1,planned_close_on,2026-02-20,2026-04-10,2026-02-10 10:00:00
""",
    )
    company.entity("fx_rates", "rate_on currency rate")
    company.file(
        "fx_rates.csv",
        "rate_on,currency,rate\n2026-01-30,USD,80\n2026-02-25,USD,90\n2026-03-30,USD,100\n",
    )
    company.entity("managers", "manager_id manager_name team hired_on")
    company.file(
        "managers.csv",
        "manager_id,manager_name,team,hired_on\n"
        "m1,Ann,A,2025-01-01\nm2,Bob,B,2025-01-01\nm3,Idle,B,2025-01-01\n",
    )
    company.entity("activities", "activity_id kind occurred_at manager_id status direction deal_id")
    company.file(
        "activities.csv",
        """activity_id,kind,occurred_at,manager_id,status,direction,deal_id
a1,call,2026-02-14T21:30:00Z,m1,done,out,d1
a2,email,2026-02-14 12:00:00,m2,done,out,d5
a3,meeting,2026-02-27 12:00:00,m2,planned,,d2
a4,call,2026-02-27 12:00:00,m2,done,in,d2
a5,meeting,2026-03-20 12:00:00,m1,done,,d3
""",
    )
    company.entity("payments", "payment_id paid_at amount deal_id kind")
    company.file(
        "payments.csv",
        """payment_id,paid_at,amount,deal_id,kind
y1,2026-02-10,50,d3,payment
y2,2026-02-20,100,d3,payment
y3,2026-02-25,30,d3,refund
y4,2026-01-21,60,d6,payment
""",
    )
    return company


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return six_deals(Company(tmp_path_factory.mktemp("pipeline") / "ws")).run()


@pytest.mark.kpi("open_pipeline", cases=["midnight", "reversal"])
def test_open_pipeline_is_that_of_the_last_evening(published):
    # 31 January: d1 (opened 23:30 that evening), d3, d4 without an amount, d5 at 80; not d2
    assert published.kpi("open_pipeline", JAN) == 100 + 300 + 10 * 80
    assert published.kpi("open_pipeline", FEB) == 100 + 200 + 10 * 90  # d3 won, d4 lost
    assert published.kpi("open_pipeline", MAR) == 100 + 200 + 300 + 10 * 100  # d3 reopened
    assert published.kpi("open_pipeline", "2026-01-01", grain="quarter") == 1600


@pytest.mark.kpi("open_pipeline")
def test_open_pipeline_of_scopes_adds_up_and_idle_sellers_have_zero(published):
    assert published.kpi("open_pipeline", FEB, scope="manager", who="Ann") == 100
    assert published.kpi("open_pipeline", FEB, scope="team", who="B") == 200 + 900
    assert published.kpi("open_pipeline", FEB, scope="manager", who="Idle") == 0


@pytest.mark.kpi("open_pipeline", "weighted_pipeline", cases=["null"])
def test_a_day_without_a_rate_has_no_open_pipeline_in_that_scope(published):
    """The rate of 30 January serves to 9 February; the next is of the 25th."""
    week = {"period": "2026-02-09", "grain": "week"}
    assert published.kpi("open_pipeline", **week) is None
    assert published.kpi("weighted_pipeline", **week) is None
    assert published.kpi("open_pipeline", scope="manager", who="Bob", **week) is None
    assert published.kpi("open_pipeline", scope="manager", who="Ann", **week) == 100
    found = published.rows(
        "select sum(deal_count), sum(amount) from marts.fct_pipeline_daily "
        "where day = '2026-02-15' and manager_id = 'crm:m2' group by stage_name order by 1"
    )
    assert found == [(1, 0), (2, None)]  # d4 at offer has no amount; d2 and d5 are open


@pytest.mark.kpi("weighted_pipeline", cases=["zero", "midnight", "reversal"])
def test_weighted_pipeline_takes_the_chance_of_stage_and_age(published):
    """Closed: d6 won, d4 lost, so the rate is 1/2. In `open` d6 stayed 3 days, d4 20; in `offer`
    d6 12, d4 26. With two cases of what each leans on:

    open:  from 0 (1 + 2/2)/(2 + 2) = 1/2, from 7 (0 + 2/2)/(1 + 2) = 1/3,
           from 14 (0 + 2/3)/(1 + 2) = 2/9, older: nobody, so 2/9
    offer: from 0 and from 7 1/2, from 14 (0 + 2/2)/(1 + 2) = 1/3, older 1/3
    """
    chances = published.rows(
        "select stage_name, age_from, deals, wins, probability from marts.win_probability "
        "where stage_name is not null and age_from <= 30 order by 1 desc, 2"
    )
    expected = [
        ("open", 0, 2, 1, 1 / 2),
        ("open", 7, 1, 0, 1 / 3),
        ("open", 14, 1, 0, 2 / 9),
        ("open", 30, 0, 0, 2 / 9),
        ("offer", 0, 2, 1, 1 / 2),
        ("offer", 7, 2, 1, 1 / 2),
        ("offer", 14, 1, 0, 1 / 3),
        ("offer", 30, 0, 0, 1 / 3),
    ]
    assert [row[:4] for row in chances] == [row[:4] for row in expected]
    assert [row[4] for row in chances] == pytest.approx([row[4] for row in expected])
    # 31 January: d1 0 days, d3 at offer 11 days, d5 26 days
    january = 100 / 2 + 300 / 2 + 800 * 2 / 9
    assert published.kpi("weighted_pipeline", JAN) == pytest.approx(january, abs=0.01)
    # 28 February: d1 28 days, d2 27, d5 54
    february = (100 + 200 + 900) * 2 / 9
    assert published.kpi("weighted_pipeline", FEB) == pytest.approx(february, abs=0.01)
    # 31 March: d3 at offer again for 21 days; money is rounded to 1/10000 before the rate
    march = (100 + 200 + 1000) * 2 / 9 + 300 / 3
    assert published.kpi("weighted_pipeline", MAR) == pytest.approx(march, abs=0.01)
    assert published.kpi("weighted_pipeline", MAR, scope="manager", who="Idle") == 0


@pytest.mark.kpi("weighted_pipeline")
def test_no_chances_are_learned_from_too_few_closed_deals(tmp_path):
    company = six_deals(Company(tmp_path / "few"))
    company.settings["settings"] = {"low_sample_below": 3}
    few = company.run()
    assert few.rows("select * from marts.win_probability") == []
    reason = few.one(
        "select unavailable_because from marts.dim_kpi where kpi_code = 'weighted_pipeline'"
    )
    assert reason.startswith("too few closed deals")
    assert few.one("select count(weighted_amount) from marts.fct_pipeline_daily") == 0


@pytest.mark.kpi("sales_velocity", cases=["null", "reversal"])
def test_sales_velocity_over_the_trailing_90_days(published):
    """31 March: 4 open deals x 1 win of 2 closes (d6; d4; d3 is open again) x 40 / 15 days."""
    assert published.kpi("sales_velocity", MAR) == pytest.approx(4 * (1 / 2) * 40 / 15)
    assert published.kpi("sales_velocity", FEB) == pytest.approx(3 * (1 / 2) * 40 / 15)
    # by 31 January nothing was lost: d1, d3, d4, d5 x 1 x 40 / 15
    assert published.kpi("sales_velocity", JAN) == pytest.approx(4 * 40 / 15)
    assert published.kpi("sales_velocity", MAR, scope="manager", who="Bob") is None  # no wins


@pytest.mark.kpi("slippage_rate", cases=["null", "midnight"])
def test_slippage_of_the_deals_due_at_the_start(published):
    """On the evening of 31 January d1, d3, d4 and d5 were planned for February. Of them d1 is
    open at its end with a plan in April; d3 was won, d4 lost, d5 is late but its plan did not move.
    d2, opened half an hour into February, was not there. The first change of a plan that is told
    is of 20 January, so January is unknown."""
    assert published.kpi("slippage_rate", JAN) is None
    assert published.kpi("slippage_rate", FEB) == 1 / 4
    assert published.kpi("slippage_rate", MAR) == 0  # d2, still planned for the 15th
    assert published.kpi("slippage_rate", FEB, scope="manager", who="Ann") == 1 / 2
    assert published.kpi("slippage_rate", FEB, scope="manager", who="Idle") is None


@pytest.mark.kpi("crm_hygiene", cases=["null", "midnight"])
def test_crm_hygiene_needs_amount_plan_and_a_touch_within_14_days(published):
    """28 February: d1 was called on the 15th, half past midnight in Moscow: 13 days. The mail to
    d5 is 14 days old; a planned meeting and an incoming call are no touch of d2."""
    assert published.kpi("crm_hygiene", JAN) == 0  # of d1, d3, d4, d5
    assert published.kpi("crm_hygiene", FEB) == pytest.approx(1 / 3)
    assert published.kpi("crm_hygiene", MAR) == 1 / 4  # d3, reopened, met on the 20th
    assert published.kpi("crm_hygiene", "2026-02-27", grain="day") == 2 / 3  # the mail: 13 days
    assert published.kpi("crm_hygiene", FEB, scope="manager", who="Idle") is None


@pytest.mark.kpi("unpaid_won_amount", cases=["zero", "reversal"])
def test_unpaid_won_amount_follows_payments_refunds_and_the_reversal(published):
    """d3, won for 300 on 15 February: 50 had been paid before, 100 come on the 20th, 30 go back
    on the 25th; on 10 March it is reopened. d6 was paid 20 too much: that is not set against d3."""
    assert published.kpi("unpaid_won_amount", "2026-01-19", grain="week") == 0
    assert published.kpi("unpaid_won_amount", "2026-01-20", grain="day") == 40
    assert published.kpi("unpaid_won_amount", "2026-02-09", grain="week") == 300 - 50
    assert published.kpi("unpaid_won_amount", "2026-02-16", grain="week") == 300 - 150
    assert published.kpi("unpaid_won_amount", FEB) == 300 - 150 + 30
    assert published.kpi("unpaid_won_amount", FEB, scope="manager", who="Ann") == 180
    assert published.kpi("unpaid_won_amount", MAR) == 0


@pytest.mark.kpi("pipeline_coverage")
def test_pipeline_coverage_is_absent_until_there_is_a_target(published):
    assert (
        published.one(
            "select unavailable_because from marts.dim_kpi where kpi_code = 'pipeline_coverage'"
        )
        == "no targets are delivered"
    )
    assert (
        published.rows("select * from marts.kpi_values where kpi_code = 'pipeline_coverage'") == []
    )
    # its part that is known: due in February and open at its end is d5 alone, in March d2
    due = dict(
        published.rows(
            "select period_start, sum(amount) from marts.fct_due_deals where is_due_at_end "
            "and window_code = 'period' and period_grain = 'month' group by 1"
        )
    )
    assert due[date(2026, 2, 1)] == 10 * 90
    assert due[date(2026, 3, 1)] == 200


def test_stage_conversion_of_a_month_of_opening(published):
    """Opened in January: d1, d3, d4, d5, d6. At offer came d3, d4, d6; d3 and d6 got further, d6
    is won (d3 was). Those that left `open` took 15, 20 and 3 days; those that left `offer` for
    good 26 (d4) and 12 (d6): d3 is back there."""
    found = published.rows(
        "select stage_name, entered, skipped, moved_on, won, rate_previous, rate_first, "
        "days_median from marts.stage_conversion where scope_type = 'company' "
        "and opened_month = '2026-01-01' order by stage_rank"
    )
    assert found == [
        ("open", 5, 0, 3, 1, None, 1, 15),
        ("offer", 3, 0, 2, 1, 3 / 5, 3 / 5, (12 + 26) / 2),
    ]
    managers = published.rows(
        "select sum(entered), sum(won) from marts.stage_conversion where scope_type = 'manager' "
        "and opened_month = '2026-01-01' group by stage_name order by 1"
    )
    assert managers == [(3, 1), (5, 1)]


def test_an_open_deal_more_changes_no_win(published, tmp_path):
    company = six_deals(Company(tmp_path / "more"))
    before = {
        code: published.kpi(code, FEB)
        for code in ("booked_revenue", "won_deals", "win_rate", "average_check", "lost_deals")
    }
    company.file(
        "deals_more.csv",
        "deal_id,stage,opened_at,amount,currency,planned_close_on,manager_id,updated_at\n"
        "d7,open,2026-02-03 10:00:00,1000,RUB,2026-02-20,m1,2026-02-03 10:00:00\n",
    )
    more = company.run()
    assert {code: more.kpi(code, FEB) for code in before} == before
    assert more.kpi("open_pipeline", FEB) == published.kpi("open_pipeline", FEB) + 1000


@pytest.mark.kpi(
    "open_pipeline",
    "weighted_pipeline",
    "slippage_rate",
    "crm_hygiene",
    "sales_velocity",
    "unpaid_won_amount",
    cases=["late_file"],
)
def test_a_late_file_gives_what_one_delivery_would_have_given(published, tmp_path):
    company = six_deals(Company(tmp_path / "late"))
    stages = company.directory / "raw" / "crm" / "deal_stages.csv"
    whole = stages.read_text()
    rows = whole.splitlines(keepends=True)
    stages.write_text("".join([rows[0], *rows[3:]]))  # d1 and d2 are not told yet
    payments = company.directory / "raw" / "crm" / "payments.csv"
    header, *lines = payments.read_text().splitlines(keepends=True)
    payments.write_text("".join([header, *lines[:2]]))  # nor are the refund and d6's payment
    assert company.run().kpi("unpaid_won_amount", FEB) == 150 + 40
    company.file("deal_stages_late.csv", "".join(rows[:3]))
    company.file("payments_late.csv", "".join([header, *lines[2:]]))
    late = company.run()
    codes = ("open_pipeline", "weighted_pipeline", "slippage_rate", "crm_hygiene")
    for code in (*codes, "sales_velocity", "unpaid_won_amount"):
        for month in (JAN, FEB, MAR):
            assert late.kpi(code, month) == published.kpi(code, month), (code, month)


def test_each_number_goes_back_to_its_facts(published):
    from dagster_project.explain import explain

    workspace = published.session.workspace

    def deals(code: str, scope: str, period: str) -> dict[str, float]:
        told = explain(workspace, code, scope, period)
        measure = told.kpi["numerator_measure"]
        found = [row for row in told.facts if row["measure_code"] == measure]
        assert all(row["_source_file"].startswith("raw/crm/") for row in found)
        return {row["fact_id"].removeprefix("crm:"): float(row["value"]) for row in found}

    assert deals("open_pipeline", "company", "2026-02") == {"d1": 100, "d2": 200, "d5": 900}
    assert deals("weighted_pipeline", "manager=Ann", "2026-03") == {
        "d1": pytest.approx(100 * 2 / 9, abs=0.001),
        "d3": 100,
    }
    assert deals("slippage_rate", "company", "2026-02") == {"d1": 1}
    assert deals("crm_hygiene", "company", "2026-02") == {"d1": 1}
    assert deals("unpaid_won_amount", "company", "2026-02") == {"d3": 180}
    velocity = explain(workspace, "sales_velocity", "company", "2026-03")
    assert dict(velocity.parts) == {
        "open_deals": 4,
        "eligible_wins__90d": 1,
        "eligible_closes__90d": 2,
        "check_amount__90d": 40,
        "check_deals__90d": 1,
        "cycle_days_median__90d": 15,
    }


@pytest.mark.kpi("open_pipeline", cases=["late_file"])
def test_a_deal_whose_history_begins_after_the_runs_day_is_open_on_it(tmp_path):
    """As of 10 February: d1 was opened on 5 January, d2 nobody knows when; the first stages that
    are told of both are of March. d1 is open from January on, d2 on the run's day, d3 as told."""
    company = Company(tmp_path / "early")
    company.settings["as_of"] = "2026-02-10"
    company.entity("deals", "deal_id stage opened_at amount").source(won_date="history")
    company.file(
        "deals.csv",
        "deal_id,stage,opened_at,amount\nd1,won,2026-01-05,100\nd2,won,,20\nd3,open,2026-01-02,7\n",
    )
    company.entity("deal_stages", "deal_id stage entered_at")
    company.file(
        "deal_stages.csv",
        "deal_id,stage,entered_at\nd1,offer,2026-03-01 10:00:00\nd1,won,2026-03-09 10:00:00\n"
        "d2,won,2026-03-09 10:00:00\nd3,open,2026-01-02 10:00:00\n",
    )
    published = company.run()
    assert published.kpi("open_pipeline", JAN) == 100 + 7
    assert published.kpi("open_pipeline", FEB) == 100 + 20 + 7
    assert published.kpi("won_deals", FEB) == 0
    assert company.run(as_of=date(2026, 3, 10)).kpi("won_deals", MAR) == 2
