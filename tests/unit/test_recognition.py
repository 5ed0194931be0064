"""Which table a file is taken for, by what it holds; and how its rows are then read.

The contract here is made up for the test: deals with a preamble and totals, tasks, and notes that
look alike.
"""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime

import openpyxl
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from dagster_project.configuration import SourceConfig, Tuning
from dagster_project.errors import SourceFileError, WorkspaceError
from dagster_project.ingest.contracts import CONTRACTS, Contract, Table, col, tight
from dagster_project.ingest.deliveries import _instant_in
from dagster_project.ingest.discovery import Claim, fingerprint
from dagster_project.ingest.landing import land, landing_key
from dagster_project.ingest.readers import unread_sheets
from dagster_project.ingest.recognition import Recognised, check_overlays, matches, recognise

PAGES = ("result", "result.items", "result.result.*", "result.result.*.items")
DEAL = Table(
    name="deal",
    feeds=("deals",),
    columns={
        "id": col("key", "Deal ID", "Номер сделки"),
        "stage": col("text", "STAGE_ID", "Стадия"),
        "amount": col("money", r"~^Сумма \((?P<currency>[A-Z]{3})\)$", "Amount", "Сумма"),
        "currency": col("text", "CURRENCY_ID"),
        "created": col("instant", "DATE_CREATE", "Дата создания"),
        "utm_source": col("text", "Источник.2"),
    },
    recognised_by=("id stage",),
    key="id",
    amount="amount",
    event_on="created",
    records=PAGES,
    flatten=True,
    custom_fields="fields",
    header_within=4,
    drop=r"^(Итого|Total:)",
    drop_any=r"^Total$",
)
STATUS = Table(
    name="status",
    feeds=("stages",),
    columns={
        "code": col("text"),
        "label": col("text"),
        "funnel": col("text", "parent.name"),
        "group": col("text", "parent.key"),
    },
    recognised_by=("code label",),
    records=("pipelines.statuses", "groups.*"),
)
NOTES = [
    Table(
        name=name,
        columns={"id": col("key"), "text": col("text"), "when": col("instant")},
        recognised_by=("id text",),
        key="id",
        file_names=(name,),
    )
    for name in ("note", "remark")
]
CONTRACT = Contract(
    system="test",
    tables=tuple(dataclasses.replace(t, system="test") for t in (DEAL, STATUS, *NOTES)),
)


def source(**entities) -> SourceConfig:
    return SourceConfig(system="salesforce", entities=entities)


@pytest.fixture
def told(tmp_path):
    """Return a function: content -> what it is recognised as."""

    def run(data, name="x.csv", settings=None, contract=CONTRACT) -> Recognised | None:
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return recognise(path, name, settings or source(), contract, name)

    return run


@pytest.fixture
def landed(told, tmp_path):
    """Return a function: content -> (what was landed of it, rows)."""
    import duckdb

    def run(data, name="x.csv", settings=None, contract=CONTRACT):
        found = told(data, name, settings, contract)
        path = tmp_path / name
        status = path.stat()
        stamp = (status.st_size, status.st_mtime_ns)
        claim = Claim("crm", found.table, found.reading, {}, path, name, fingerprint(path), stamp)
        key = landing_key(claim, claim.content.sha256, Tuning())
        with duckdb.connect() as connection:
            done = land(claim, key, Tuning(), tmp_path / "landing", connection)
        return done, pq.read_table(tmp_path / "landing" / f"{key}.parquet").to_pylist()

    return run


def code_of(told, *args, **kwargs) -> SourceFileError:
    with pytest.raises(SourceFileError) as caught:
        told(*args, **kwargs)
    assert caught.value.found
    assert caught.value.remedy
    return caught.value


def test_spellings_differ_in_signs_and_case_only():
    assert tight("StageName") == tight("stage_name") == tight(" Stage  Name ") == "stagename"
    assert tight("Owner.Name") == tight("Owner: Name")
    assert tight("Источник.2") == "источник.2"
    assert tight("Сумма (руб.)") != tight("Сумма")


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("a.csv", lambda t: t.encode()),
        ("b.csv", lambda t: t.replace(",", ";").encode("cp1251")),
        ("c.tsv", lambda t: t.replace(",", "\t").encode("utf-16")),
        ("d.csv", lambda t: b"\xef\xbb\xbf" + t.replace(",", "|").encode()),
    ],
)
def test_a_header_in_any_language_encoding_and_delimiter(landed, name, encode):
    done, rows = landed(encode("Номер сделки,СТАДИЯ,Сумма\n7,won,1.5\n"), name)
    assert (rows[0]["id"], rows[0]["stage"], rows[0]["amount"]) == ("7", "won", "1.5")
    assert done.amount_seen == "1.5000"


def test_a_preamble_above_the_header_and_totals_among_the_rows(landed):
    text = "Отчёт\nПериод\n\nDeal ID,Stage_ID,Amount\n{}7,won,5\n"
    done, rows = landed(text.format("Итого,,5\n") + ",Total,5\nTotal: all,,5\n")
    assert [(r["id"], r["_row"]) for r in rows] == [("7", 6)]
    assert (done.rows_seen, done.rows_total_lines, done.amount_seen) == (1, 3, "5.0000")
    assert done.reader == "careful"


@pytest.mark.parametrize("line", ["\u00a0Итого,x,5", "\t,Total,5", "\u202f,Total,5"])
def test_a_total_line_with_spaces_of_any_kind_is_none_of_the_rows(landed, line):
    done, rows = landed(f"Deal ID,Stage_ID,Amount\n7,won,5\n{line}\n")
    assert [r["id"] for r in rows] == ["7"]
    assert (done.rows_seen, done.rows_total_lines, done.amount_seen) == (1, 1, "5.0000")


def test_a_french_report_puts_a_space_that_does_not_break_before_its_colons(landed):
    """12.34 and 1 020.50 are spent: 1 032.84, which two lines below say again."""
    text = (
        'Rapport sur les campagnes\n"1 mars 2026 - 2 mars 2026"\n'
        "Jour;Campagne;Code de la devise;Coût;Impr.\n"
        "2026-03-01;Toits;EUR;12,34;7\n2026-03-02;Toits;EUR;1\u202f020,50;88\n"
        "Total\u00a0: compte; --;EUR;1\u202f032,84;95\n"
        "Total\u00a0: campagnes; --;EUR;1\u202f032,84;95\n"
    )
    done, rows = landed(text, contract=CONTRACTS["google_ads"])
    assert [r["day_of"] for r in rows] == ["2026-03-01", "2026-03-02"]
    assert (done.rows_total_lines, done.amount_seen) == (2, "1032.8400")


def test_the_fast_reader_reads_a_file_of_a_system_without_totals(landed):
    done, rows = landed("Отчёт\nDeal ID,Stage_ID,Amount,More\n7,Total,5,x\n8,lost,,y\n")
    assert done.reader == "fast"
    assert [(r["id"], r["stage"]) for r in rows] == [("7", "Total"), ("8", "lost")]
    assert (done.columns_delivered, done.columns_unread) == (4, ["More"])
    assert done.row_offset == 3


def test_a_workbook_with_its_header_on_the_third_row(landed, tmp_path):
    book = openpyxl.Workbook()
    for cells in (["Отчёт"], [], ["Deal ID", "Стадия", "Сумма"], [7, "won", 5]):
        book.active.append(cells)
    book.save(tmp_path / "made.xlsx")
    _, rows = landed((tmp_path / "made.xlsx").read_bytes(), "x.xlsx")
    assert [(r["id"], r["amount"], r["_row"]) for r in rows] == [("7", "5", 4)]


def test_a_named_group_in_a_pattern_fills_a_column(landed):
    _, rows = landed("Deal ID,Stage_ID,Сумма (EUR)\n7,won,5\n")
    assert (rows[0]["amount"], rows[0]["currency"]) == ("5", "EUR")


def test_the_second_column_of_a_header(landed):
    _, rows = landed("Deal ID,Stage_ID,Источник,Источник\n7,won,Web,yandex\n")
    assert rows[0]["utm_source"] == "yandex"


DEALS = [{"id": str(n), "STAGE_ID": "won", "amount": n, "X": {"Y": "z"}} for n in range(3)]


@pytest.mark.parametrize(
    "document",
    [
        {"result": DEALS, "total": 3},
        {"result": {"items": DEALS}},
        {"result": {"result": {"cmd1": DEALS[:2], "cmd2": DEALS[2:]}, "result_error": []}},
        {"result": {"result": {"a": {"items": DEALS[:1]}, "b": {"items": DEALS[1:]}}}},
        [{"result": {"items": DEALS[:1]}}, {"result": {"result": {"c": {"items": DEALS[1:]}}}}],
        [{"result": DEALS[:1], "next": 1}, {"result": {"result": {"c": DEALS[1:]}}}],
        DEALS,
    ],
    ids=["page", "items", "batch", "batch of items", "page and batch", "pages mixed", "list"],
)
def test_records_in_every_envelope(landed, document):
    done, rows = landed(json.dumps(document), "x.json")
    assert [r["id"] for r in rows] == ["0", "1", "2"]
    assert done.rows_refused == 0
    assert "X.Y" in done.columns_unread


def test_a_record_of_nothing_but_objects_is_one(landed):
    """A row of Google Ads: 36.15 and 1.00 in millionths, on two pages of one stream."""

    def told(day: str, micros: str) -> dict:
        segments, metrics = {"date": day, "device": "MOBILE"}, {"costMicros": micros}
        return {"campaign": {"id": "7"}, "segments": segments, "metrics": metrics}

    pages = [
        {"results": [told("2026-03-01", "36150000")]},
        {"results": [told("2026-03-02", "1000000")]},
    ]
    for document in (pages, {"results": [page["results"][0] for page in pages]}):
        done, rows = landed(json.dumps(document), "x.json", contract=CONTRACTS["google_ads"])
        assert [(r["campaign_id"], r["date"]) for r in rows] == [
            ("7", "2026-03-01"),
            ("7", "2026-03-02"),
        ]
        assert (done.amount_seen, done.columns_unread) == ("37.1500", [])


def test_records_one_a_line(landed):
    _, rows = landed("\n".join(json.dumps(deal) for deal in DEALS), "x.ndjson")
    assert [r["id"] for r in rows] == ["0", "1", "2"]


def test_nested_records_know_what_they_stand_in(landed):
    inside = {"pipelines": [{"name": "A", "statuses": [{"code": "1", "label": "x"}]}]}
    _, rows = landed(json.dumps(inside), "a.json")
    assert (rows[0]["code"], rows[0]["funnel"]) == ("1", "A")
    keyed = {"groups": {"4": [{"code": "1", "label": "x"}], "8": [{"code": "2", "label": "y"}]}}
    _, rows = landed(json.dumps(keyed), "b.json")
    assert [(r["code"], r["group"]) for r in rows] == [("1", "4"), ("2", "8")]


def test_custom_fields_go_by_id_code_or_name(landed):
    field = {
        "field_id": 11,
        "field_code": "SRC",
        "field_name": "Откуда",
        "values": [{"value": "w"}],
    }
    deal = {"id": 1, "stage": "won", "fields": [field], "other": 5}
    for header in ("field:11", "field:src", "Откуда"):
        settings = source(deals={"columns": {"source": header, "partner_id": "other"}})
        _, rows = landed(json.dumps([deal]), "x.json", settings)
        assert (rows[0]["own_source"], rows[0]["own_partner_id"]) == ("w", "5")


def test_a_page_without_records_is_empty_and_an_error_of_the_api_is_not(told):
    assert told(json.dumps({"result": [], "total": 0}), "x.json") is None
    assert told(json.dumps({"result": {"result": {"a": []}, "result_error": []}}), "x.json") is None
    assert told(b"", "x.json") is None
    assert code_of(told, b"", "x.csv").reason_code == "empty_file"
    error = json.dumps({"error": "QUERY_LIMIT_EXCEEDED", "error_description": "x"})
    assert code_of(told, error, "x.json").reason_code == "unrecognised_file"


def test_a_table_that_nobody_knows_is_refused_with_the_line_that_settles_it(told):
    error = code_of(told, "a,b\n1,2\n", "odd.csv")
    assert error.reason_code == "unrecognised_file"
    assert "`a`, `b`" in error.found
    assert "odd.csv" in error.remedy
    assert "entities:" in error.remedy
    assert "ignore:" in error.remedy


def test_a_name_decides_only_between_equals(told):
    text = "id,text\n1,x\n"
    assert code_of(told, text).reason_code == "ambiguous_file"
    assert told(text, "my remarks.csv").table.name == "remark"
    assert told("deal id,stage_id\n1,x\n", "remarks.csv").table.name == "deal"
    pinned = source(note={"files": "remarks.csv"})
    assert told(text, "remarks.csv", pinned).table.name == "note"


def test_records_without_an_id_are_refused_unless_their_row_may_be_it(tmp_path):
    table = dataclasses.replace(CONTRACT.tables[0], recognised_by=("stage amount",))
    contract = dataclasses.replace(CONTRACT, tables=(table,))
    path = tmp_path / "x.csv"
    path.write_text("Stage_ID,Amount\nwon,1\nwon,1\n", encoding="utf-8")
    error = code_of(recognise, path, "x.csv", source(), contract, "x.csv")
    assert error.reason_code == "missing_key"
    by_row = source(deals={"columns": {"id": "@row"}})
    found = recognise(path, "x.csv", by_row, contract, "x.csv")
    assert found.reading.columns["id"] == "@row"


@pytest.mark.parametrize(
    ("pattern", "day"),
    [(r"(\d{4}-\d\d-\d\d)", datetime(2026, 3, 1)), ("(x)?deals", None), (r"(\d*)deals", None)],
)
def test_a_pattern_whose_group_takes_no_part_tells_no_instant(pattern, day):
    config = SourceConfig(system="salesforce", observed_at=pattern)
    assert _instant_in(config.observed_at, "raw/crm/2026-03-01/deals.csv") == day
    with pytest.raises(ValidationError, match="exactly one group"):
        SourceConfig(system="salesforce", observed_at=f"{pattern}()")


def test_what_is_laid_over_a_contract_must_be_there():
    with pytest.raises(WorkspaceError, match="payments"):
        check_overlays("crm", source(payments={"files": "x"}), CONTRACT, "workspace.yml")
    with pytest.raises(WorkspaceError, match="colour"):
        check_overlays("crm", source(deals={"columns": {"colour": "x"}}), CONTRACT, "workspace.yml")
    check_overlays("crm", source(deals={"columns": {"loss_reason": "x"}}), CONTRACT, "w")


def test_a_system_without_a_contract_is_no_system():
    with pytest.raises(ValueError, match="is none of"):
        SourceConfig(system="sap")


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=list(CONTRACTS))
def test_contracts_are_whole(contract):
    """Names that a contract uses are columns it has."""
    for table in contract.tables:
        named = {table.key, *(table.amount or "").split(), table.event_on, table.updated_at}
        named |= {c for s in (table.drop_without or "", *table.dated_by) for c in s.split()}
        named |= {c for s in (table.utc_by or "", *table.recognised_by) for c in s.split()}
        assert named - {None} <= set(table.columns), table.name
        assert contract.system == "files" or table.recognised_by, table.name
        assert all(n.islower() and n.isidentifier() for n in table.columns), table.name


@pytest.mark.parametrize(
    ("within", "pattern", "is_match"),
    [
        ("Deals_1.csv", "deals*.csv", True),
        ("2026/deals_1.csv", "deals*.csv", True),
        ("deals_1.csv", "**/deals*.csv", True),
        ("2026/03/deals_1.csv", "**/deals*.csv", True),
        ("my_deals_1.csv", "**/deals*.csv", False),
        ("2026/deals_1.csv", "2026/**/deals*.csv", True),
        ("2025/deals_1.csv", "2026/**/deals*.csv", False),
    ],
)
def test_a_pattern_of_any_folders_takes_files_of_none_too(within, pattern, is_match):
    assert matches(within, pattern) is is_match


def test_filled_sheets_that_no_mapping_names_are_told(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Deal ID", "Stage"])
    book.create_sheet("Blank")
    for name in ("March", "Notes"):
        book.create_sheet(name).append(["a", "b"])
    path = tmp_path / "deals.xlsx"
    book.save(path)
    assert unread_sheets(path, {None}, "deals.xlsx") == ["March", "Notes"]
    assert unread_sheets(path, {1, "March"}, "deals.xlsx") == ["Notes"]
    assert unread_sheets(path, {3, 4}, "deals.xlsx") == ["Sheet"]
    text = tmp_path / "deals.csv"
    text.write_text("Deal ID\n1\n")
    assert unread_sheets(text, {None}, "deals.csv") == []
