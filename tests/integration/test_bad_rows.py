"""Rows that people get wrong: what stays, what goes, and where it is told."""

from __future__ import annotations

import pytest

ROWS = """\
deal_id,stage,opened_at,closed_at,amount,currency,deal_name,manager_id,updated_at
d1,won,2026-01-05,2026-01-15,100,RUB,=HYPERLINK("x"),m1,
 d2 ,won,2026-01-05,2026-01-16,200,RUB,spaces,m1,
D2,won,2026-01-05,2026-01-16,300,RUB,case,m1,
d3,won,2026-01-20,2026-01-10,400,RUB,won before opened,m1,
d4,won,2026-01-05,2026-12-31,500,RUB,close in the future,m1,
d5,won,2026-02-31,2026-01-17,600,RUB,no such day,m1,
d6,won,2026-01-05,2026-01-18,7O0,RUB,letter O in the amount,m1,
d7,won,2026-01-05,2026-01-19,800,RUB,first,m1,
d7,won,2026-01-05,2026-01-19,850,RUB,last,m1,
,won,2026-01-05,2026-01-19,5,RUB,no id,m1,
d8,lost,2026-01-05,2026-01-19,10,RUB,unknown seller,m99,
d9,won,2026-01-05,2026-01-20,-50,RUB,a credit,m1,
"""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    from tests.conftest import Company

    company = Company(tmp_path_factory.mktemp("rows") / "ws")
    company.settings["settings"] = {"row_error_limit": 0.5}
    company.entity("deals", ROWS.splitlines()[0].replace(",", " "))
    company.file("deals.csv", ROWS.replace('=HYPERLINK("x")', '"=HYPERLINK(""x"")"'))
    company.entity("managers", "manager_id manager_name")
    company.file("managers.csv", "manager_id,manager_name\nm1,Ann\n")
    return company.run()


def listed(published, reason):
    return published.rows(
        "select _source_row, column_name, is_row_rejected from ops.quarantine "
        "where reason_code = ? order by 1",
        [reason],
    )


def test_every_row_is_in_exactly_one_place(published):
    told = published.one(
        "select (rows_seen, rows_loaded, rows_quarantined) from ops.reconciliation "
        "where entity = 'deals'"
    )
    assert tuple(told) == (12, 10, 2)
    amounts = published.rows(
        "select amount_seen, amount_loaded, amount_quarantined from ops.reconciliation "
        "where entity = 'deals'"
    )
    whole = 100 + 200 + 300 + 400 + 500 + 600 + 800 + 850 + 5 + 10 - 50  # 7O0 is no money
    assert [float(x) for x in amounts[0]] == [whole, whole - 5, 5]


def test_a_value_that_is_no_number_takes_its_row_out_where_money_hangs_on_it(published):
    assert listed(published, "not_a_number") == [(8, "amount", True)]


def test_a_row_without_its_key_is_out(published):
    assert listed(published, "missing_value") == [(11, "deal_id", True)]


def test_a_day_that_does_not_exist_becomes_unknown_and_the_row_stays(published):
    assert listed(published, "not_a_time") == [(7, "opened_at", False)]
    assert published.rows(
        "select opened_on, amount from marts.fct_deals where deal_id = 'crm:d5'"
    ) == [(None, 600)]


def test_ids_are_trimmed_and_never_folded(published):
    found = published.rows(
        "select deal_id, amount from marts.fct_deals where lower(deal_id) = 'crm:d2' order by 1"
    )
    assert found == [("crm:D2", 300), ("crm:d2", 200)]


def test_of_a_key_twice_in_a_file_the_last_row_counts_and_the_first_is_listed(
    published,
):
    assert published.one("select amount from marts.fct_deals where deal_id = 'crm:d7'") == 850
    assert listed(published, "repeated_in_file") == [(9, "deal_id", False)]


def test_a_deal_won_before_it_was_opened_keeps_its_money_without_a_cycle(published):
    assert published.rows(
        "select amount, cycle_days from marts.fct_deals where deal_id = 'crm:d3'"
    ) == [(400, None)]
    assert listed(published, "won_before_opened") == [(5, "cycle_days", False)]


def test_a_close_in_the_future_has_not_happened(published):
    outcome = published.one("select outcome from marts.fct_deals where deal_id = 'crm:d4'")
    assert outcome == "open"
    assert listed(published, "close_in_future") == [(6, "closed_at", False)]


@pytest.mark.kpi("lost_deals")
def test_an_unknown_seller_has_a_row_of_his_own_and_is_listed(published):
    assert published.kpi("lost_deals", "2026-01-01", scope="manager", who="crm:m99") == 1
    assert listed(published, "unknown_manager") == [(12, "manager_id", False)]


@pytest.mark.kpi("booked_revenue", "average_check")
def test_a_credit_counts_in_sums_and_not_in_the_average_check(published):
    revenue = 100 + 200 + 300 + 400 + 600 + 850 - 50
    assert published.kpi("booked_revenue", "2026-01-01") == revenue
    assert published.kpi("average_check", "2026-01-01") == (revenue + 50) / 6
    assert listed(published, "negative_amount") == [(13, "amount", False)]


def test_a_formula_in_a_name_is_text(published):
    name = published.one("select deal_name from marts.fct_deals where deal_id = 'crm:d1'")
    assert name == '=HYPERLINK("x")'


def test_any_figure_goes_back_to_file_and_line(published):
    from dagster_project.explain import explain

    told = explain(published.session.workspace, "booked_revenue", "manager=Ann", "2026-01")
    lines = {(f["_source_file"], f["_source_row"]) for f in told.facts}
    assert lines == {("raw/crm/deals.csv", row) for row in (2, 3, 4, 5, 7, 10, 13)}
    assert float(told.sums["booked_revenue"]) == told.cell["value"]
