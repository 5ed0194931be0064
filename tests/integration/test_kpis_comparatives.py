"""What a period is compared with; figures by hand. As of Friday, 10 April 2026, no public holidays.

1 to 10 April 2026 has 8 working days. The 8th of March 2026 is the 11th (2-6, 9-11), the 8th of
April 2025 the 10th (1-4, 7-10).

| won | amount | who |
|---|---|---|
| 10 Apr 2025 | 5 | Ann |
| 11 Apr 2025 | 7 | Ann |
| 1 Mar 2026 | 4 | Ann |
| 10 Mar 2026 | 6 | Ann |
| 11 Mar 2026 | 1000 | Ann |
| 12 Mar 2026 | 5000 | Ann |
| 2 Apr 2026 | 20 | Ann |
| 7 Apr 2026 | 30 | Bob, hired on 1 April |
"""

from __future__ import annotations

import pytest

BASES = (
    "previous",
    "year_ago",
    "previous_to_date",
    "year_ago_to_date",
    "previous_to_date_working_day",
    "year_ago_to_date_working_day",
)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    from tests.conftest import Company

    company = Company(tmp_path_factory.mktemp("comparatives") / "ws")
    company.settings |= {"as_of": "2026-04-10", "country": None}
    company.entity("deals", "deal_id stage opened_at closed_at amount manager_id")
    company.file(
        "deals.csv",
        """\
deal_id,stage,opened_at,closed_at,amount,manager_id
d1,won,2025-04-08,2025-04-10,5,m1
d2,won,2025-04-08,2025-04-11,7,m1
d3,won,2026-02-27,2026-03-01,4,m1
d4,won,2026-03-06,2026-03-10,6,m1
d5,won,2026-03-01,2026-03-11,1000,m1
d6,won,2026-03-01,2026-03-12,5000,m1
d7,won,2026-03-01,2026-04-02,20,m1
d8,won,2026-04-01,2026-04-07,30,m2
""",
    )
    company.entity("managers", "manager_id manager_name hired_on")
    company.file(
        "managers.csv", "manager_id,manager_name,hired_on\nm1,Ann,2025-01-01\nm2,Bob,2026-04-01\n"
    )
    return company.run()


def told(published, kpi, start, *, grain="month", scope="company", who="all"):
    (row,) = published.rows(
        f"select value, {', '.join('value_' + base for base in BASES)} from marts.kpi_values "
        "where kpi_code = ? and period_grain = ? and period_start = cast(? as date) "
        "and scope_type = ? and (scope_id = ? or scope_name = ?)",
        [kpi, grain, start, scope, who, who],
    )
    return dict(zip(("value", *BASES), row, strict=True))


@pytest.mark.kpi("booked_revenue", "won_deals")
def test_an_unfinished_month_is_compared_with_as_many_days_and_as_many_working_days(published):
    assert told(published, "booked_revenue", "2026-04-01") == {
        "value": 50,
        "previous": 4 + 6 + 1000 + 5000,
        "year_ago": 5 + 7,
        "previous_to_date": 4 + 6,  # 1 to 10 March
        "year_ago_to_date": 5,  # 1 to 10 April 2025
        "previous_to_date_working_day": 4 + 6 + 1000,  # to the 11th, the 8th working day
        "year_ago_to_date_working_day": 5,
    }
    assert told(published, "won_deals", "2026-04-01")["previous_to_date_working_day"] == 3


@pytest.mark.kpi("average_check", "cycle_days_median")
def test_ratios_and_medians_to_date_come_from_the_parts_of_those_days(published):
    check = told(published, "average_check", "2026-04-01")
    assert check["previous_to_date"] == (4 + 6) / 2
    assert check["previous_to_date_working_day"] == (4 + 6 + 1000) / 3
    median = told(published, "cycle_days_median", "2026-04-01")
    assert median["previous_to_date"] == (2 + 4) / 2  # d3 in 2 days, d4 in 4
    assert median["previous_to_date_working_day"] == 4  # and d5 in 10


def test_a_week_is_compared_with_the_week_52_weeks_earlier(published):
    week = told(published, "booked_revenue", "2026-04-06", grain="week")
    # 6 to 10 April 2026 against 7 to 11 April 2025
    assert week == {
        "value": 30,
        "previous": 20,
        "year_ago": 12,
        "previous_to_date": 20,  # 30 March to 3 April
        "year_ago_to_date": 12,
        "previous_to_date_working_day": 20,
        "year_ago_to_date_working_day": 12,
    }


def test_quarters_and_years_are_fiscal_and_begin_with_the_history(published):
    quarter = told(published, "booked_revenue", "2026-04-01", grain="quarter")
    assert quarter["previous"] == 6010
    assert quarter["previous_to_date"] == 0  # 1 to 10 January: nothing was won, which is known
    assert quarter["year_ago"] == 12  # the history begins on 8 April 2025, in its first month


def test_a_year_of_which_the_first_months_are_missing_is_no_base(published):
    """2025 is known from 8 April on: 12 against the 6 060 of 2026 would be a growth of nothing."""
    year = told(published, "booked_revenue", "2026-01-01", grain="year")
    assert year["value"] == 6060
    assert [year[base] for base in BASES] == [None] * 6


def test_periods_that_are_over_and_days_have_no_pairs_to_date(published):
    march = told(published, "booked_revenue", "2026-03-01")
    assert march["previous"] == 0
    assert [march[base] for base in BASES[2:]] == [None] * 4
    day = told(published, "booked_revenue", "2026-04-07", grain="day")
    assert [day[base] for base in BASES] == [None] * 6


def test_a_base_before_the_history_is_unknown(published):
    first = told(published, "booked_revenue", "2025-04-01")
    assert first["previous"] is None
    assert told(published, "booked_revenue", "2026-03-01")["year_ago"] is None


def test_a_base_before_employment_is_unknown_and_one_without_events_is_zero(published):
    bob = told(published, "booked_revenue", "2026-04-01", scope="manager", who="Bob")
    assert bob["value"] == 30
    assert [bob[base] for base in BASES] == [None] * 6
    ann = told(published, "booked_revenue", "2026-03-01", scope="manager", who="Ann")
    assert ann["previous"] == 0


def test_changes_stand_beside_and_divide_only_by_what_is_positive(published):
    changes = published.rows(
        "select change_abs_previous_to_date, change_rel_previous_to_date, change_abs_year_ago, "
        "change_rel_year_ago from marts.kpi_values where kpi_code = 'booked_revenue' and "
        "period_grain = 'month' and period_start = '2026-04-01' and scope_type = 'company'"
    )
    assert changes == [(40, 4, 38, 38 / 12)]
    zero = published.rows(
        "select change_abs_previous, change_rel_previous from marts.kpi_values "
        "where kpi_code = 'booked_revenue' and period_grain = 'month' and "
        "period_start = '2026-03-01' and scope_type = 'company'"
    )
    assert zero == [(6010, None)]
