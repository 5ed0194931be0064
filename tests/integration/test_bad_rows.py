"""Rows that people get wrong: what stays, what goes, and where it is told."""

from __future__ import annotations

from datetime import date

import pytest

from dagster_project.errors import GateFailed

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
d10,won,2026-01-05,2026-01-21,999999999999999.99,RUB,more than money holds,m1,
d11,won,2026-01-05,2026-01-21 22:30:00 UTC,20,RUB,a zone,m1,
d12,won,2026-01-05 22:30:00 MSK,2026-01-22,30,RUB,a zone that nobody knows,m1,
d13,won,0026-01-05,2026-01-22,40,RUB,a year that nobody means,m1,
d14,won,2026-02-05,2026-02-23,"$1,000.00",RUB,dollars in a row of roubles,m1,
d15,won,2026-02-05,2026-02-23,1 000 руб.,RUB,roubles,m1,
d16,won,2026-02-05,2026-02-23,60 usd,RUB,dollars by their code,m1,
d17,won,2026-02-05,2026-02-23,50 ₽,,roubles where no currency stands,m1,
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
    assert tuple(told) == (20, 15, 5)
    amounts = published.rows(
        "select amount_seen, amount_loaded, amount_quarantined from ops.reconciliation "
        "where entity = 'deals'"
    )
    # 7O0 is no money, nor is what no column of money holds
    whole = 100 + 200 + 300 + 400 + 500 + 600 + 800 + 850 + 5 + 10 - 50 + 20 + 30 + 40
    whole += 1000 + 1000 + 60 + 50
    assert [float(x) for x in amounts[0]] == [whole, whole - 1065, 1065]


def test_money_of_another_currency_than_its_rows_is_left_out(published):
    """One thousand dollars are no thousand roubles; a rouble sign in a row of roubles is one."""
    assert listed(published, "other_currency") == [(18, "amount", True), (20, "amount", True)]
    assert published.rows(
        "select deal_id, amount from marts.fct_deals where won_on = '2026-02-23' order by 1"
    ) == [("crm:d15", 1000), ("crm:d17", 50)]


def test_a_value_that_is_no_number_takes_its_row_out_where_money_hangs_on_it(published):
    assert listed(published, "not_a_number") == [
        (8, "amount", True),
        (14, "amount", True),
    ]


def test_a_row_without_its_key_is_out(published):
    assert listed(published, "missing_value") == [(11, "deal_id", True)]


def test_a_day_that_does_not_exist_becomes_unknown_and_the_row_stays(published):
    assert (7, "opened_at", False) in listed(published, "not_a_time")
    assert published.rows(
        "select opened_on, amount from marts.fct_deals where deal_id = 'crm:d5'"
    ) == [(None, 600)]


def test_a_zone_counts_or_makes_the_time_unknown_and_so_does_a_year_that_nobody_means(published):
    found = published.rows(
        "select deal_id, opened_on, won_on from marts.fct_deals "
        "where deal_id in ('crm:d11', 'crm:d12', 'crm:d13') order by 1"
    )
    assert found == [
        ("crm:d11", date(2026, 1, 5), date(2026, 1, 22)),  # 22:30 UTC is 01:30 in Moscow
        ("crm:d12", None, date(2026, 1, 22)),
        ("crm:d13", None, date(2026, 1, 22)),
    ]
    assert listed(published, "not_a_time")[1:] == [
        (16, "opened_at", False),
        (17, "opened_at", False),
    ]


def test_a_year_of_two_digits_is_of_this_century(company):
    company.entity("deals", "deal_id stage opened_at closed_at amount manager_name")
    company.file(
        "deals.csv",
        "deal_id;stage;opened_at;closed_at;amount;manager_name\n"
        "1;won;01.01.26;20.01.26;100;A\n2;won;13.01.26;21.01.26 10:30;200;A\n",
    )
    published = company.run()
    found = published.rows("select opened_on, won_on, amount from marts.fct_deals order by 3")
    assert found == [
        (date(2026, 1, 1), date(2026, 1, 20), 100),
        (date(2026, 1, 13), date(2026, 1, 21), 200),
    ]
    assert published.kpi("booked_revenue", "2026-01-01") == 300


def test_a_total_line_that_differs_is_listed_under_the_entity_of_its_file(company):
    company.entity("deals", "deal_id stage opened_at closed_at amount", drop="^Total")
    company.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount\nd1,won,2026-01-05,2026-01-15,100\n"
        "Total,,,,900\n",
    )
    told = company.run().rows(
        "select entity, value from ops.quarantine where reason_code = 'total_line_differs'"
    )
    assert told == [("deals", "900.0000")]


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
    revenue = 100 + 200 + 300 + 400 + 600 + 850 - 50 + 20 + 30 + 40
    assert published.kpi("booked_revenue", "2026-01-01") == revenue
    assert published.kpi("average_check", "2026-01-01") == (revenue + 50) / 9
    assert listed(published, "negative_amount") == [(13, "amount", False)]


def test_a_formula_in_a_name_is_text(published):
    name = published.one("select deal_name from marts.fct_deals where deal_id = 'crm:d1'")
    assert name == '=HYPERLINK("x")'


def test_any_figure_goes_back_to_file_and_line(published):
    from dagster_project.explain import explain

    told = explain(published.session.workspace, "booked_revenue", "manager=Ann", "2026-01")
    lines = {(f["_source_file"], f["_source_row"]) for f in told.facts}
    assert lines == {("raw/crm/deals.csv", row) for row in (2, 3, 4, 5, 7, 10, 13, 15, 16, 17)}
    assert float(told.sums["booked_revenue"]) == told.cell["value"]


def parquet_of(**columns) -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def typed_files(tmp_path_factory):
    """Files with types of their own, in New York: times of Parquet, errors in cells of XLSX."""
    import io
    from datetime import UTC, datetime

    import openpyxl
    import pyarrow as pa

    from tests.conftest import Company

    company = Company(tmp_path_factory.mktemp("typed") / "ws")
    company.settings |= {
        "timezone": "America/New_York",
        "as_of": "2026-05-31",
        "settings": {"row_error_limit": 0.5},
    }
    names = "deal_id stage opened_at closed_at amount currency"
    company.entity("deals", f"{names} updated_at", source="crm")
    company.file(
        "deals.parquet",
        parquet_of(
            deal_id=["d1", "d1", "d2"],
            stage=["open", "won", "won"],
            opened_at=pa.array([datetime(2026, 4, 1)] * 3, pa.timestamp("us")),
            closed_at=pa.array([datetime(2026, 5, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
            amount=["100", "100", "200"],
            currency=["RUB"] * 3,
            updated_at=pa.array(
                [
                    datetime(2026, 5, 2, 9, 30, 15, 900_000),
                    datetime(2026, 5, 2, 9, 30, 15, 100_000),
                    datetime(2026, 5, 2),
                ],
                pa.timestamp("us"),
            ),
        ),
    )
    book = openpyxl.Workbook()
    book.active.append(names.split())
    for deal, amount in (("x1", "#N/A"), ("x2", 10), ("x3", "#DIV/0!"), ("x4", None)):
        book.active.append([deal, "won", "2026-05-01", "2026-05-02", amount, "RUB"])
    buffer = io.BytesIO()
    book.save(buffer)
    company.entity("deals", names, source="desk")
    company.file("deals.xlsx", buffer.getvalue(), source="desk")
    company.entity("leads", "lead_id created_at", source="crm")
    company.file("leads.csv", "lead_id,created_at\n", source="crm")
    company.entity("leads", "lead_id created_at", source="desk")
    company.file("leads.json", "[]", source="desk")
    return company.run()


def test_of_two_edits_within_a_second_the_later_one_counts(typed_files):
    assert typed_files.one("select outcome from marts.fct_deals where deal_id = 'crm:d1'") == "open"


def test_a_time_of_parquet_with_a_zone_is_an_instant_and_without_one_at_midnight_a_day(
    typed_files,
):
    # midnight in UTC is 20:00 of the day before in New York
    told = typed_files.rows(
        "select cast(opened_on as varchar), cast(won_on as varchar) from marts.fct_deals "
        "where deal_id = 'crm:d2'"
    )
    assert told == [("2026-04-01", "2026-04-30")]


def test_an_error_in_a_cell_of_money_takes_its_row_out_and_an_empty_cell_does_not(typed_files):
    told = typed_files.rows(
        "select _source_row, column_name, value, is_row_rejected from ops.quarantine "
        "where reason_code = 'not_a_number' order by 1"
    )
    assert told == [(2, "amount", "#N/A", True), (4, "amount", "#DIV/0!", True)]
    kept = typed_files.rows(
        "select deal_id, amount from marts.fct_deals where deal_id like 'desk:%' order by 1"
    )
    assert kept == [("desk:x2", 10), ("desk:x4", None)]


def test_an_empty_list_of_records_is_taken_as_a_header_alone_is(typed_files):
    told = typed_files.rows(
        "select file_name, status, reason_code, rows_seen, rows_landed from ops.files "
        "where entity = 'leads' order by 1"
    )
    assert [told[0][1:], told[1][1:]] == [("loaded", None, 0, 0)] * 2
    assert [row[0].rsplit(".")[-1] for row in told] == ["csv", "json"]


def deals_in_dollars(company):
    """d1, 100 USD, is won on 5 February and open again on 25 March; d2, 10 USD, is won on the 25th.
    Deals are delivered with a history of stages."""
    columns = "deal_id stage opened_at amount currency"
    company.entity("deals", columns).source(won_date="history")
    company.file(
        "deals.csv", f"{columns.replace(' ', ',')}\nd1,open,2026-02-01,100,USD\n"
        "d2,won,2026-02-01,10,USD\n",
    )  # fmt: skip
    company.entity("deal_stages", "deal_id stage entered_at")
    company.file(
        "deal_stages.csv",
        "deal_id,stage,entered_at\nd1,won,2026-02-05\nd1,open,2026-03-25\nd2,won,2026-03-25\n",
    )
    return company.entity("fx_rates", "rate_on currency rate")


@pytest.mark.parametrize("rate", ["0", "-90"])
def test_a_rate_of_nothing_or_less_is_no_rate_and_is_listed(company, rate):
    """The run says that 5 February has no rate. With one of the day before, that one counts:
    100 x 80. The reversal is at the rate of its win, d2 at that of its own day."""
    deals_in_dollars(company)
    rates = f"rate_on,currency,rate\n2026-02-05,USD,{rate}\n2026-03-25,USD,90\n"
    company.file("fx_rates.csv", rates)
    with pytest.raises(GateFailed, match=r"currency=USD, first_day=2026-02-05"):
        company.run()
    company.file("fx_rates.csv", rates + "2026-02-04,USD,80\n")
    published = company.run()
    assert published.kpi("booked_revenue", "2026-02-01") == 100 * 80
    assert published.kpi("booked_revenue", "2026-03-01") == 10 * 90 - 100 * 80
    assert published.rows(
        "select _source_row, column_name, is_row_rejected from ops.quarantine "
        "where entity = 'fx_rates' and reason_code = 'not_a_rate'"
    ) == [(2, "rate", False)]


def test_a_win_taken_back_needs_the_rate_of_its_day_as_any_other(company):
    """Nothing tells what a dollar was on 5 February: the win has no amount, and the run says so."""
    deals_in_dollars(company)
    company.file("fx_rates.csv", "rate_on,currency,rate\n2026-03-25,USD,90\n")
    with pytest.raises(GateFailed, match=r"currency=USD, first_day=2026-02-05, row_count=1"):
        company.run()


def test_a_rate_is_of_the_currency_that_its_alias_names(company):
    deals_in_dollars(company)
    company.settings["aliases"] = {"currency": {"доллар США": "USD"}}
    company.file(
        "fx_rates.csv",
        "rate_on,currency,rate\n2026-02-05,доллар США,80\n2026-03-25,Доллар США,90\n",
    )
    published = company.run()
    assert published.kpi("booked_revenue", "2026-02-01") == 100 * 80
    assert published.kpi("booked_revenue", "2026-03-01") == 10 * 90 - 100 * 80
