"""The figures that others published for the Maven CRM training set (SOURCE.md beside its files)."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.real_input]


def test_revenue_of_the_year_and_its_quarters(maven):
    assert maven.kpi("booked_revenue", "2017-01-01", grain="year") == 10_005_534
    quarters = [
        maven.kpi("booked_revenue", f"2017-{month:02d}-01", grain="quarter")
        for month in (1, 4, 7, 10)
    ]
    assert quarters == [1_134_672, 3_086_111, 2_982_255, 2_802_496]


def test_win_rate_average_check_and_cycle(maven):
    year = {"period": "2017-01-01", "grain": "year"}
    assert round(maven.kpi("win_rate", **year), 4) == 0.6315
    assert round(maven.kpi("average_check", **year), 2) == 2360.91
    assert round(maven.kpi("cycle_days_mean", **year), 2) == 51.78
    assert maven.kpi("cycle_days_median", **year) == 57


def test_best_manager(maven):
    best = maven.rows(
        "select manager_name, booked_revenue, won_deals from marts.kpi_manager "
        "where period_grain = 'year' order by booked_revenue desc limit 1"
    )
    assert best == [("Darcel Schlecht", 1_153_214, 349)]


def test_aliased_product(maven):
    year = {"period": "2017-01-01", "grain": "year"}
    assert maven.kpi("booked_revenue", scope="product", who="GTX Pro", **year) == 3_510_578


def test_sellers_without_deals_have_zero_revenue_and_no_win_rate(maven):
    idle = maven.rows(
        "select manager_name, booked_revenue, win_rate from marts.kpi_manager "
        "where period_grain = 'year' and period_start = '2017-01-01' and won_deals = 0 order by 1"
    )
    assert [row[0] for row in idle] == [
        "Carl Lin",
        "Carol Thompson",
        "Elizabeth Anderson",
        "Mei-Mei Johns",
        "Natalya Ivanova",
    ]
    assert {(row[1], row[2]) for row in idle} == {(0, None)}


def test_what_the_files_lack_is_absent_with_a_reason(maven):
    reason = maven.one("select unavailable_because from marts.dim_kpi where kpi_code = 'new_leads'")
    assert reason == "no leads are delivered"
    assert maven.one("select count(*) from marts.kpi_values where kpi_code = 'new_leads'") == 0


def test_every_row_is_accounted_for(maven):
    rows = maven.rows(
        "select rows_seen, rows_loaded, amount_seen, amount_loaded from ops.reconciliation "
        "where entity = 'deals'"
    )
    assert [tuple(map(float, row)) for row in rows] == [(8800, 8800, 10_005_534, 10_005_534)]
