"""A folder of exports becomes a workspace whose open questions are marked TODO."""

from __future__ import annotations

import os
from datetime import date

import openpyxl
import pytest
import yaml

from dagster_project.errors import WorkspaceError
from dagster_project.ingest.systems import systems_of
from dagster_project.proposal import propose_workspace
from tests.conftest import run_all

HEAD = "Номер;Дата создания;Дата закрытия;Этап;Сумма;Ответственный\n"


def test_a_russian_export_runs_as_proposed(tmp_path):
    """By hand: one won deal of 1 234,50 in January; 13 and 25 in first place tell day first."""
    exports = tmp_path / "exports"
    exports.mkdir()
    content = (
        HEAD + "1;13.01.2026;25.01.2026;Успешно;1 234,50 руб.;Анна\n"
        "2;14.01.2026;26.01.2026;Отказ;99,00 руб.;Анна\n"
    )
    (exports / "Сделки.csv").write_bytes(content.encode("cp1251"))
    (exports / "read me.md").write_text("not a table")
    told = propose_workspace(exports, tmp_path / "made")
    assert told.sources == {"books": ["Сделки.csv"]}
    assert told.left_out == {"read me.md": "no table"}
    settings = yaml.safe_load((told.folder / "workspace.yml").read_text(encoding="utf-8"))
    deals = settings["sources"]["books"]["entities"]["deals"]
    assert (deals["date_order"], deals["decimal"]) == ("dmy", ",")
    assert (settings["reporting_currency"], settings["language"]) == ("RUB", "ru")
    assert {rule["stage"]: rule["outcome"] for rule in settings["stages"]} == {
        "Успешно": "won",
        "Отказ": "lost",
    }
    assert (exports / "Сделки.csv").exists()
    published = run_all(told.folder, as_of=date(2026, 3, 31))
    assert float(published.kpi("booked_revenue", "2026-01-01")) == 1234.5


def test_what_a_file_does_not_tell_is_asked_and_not_guessed(tmp_path):
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "Сделки.csv").write_text(HEAD + "1;01.02.2026;03.02.2026;Дожим;1,234;Анна\n")
    told = propose_workspace(exports, tmp_path / "made")
    text = (told.folder / "workspace.yml").read_text(encoding="utf-8")
    settings = yaml.safe_load(text)
    deals = settings["sources"]["books"]["entities"]["deals"]
    assert "date_order" not in deals and "decimal" not in deals
    assert "stages" not in settings
    for question in ("date_order", "decimal", "stage Дожим", "reporting_currency"):
        assert any("# TODO" in line and question in line for line in text.splitlines())


def test_a_known_system_needs_no_mapping(tmp_path):
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "x.csv").write_text(
        "Id,Name,StageName,Amount,CloseDate,CreatedDate,IsWon,IsClosed,OwnerId\n"
        "006000000000001,A,Closed Won,10,2026-01-20,2026-01-01,true,true,005000000000001\n"
    )
    told = propose_workspace(exports, tmp_path / "made")
    assert told.sources == {"salesforce": ["x.csv"]}
    settings = yaml.safe_load((told.folder / "workspace.yml").read_text(encoding="utf-8"))
    assert settings["sources"] == {"salesforce": {"system": "salesforce"}}


def test_a_folder_that_nobody_understands_is_refused_and_nothing_is_written(tmp_path):
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "a.csv").write_text("foo,bar\n1,2\n")
    (exports / os.fsdecode(b"\xcc.csv")).write_text("foo,bar\n1,2\n")
    with pytest.raises(WorkspaceError, match="not understood") as refused:
        propose_workspace(exports, tmp_path / "made")
    assert r"\xcc.csv: its name is no UTF-8: rename it" in str(refused.value)
    assert not (tmp_path / "made").exists()


def workbook(path, **sheets) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)


def test_tables_of_the_users_own_are_read_to_the_last_column_that_money_hangs_on(tmp_path):
    """Columns under this program's own names, and a book with a preamble and several sheets.

    By hand, February: deals 100 (the other 100 are deleted), the sheet of February 40 + 10, so
    150; of 12000 for 12 months 1000 a month; 100 paid less 40 refunded are 60.
    """
    exports = tmp_path / "exports"
    exports.mkdir()
    (exports / "deals.csv").write_text(
        "deal_id,stage,opened_at,closed_at,amount,manager_id,updated_at,is_deleted\n"
        "1,won,2026-02-01,2026-02-10,100,m1,2026-02-11,false\n"
        "2,won,2026-02-01,2026-02-10,100,m1,2026-02-11,true\n"
    )
    (exports / "subscriptions.csv").write_text(
        "subscription_id,customer_id,started_on,amount,billing_months\ns1,c1,2026-01-01,12000,12\n"
    )
    (exports / "payments.csv").write_text(
        "payment_id,paid_at,amount,kind\np1,2026-02-01,100,payment\np2,2026-02-02,40,refund\n"
    )
    head = HEAD.strip().split(";")
    days = [date(2026, 2, 1), date(2026, 2, 10)]
    february = [[n, *days, "Успешно", amount, "Анна"] for n, amount in ((1, 40), (2, 10))]
    sheets = {
        "Февраль": [["Отчёт по сделкам"], [], head, *february],
        "Март": [head, [3, *days, "Успешно", 7, "Анна"]],
        "Люди": [["Менеджер", "Отдел", "Уволен"], ["Анна", "Север", None]],
    }
    workbook(exports / "Книга.xlsx", **sheets)
    told = propose_workspace(exports, tmp_path / "made")
    assert told.sources == {
        "books": ["deals.csv", "payments.csv", "subscriptions.csv", "Книга.xlsx"],
        "books2": ["Книга.xlsx"],
    }
    assert list(told.left_out) == ["Книга.xlsx: Март"]
    settings = yaml.safe_load((told.folder / "workspace.yml").read_text(encoding="utf-8"))
    deals = settings["sources"]["books2"]["entities"]["deals"]
    assert (deals["sheet"], deals["skip_top"]) == ("Февраль", 2)
    published = run_all(told.folder, as_of=date(2026, 3, 31))
    february = {code: published.kpi(code, "2026-02-01") for code in ("mrr", "paid_revenue")}
    assert february == {"mrr": 1000, "paid_revenue": 60}
    assert published.kpi("booked_revenue", "2026-02-01") == 150
    assert published.one("select team_name from marts.dim_manager where manager_name = 'Анна'") == (
        "Север"
    )


def test_a_number_that_begins_anew_in_each_file_is_not_taken_for_a_deals_name(tmp_path):
    """Taken for one, the second file would replace the first: 2 of 4 deals would be left."""
    row = "{};13.02.2026;25.02.2026;Успешно;10;Анна\n"
    file = "№" + HEAD.removeprefix("Номер") + row.format(1) + row.format(2)
    folder = exports_of(tmp_path, январь__csv=file, февраль__csv=file.replace(";10;", ";20;"))
    told = propose_workspace(folder, tmp_path / "made")
    settings = told.folder / "workspace.yml"
    text = settings.read_text(encoding="utf-8")
    assert [q for q in told.questions if q.startswith('deals.deal_id: "№" counts from 1')]
    assert told.reading is None
    settings.write_text(text.replace('"deal_id": "TODO"', '"deal_id": "@row"'), encoding="utf-8")
    published = run_all(told.folder, as_of=date(2026, 3, 31))
    assert published.kpi("booked_revenue", "2026-02-01") == 60


def test_money_in_thousands_is_asked_about_and_a_currency_in_a_header_is_read(tmp_path):
    """Deals whose amount nobody reads have no revenue, which is not a revenue of 0."""
    deals = HEAD.replace("Сумма", "Сумма, тыс. руб.") + "1;13.02.2026;25.02.2026;Успешно;10;Анна\n"
    spend = "Дата;Канал;Расход (руб.)\n13.02.2026;site;5\n"
    told = propose_workspace(
        exports_of(tmp_path, сделки__csv=deals, реклама__csv=spend), tmp_path / "made"
    )
    text = (told.folder / "workspace.yml").read_text(encoding="utf-8")
    assert "reporting_currency: RUB\n" in text
    assert '# not read: ["Сумма, тыс. руб."]' in text
    assert any(q.startswith("deals.amount: no column") for q in told.questions)
    published = run_all(told.folder, as_of=date(2026, 3, 31))
    assert published.kpi("spend", "2026-02-01") == 5
    assert published.kpi("won_deals", "2026-02-01") == 1
    assert published.rows(
        "select is_available, unavailable_because from marts.dim_kpi "
        "where kpi_code = 'booked_revenue'"
    ) == [(False, "deals come without an amount")]


def test_a_dollar_of_another_country_is_not_taken_for_that_of_the_usa(tmp_path):
    content = "payment_id,paid_at,amount\np1,2026-01-01,C$5\n"
    told = propose_workspace(exports_of(tmp_path, payments__csv=content), tmp_path / "made")
    assert any(q.startswith("reporting_currency") for q in told.questions)


def test_what_one_amount_of_a_subscription_pays_for_is_asked(tmp_path):
    content = "subscription_id,customer_id,started_on,amount\ns1,c1,2026-01-01,12000\n"
    told = propose_workspace(exports_of(tmp_path, subs__csv=content), tmp_path / "made")
    assert any(q.startswith("subscriptions.billing_months: the months") for q in told.questions)


def exports_of(tmp_path, **files: str):
    folder = tmp_path / "exports"
    folder.mkdir()
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return folder


SYSTEMS = {
    "salesforce": (
        "Id,Name,StageName,Amount,CloseDate,CreatedDate,IsWon,IsClosed,OwnerId\n"
        "006000000000001,A,Closed Won,10,2026-01-20,2026-01-01,true,true,005000000000001\n"
    ),
    "hubspot": (
        "Record ID,Deal Name,Deal Stage,Amount,Close Date,Create Date,Pipeline,Deal owner\n"
        "1,A,Closed Won,10,2026-01-20 10:00,2026-01-02 10:00,Sales,Anna\n"
    ),
    "bitrix24": (
        "ID;Стадия сделки;Название сделки;Сумма;Валюта;Ответственный;Дата создания;Воронка\n"
        "1;Успех;A;10;RUB;Анна;13.01.2026 10:00:00;Общая\n"
    ),
    "stripe": (
        "id,amount,amount_refunded,currency,created,customer_id,status,paid,captured,invoice_id,"
        "balance_transaction_id\nch_1,1000,0,usd,2026-01-20 10:00:00,cus_1,succeeded,true,true,"
        "in_1,txn_1\n"
    ),
    "recurly": (
        "id,account_id,amount,currency,type,status,success,collected_at,created_at,invoice_id,"
        "original_transaction_id\nt1,a1,10,USD,purchase,success,true,2026-01-20 10:00:00,"
        "2026-01-20 10:00:00,i1,\n"
    ),
    "google_ads": (
        "customer_id,campaign_id,date,cost_micros,impressions,clicks,device\n"
        "1,2,2026-01-20,10000000,5,1,MOBILE\n"
    ),
    "meta_ads": (
        "date_start,date_stop,account_id,campaign_id,campaign_name,spend,impressions,clicks\n"
        "2026-01-20,2026-01-20,1,2,Camp,10.50,5,1\n"
    ),
}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_file_of_any_name_is_told_by_the_headers_that_only_its_system_spells(tmp_path, system):
    folder = exports_of(tmp_path, x__csv=SYSTEMS[system])
    assert systems_of({"x.csv": folder / "x.csv"}, {}) == {"x.csv": system}


def test_a_file_of_common_words_goes_to_the_one_system_of_its_folder_that_could_have_it(tmp_path):
    """`id, name, _fivetran_synced` says nothing alone; beside deals of HubSpot it is a label."""
    common = "id,name,_fivetran_synced\n1,Sales,2026-01-01\n"
    folder = exports_of(tmp_path, t__csv=common, d__csv=SYSTEMS["hubspot"])
    files = {name: folder / name for name in ("t.csv", "d.csv")}
    assert systems_of(files, {}) == {"t.csv": "hubspot", "d.csv": "hubspot"}
    assert systems_of({"t.csv": folder / "t.csv"}, {}) == {}


def test_a_name_of_another_brand_is_never_taken_for_a_systems_own(tmp_path):
    folder = exports_of(tmp_path, other_ads__csv=SYSTEMS["meta_ads"])
    files = {"other_ads.csv": folder / "other_ads.csv"}
    assert systems_of(files, {"other": ["other_ads"]}) == {}


def test_a_stage_of_a_system_without_an_outcome_is_asked_once_and_runs_when_answered(tmp_path):
    """Two tables with unmapped stages share one `stages:`; by hand: 10 won on 20 January."""
    deals = SYSTEMS["hubspot"] + "2,B,Дожим,99,2026-02-20 10:00,2026-01-02 10:00,Sales,Anna\n"
    own = HEAD + "7;13.01.2026;25.01.2026;Мой этап;50,00;Анна\n"
    told = propose_workspace(
        exports_of(tmp_path, deals__csv=deals, own__csv=own), tmp_path / "made"
    )
    settings = told.folder / "workspace.yml"
    lines = settings.read_text(encoding="utf-8").splitlines()
    assert sum("Дожим" in line for line in lines) == 1
    assert sum("Мой этап" in line for line in lines) == 1
    answers = [
        line.replace("# stages:", "stages:").replace("  # - {", "  - {") if "TODO" in line else line
        for line in lines
    ]
    settings.write_text("\n".join(answers), encoding="utf-8")
    published = run_all(told.folder, as_of=date(2026, 3, 31))
    assert published.kpi("won_deals", "2026-01-01") == 1
    assert published.kpi("won_deals", "2026-02-01") == 0


def test_rows_that_do_not_load_are_asked_about_with_the_reason(tmp_path):
    bad = SYSTEMS["hubspot"] + "2,B,,99,2026-02-20 10:00,2026-01-02 10:00,Sales,Anna\n"
    told = propose_workspace(exports_of(tmp_path, deals__csv=bad), tmp_path / "made")
    text = (told.folder / "workspace.yml").read_text(encoding="utf-8")
    asked = "1 of 2 rows of raw/hubspot/deals.csv do not load (stage missing_value)"
    assert any(asked in line and "# TODO" in line for line in text.splitlines())
    assert "# settings: {row_error_limit: 1.0}  # TODO" in text


def test_money_that_may_be_in_micros_is_asked_about_under_its_source(tmp_path):
    report = (
        "Date\tCampaignId\tCampaignName\tImpressions\tClicks\tCost\n"
        "2026-01-20\t1\tA\t10\t1\t10000000\n"
    )
    told = propose_workspace(exports_of(tmp_path, yandex_direct__tsv=report), tmp_path / "made")
    lines = (told.folder / "workspace.yml").read_text(encoding="utf-8").splitlines()
    at = lines.index("    system: yandex_direct")
    assert lines[at + 1].startswith("    # money_in_micros: true  # TODO")


def test_a_table_without_a_header_is_told_apart_from_one_not_understood(tmp_path):
    folder = exports_of(tmp_path, a__csv="1,2026-01-20,10.5\n2,2026-01-21,11\n")
    with pytest.raises(WorkspaceError, match="no header"):
        propose_workspace(folder, tmp_path / "made")
