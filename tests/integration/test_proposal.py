"""A folder of exports becomes a workspace whose open questions are marked TODO."""

from __future__ import annotations

import os
from datetime import date

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
