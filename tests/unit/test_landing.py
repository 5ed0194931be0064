"""Files as people make and break them: what each gets, and that no row is lost or doubled."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import zipfile
from datetime import datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.errors import SourceFileError
from dagster_project.ingest.readers import sheets_of, unread_sheets
from tests.unit.conftest import COLUMNS, HEADER, code_of

GOOD = HEADER + "d1,won,100.50,2026-01-31\nd2,lost,,2026-02-01\n"


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("utf8.csv", lambda t: t.encode()),
        ("bom.csv", lambda t: b"\xef\xbb\xbf" + t.encode()),
        ("utf16.csv", lambda t: t.encode("utf-16")),
        ("cp1251.csv", lambda t: t.encode("cp1251")),
        ("semicolon.csv", lambda t: t.replace(",", ";").encode()),
        ("tab.tsv", lambda t: t.replace(",", "\t").encode()),
        ("pipe.txt", lambda t: t.replace(",", "|").encode()),
        ("crlf.csv", lambda t: t.replace("\n", "\r\n").encode()),
        ("open_end.csv", lambda t: t.rstrip("\n").encode()),
        ("blank_lines.csv", lambda t: t.replace("d2", "\n\nd2").encode()),
        ("quoted.csv", lambda t: t.replace("won", '"won"').encode()),
    ],
)
def test_the_same_table_in_every_spelling(landing, name, encode):
    landed, rows, refused = landing(encode(GOOD), name)
    assert [(r["deal_id"], r["stage"], r["amount"], r["opened_at"]) for r in rows] == [
        ("d1", "won", "100.50", "2026-01-31"),
        ("d2", "lost", None, "2026-02-01"),
    ]
    assert not refused
    assert landed.amount_seen == "100.5000"
    assert landed.last_event_on == "2026-02-01"


def test_row_numbers_are_those_of_a_spreadsheet(landing):
    _, rows, _ = landing("Отчёт\n\n" + GOOD, skip_top=2)
    assert [r["_row"] for r in rows] == [4, 5]
    _, rows, _ = landing(GOOD.replace("d2", "\nd2"), "blank.csv")
    assert [r["_row"] for r in rows] == [2, 4]
    # three lines of text above the header, two rows of a spreadsheet: 3 is the header, 4 and 5 rows
    above = '"Отчёт\nза январь",Ромашка\nвсе сделки\n'
    for encoding in ("utf-8", "cp1251"):
        _, rows, _ = landing((above + GOOD).encode(encoding), f"{encoding}.csv", skip_top=3)
        assert [r["_row"] for r in rows] == [4, 5]
    # a quote that nobody closes above the header takes no line with it
    _, rows, _ = landing('Отчёт\n"Ромашка\n' + GOOD, "open.csv", skip_top=2)
    assert [r["_row"] for r in rows] == [4, 5]


def test_quoted_newlines_stay_inside_their_value(landing):
    landed, rows, _ = landing(HEADER + '"d\n1",won,1,2026-01-01\nd2,won,2,2026-01-02\n')
    assert [r["deal_id"] for r in rows] == ["d\n1", "d2"]
    assert [r["_row"] for r in rows] == [2, 3]  # one row of a spreadsheet, on two lines of text
    assert landed.reader == "fast"  # the line ends inside fields make up for the lines


def test_a_field_of_hundreds_of_lines_is_left_to_the_careful_reader(landing):
    lines = "\n".join(f"d{n},won,1,2026-01-01" for n in range(2, 400))
    text = HEADER + f'd0,won,1,2026-01-01\nd1,"won,1,2026-01-01\n{lines}\nd400,x",1,2026-01-01\n'
    landed, rows, refused = landing(text)
    assert landed.reader == "careful"
    # line 3 opens a quote that nobody closes within bounds; the last has a stray one in a cell
    assert [(r["_source_row"], r["reason_code"]) for r in refused] == [(3, "unclosed_quote")]
    assert [r["deal_id"] for r in rows] == ["d0", *(f"d{n}" for n in range(2, 401))]
    assert rows[-1]["stage"] == 'x"'


def test_empty_file(landing):
    assert code_of(landing, b"") == "empty_file"


def test_header_only_is_a_table_without_rows(landing):
    landed, rows, refused = landing(HEADER)
    assert (landed.rows_seen, rows, refused) == (0, [], [])


def test_missing_header_names_what_was_found(landing):
    with pytest.raises(SourceFileError) as caught:
        landing("Номер,Стадия,Сумма,Дата\nd1,won,1,2026-01-01\n")
    assert caught.value.reason_code == "missing_header"
    assert "`Стадия`" in caught.value.found
    assert "`Этап`" in caught.value.expected


def test_headers_match_after_trimming_and_folding_case(landing):
    _, rows, _ = landing(" номер , ЭТАП,Сумма,Дата\nd1,won,1,2026-01-01\n")
    assert rows[0]["stage"] == "won"


def test_the_same_mapped_header_twice(landing):
    text = "Номер,Этап,Сумма,Дата,Этап\nd1,won,1,2026-01-01,x\n"
    assert code_of(landing, text) == "duplicate_header"


def test_rows_with_too_few_or_too_many_fields_are_refused_alone(landing):
    text = HEADER + "d1,won,1,2026-01-01\nd2,won\nd3,won,1,2026-01-01,x\nd4,won,1,2026-01-01\n"
    _, rows, refused = landing(text)
    assert [r["deal_id"] for r in rows] == ["d1", "d4"]
    told = [(r["_source_row"], r["reason_code"]) for r in refused]
    assert told == [(3, "too_few_fields"), (4, "too_many_fields")]


@pytest.mark.parametrize("name", ["deals.dat", "deals.csv.20260501", "deals.CSV", "deals"])
def test_fields_are_counted_whatever_the_suffix_of_delimited_text(landing, name):
    text = HEADER + "d1,won,1,2026-05-01\nd2,won,2026-05-02\nd3,won,1,000,2026-05-03\n"
    _, rows, refused = landing(text, name)
    assert [(r["deal_id"], r["amount"]) for r in rows] == [("d1", "1")]
    told = [(r["_source_row"], r["reason_code"]) for r in refused]
    assert told == [(3, "too_few_fields"), (4, "too_many_fields")]


QUOTES_INSIDE = {  # a row of text -> the stage it tells
    'd1,5" pipe,1,2026-01-01\n': '5" pipe',
    'd2,a "b" c,1,2026-01-01\n': 'a "b" c',
    'd3,x",1,2026-01-01\n': 'x"',
    'd4","say ""5""\nnow",1,2026-01-01\n': 'say "5"\nnow',  # the first is a sign, the second opens
    'd5,"5"" pipe",1,2026-01-01\n': '5" pipe',
    'd6, "won" ,1,2026-01-01\n': "won",  # spaces around a quoted field are none of it
    'd7,"a, ""b"" ,c\nd" ,1, "2026-01-01"\n': 'a, "b" ,c\nd',
}


def test_a_quote_inside_a_field_is_a_sign_for_both_readers(landing):
    text = HEADER + "".join(QUOTES_INSIDE)
    fast, fast_rows, fast_refused = landing(text)
    careful, careful_rows, careful_refused = landing(text + "\n", "blank.csv")
    assert (fast.reader, careful.reader) == ("fast", "careful")
    told = [(row, stage) for row, stage in enumerate(QUOTES_INSIDE.values(), start=2)]
    assert [(r["_row"], r["stage"]) for r in careful_rows] == told
    told_fast = [{name: r[name] for name in careful_rows[0]} for r in fast_rows]
    assert (told_fast, fast_refused) == (careful_rows, careful_refused) == (careful_rows, [])


def test_a_row_of_spaces_is_blank_for_both_readers(landing):
    landed, rows, refused = landing(HEADER + "d1,won,1,2026-01-01\n , ,  ,\n")
    assert (landed.rows_seen, landed.rows_blank, refused) == (1, 1, [])
    assert [r["deal_id"] for r in rows] == ["d1"]


def test_a_quote_that_opens_a_field_and_is_never_closed_is_refused_beside_signs(landing):
    text = HEADER + 'd1,5" pipe,1,2026-01-01\nd2,"won,1,2026-01-01\nd3,6" pipe,1,2026-01-01\n'
    _, rows, refused = landing(text)
    assert [(r["deal_id"], r["stage"]) for r in rows] == [("d1", '5" pipe'), ("d3", '6" pipe')]
    assert [(r["_source_row"], r["reason_code"]) for r in refused] == [(3, "unclosed_quote")]


def test_unclosed_quotes_in_a_large_file_cost_their_own_rows_only(landing):
    rng = random.Random(1)
    lines = [f"d{n},won,{rng.randrange(1000)}.50,2026-01-{1 + n % 28:02d}" for n in range(60_000)]
    broken = (7, 20_000, 20_001, 45_000, 59_999)
    for n in broken:
        lines[n] = f'd{n},"won,5,2026-01-01'
    landed, rows, refused = landing(HEADER + "\n".join(lines) + "\n")
    assert landed.rows_seen == 60_000
    assert [r["_source_row"] for r in refused] == [n + 2 for n in broken]
    assert {r["reason_code"] for r in refused} == {"unclosed_quote"}
    assert len({r["deal_id"] for r in rows}) == 60_000 - len(broken)


def test_the_fast_reader_is_used_where_it_is_certain_and_agrees_with_the_careful_one(landing):
    text = HEADER + "".join(f'd{n},"a ""b"", c",{n}.25,2026-01-01\n' for n in range(1000))
    fast, fast_rows, _ = landing(text)
    careful, careful_rows, _ = landing(text, "again.csv", stop_at="^Итого")
    assert (fast.reader, careful.reader) == ("fast", "careful")
    assert fast_rows == careful_rows
    assert fast.amount_seen == careful.amount_seen


def test_binary_rubbish_named_csv(landing):
    assert code_of(landing, random.Random(2).randbytes(5000)) == "binary_file"


def test_truncated_workbook(landing):
    book = openpyxl.Workbook()
    book.active.append(list(COLUMNS.values()))
    buffer = io.BytesIO()
    book.save(buffer)
    half = buffer.getvalue()[: len(buffer.getvalue()) // 2]
    assert code_of(landing, half, "deals.xlsx") == "broken_workbook"


def test_encrypted_workbook(landing):
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096)
    assert code_of(landing, data, "deals.xlsx") == "encrypted_workbook"


def test_declared_encoding_that_is_wrong(landing):
    assert code_of(landing, GOOD.encode("cp1251"), encoding="utf-8") == "wrong_encoding"


LATIN_HEADER = "Number;Stage;Amount;Date\n"
LATIN = {"deal_id": "Number", "stage": "Stage", "amount": "Amount", "opened_at": "Date"}


@pytest.mark.parametrize(
    ("stages", "bytes_of"),
    [
        (["Успешно", "Отказ"], lambda t: t.encode("cp866")),
        (["УСПЕШНО", "ОТКАЗ"], lambda t: t.encode("cp866")),
        (["Größe", "Müller", "Präsentation", "über"], lambda t: t.encode("cp1252")),
        (["Успешно", "Отказ"], lambda t: t.encode() + b"d9;\xe9;1;2026-01-01\n"),
        (["Успешно", "Отказ"], lambda t: t.encode() + "d9;Отказ".encode()[:-1]),
    ],
)
def test_text_in_another_encoding_is_not_taken_for_cp1251(landing, stages, bytes_of):
    """Every byte is some sign of cp1251: names would be others and nothing would fail."""
    text = LATIN_HEADER + "".join(f"d{n};{s};1;2026-01-0{n}\n" for n, s in enumerate(stages * 3, 1))
    text = text.replace("12;2026-01-012", "1;2026-01-01")
    assert code_of(landing, bytes_of(text), columns=LATIN) == "wrong_encoding"


@pytest.mark.parametrize(
    "stage", ["Успешно", "«Ёлка» № 5 — 10 °C…", "Cпутник", "1\u00a0000 €", "Љубљана", "Їжак і єнот"]
)
def test_text_in_cp1251_stays_it(landing, stage):
    text = LATIN_HEADER + "".join(f"d{n};{stage};1;2026-01-31\n" for n in range(9))
    _, rows, _ = landing(text.encode("cp1251"), columns=LATIN)
    assert [r["stage"] for r in rows] == [stage] * 9


def test_a_separator_after_the_last_cell_is_no_cell_for_either_reader(landing):
    text = HEADER + "d1,won,1,2026-01-01,\nd2,won,2,2026-01-01,\nd3,won,3,2026-01-01\n"
    for reader, data in (("fast", text.encode()), ("careful", text.encode("utf-16"))):
        landed, rows, refused = landing(data, f"{reader}.csv")
        assert (landed.reader, [r["amount"] for r in rows], refused) == (
            reader,
            ["1", "2", "3"],
            [],
        )


def test_json_nested_beyond_reading_is_broken(landing):
    assert code_of(landing, "[" * 100_000 + "]" * 100_000, "deals.json") == "broken_json"
    told = '{"Номер": "d1", "Этап": "won", "Сумма": 1, "Дата": "2026-01-01"}\n'
    _, rows, refused = landing(told + "[" * 100_000 + "\n" + told, "deals.ndjson")
    assert [r["_row"] for r in rows] == [1, 3]
    assert [(r["_source_row"], r["reason_code"]) for r in refused] == [(2, "broken_json_line")]


def test_nul_byte_refuses_its_row_alone(landing):
    text = HEADER + "d1,won,1,2026-01-01\nd\x002,won,1,2026-01-01\nd3,won,1,2026-01-01\n"
    _, rows, refused = landing(text)
    assert [r["deal_id"] for r in rows] == ["d1", "d3"]
    assert [(r["_source_row"], r["reason_code"]) for r in refused] == [(3, "nul_byte")]


def test_a_cell_of_a_megabyte_refuses_its_row_alone(landing):
    text = HEADER + f"d1,won,1,2026-01-01\nd2,{'x' * (1 << 20)},1,2026-01-01\nd3,won,1,2026-01-01\n"
    _, rows, refused = landing(text)
    assert [r["deal_id"] for r in rows] == ["d1", "d3"]
    assert [r["reason_code"] for r in refused] == ["cell_too_large"]


def test_a_hundred_thousand_columns(landing):
    text = ",".join(f"c{n}" for n in range(100_000)) + "\n" + "," * 99_999 + "\n"
    assert code_of(landing, text) == "too_many_columns"


def test_a_workbook_with_dates_numbers_and_a_named_sheet(landing):

    book = openpyxl.Workbook()
    book.active.title = "Обложка"
    sheet = book.create_sheet("Сделки")
    sheet.append(list(COLUMNS.values()))
    sheet.append(["d1", "won", 1234.5, datetime(2026, 1, 31)])
    sheet.append([17, "won", 10, datetime(2026, 1, 31, 18, 5)])
    buffer = io.BytesIO()
    book.save(buffer)
    _, rows, _ = landing(buffer.getvalue(), "deals.xlsx", sheet="Сделки")
    assert [(r["_row"], r["deal_id"], r["amount"], r["opened_at"]) for r in rows] == [
        (2, "d1", "1234.5", "2026-01-31"),
        (3, "17", "10", "2026-01-31 18:05:00"),
    ]
    assert code_of(landing, buffer.getvalue(), "deals.xlsx", sheet="Нет") == "missing_sheet"


def workbook_of(*rows) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_errors_in_cells_of_a_workbook_are_their_text(landing):
    data = workbook_of(
        list(COLUMNS.values()),
        ["d1", "won", "#N/A", "2026-01-01"],
        ["d2", "won", None, "2026-01-01"],
        ["d3", "won", "#DIV/0!", "2026-01-01"],
    )
    _, rows, _ = landing(data, "deals.xlsx")
    assert [(r["_row"], r["amount"]) for r in rows] == [(2, "#N/A"), (3, None), (4, "#DIV/0!")]


def test_a_formula_that_nobody_computed_is_no_empty_cell(landing):
    """Row 3 has no money to read; in row 4 nobody asks for the cell; row 5 is computed: nothing."""
    data = workbook_of(
        [*COLUMNS.values(), "Заметка"],
        ["d1", "won", 100, "2026-01-01"],
        ["d2", "won", "=50+50", "2026-01-01"],
        ["d3", "won", 300, "2026-01-01", "=C4*2"],
        ["d4", "won", "=computed", "2026-01-01"],
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(buffer, "w") as saved:
        for name in book.namelist():
            part = book.read(name)
            if name.endswith("sheet1.xml"):
                computed = rb'<c r="C5" t="str"><f>""</f><v></v></c>'
                part, count = re.subn(rb'<c r="C5".*?</c>', computed, part)
                assert count == 1
            saved.writestr(name, part)
    landed, rows, refused = landing(buffer.getvalue(), "deals.xlsx")
    assert [(r["_row"], r["amount"]) for r in rows] == [(2, "100"), (4, "300"), (5, None)]
    assert [(r["_source_row"], r["reason_code"]) for r in refused] == [(3, "formula_not_computed")]
    assert "column 3" in refused[0]["reason"]
    assert landed.amount_seen == "400.0000"


def test_errors_in_cells_without_places_are_counted_from_the_start_of_their_row(landing):
    data = workbook_of(list(COLUMNS.values()), ["d1", "won", "#REF!", "2026-01-01"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(buffer, "w") as bare:
        for name in book.namelist():
            part = book.read(name)
            if name.endswith("sheet1.xml"):
                part = re.sub(rb'<(c|row) r="[A-Z0-9]+"', rb"<\1", part)
            bare.writestr(name, part)
    _, rows, _ = landing(buffer.getvalue(), "deals.xlsx")
    assert [(r["deal_id"], r["amount"]) for r in rows] == [("d1", "#REF!")]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_read_only_where_it_is_named_or_no_other_holds_anything(
    landing, tmp_path, state
):
    """Last year's copy lies hidden before the sheet that people see."""
    book = openpyxl.Workbook()
    for sheet, deal in ((book.active, "old"), (book.create_sheet("Сделки"), "d1")):
        sheet.append(list(COLUMNS.values()))
        sheet.append([deal, "won", 1, "2026-01-01"])
    book.active.title, book.active.sheet_state = "Архив", state
    book.save(tmp_path / "made.xlsx")
    data = (tmp_path / "made.xlsx").read_bytes()
    assert [r["deal_id"] for r in landing(data, "a.xlsx")[1]] == ["d1"]
    assert [r["deal_id"] for r in landing(data, "b.xlsx", sheet="Архив")[1]] == ["old"]
    assert sheets_of(tmp_path / "made.xlsx", "made.xlsx") == {"Архив": False, "Сделки": True}
    assert unread_sheets(tmp_path / "made.xlsx", {None}, "made.xlsx") == []
    book["Сделки"].delete_rows(1, 2)
    book.save(tmp_path / "alone.xlsx")
    rows = landing((tmp_path / "alone.xlsx").read_bytes(), "c.xlsx")[1]
    assert [r["deal_id"] for r in rows] == ["old"]


def test_a_row_of_formulas_alone_that_nobody_computed_is_not_lost(landing):
    """The reader of workbooks leaves row 4 out, since openpyxl writes formulas without values."""
    data = workbook_of(
        ["Номер", "Этап", "Дата", "Сумма"],
        ["d1", "won", "2026-01-01", "=1+1"],
        ["d2", "won", "2026-01-01", 5],
        ['="d"&3', '="won"', '="2026-01-01"', "=A1"],
    )
    landed, rows, refused = landing(data, "deals.xlsx")
    assert [(r["deal_id"], r["amount"], r["_row"]) for r in rows] == [("d2", "5", 3)]
    assert [(r["_source_row"], r["reason_code"]) for r in refused] == [
        (2, "formula_not_computed"),
        (4, "formula_not_computed"),
    ]
    assert landed.rows_seen == 3


def test_ids_of_sixteen_digits_are_whole_numbers_in_every_format(landing, tmp_path):
    """1234567890123456 < 2^53 = 9007199254740992, so that a float holds it exactly."""
    _, rows, _ = landing(
        workbook_of(list(COLUMNS.values()), [1234567890123456, "won", 1, "2026-01-01"]), "a.xlsx"
    )
    assert [r["deal_id"] for r in rows] == ["1234567890123456"]
    cells = [[1234567890123456.0, None], ["won", "won"], [1, 2], ["2026-01-01"] * 2]
    pq.write_table(pa.table(dict(zip(COLUMNS.values(), cells, strict=True))), tmp_path / "made")
    _, rows, _ = landing((tmp_path / "made").read_bytes(), "b.parquet")
    assert [r["deal_id"] for r in rows] == ["1234567890123456", None]


def test_a_whole_number_with_a_point_is_the_same_id_in_json_as_in_parquet(landing):
    """pandas writes 5.0 for a column of whole numbers with a gap in it."""
    texts = ["5.0", "-0.5", "1.50", "100.0"]
    lines = [f'{{"Номер": {n}, "Этап": "won", "Сумма": {n}, "Дата": null}}' for n in texts]
    landed, rows, _ = landing("\n".join(lines), "a.ndjson")
    assert [r["deal_id"] for r in rows] == ["5", "-0.5", "1.50", "100"]
    assert landed.amount_seen == "106.0000"
    _, rows, _ = landing(f"[{','.join(lines)}]", "a.json")
    assert [r["deal_id"] for r in rows] == ["5", "-0.5", "1.50", "100"]


def test_text_of_parquet_that_is_not_marked_as_such_and_times_beyond_the_calendar(
    landing, tmp_path
):
    """Impala and old Spark mark no text: `b'd1'` would be another deal than d1 of a CSV."""
    cells = [
        pa.array([b"d1", b"\xff\x00"]),
        pa.array([b"won", b"lost"]),
        [1, 2],
        pa.array([1_767_225_600_000_000, 10**18], pa.timestamp("us")),
    ]
    pq.write_table(pa.table(dict(zip(COLUMNS.values(), cells, strict=True))), tmp_path / "made")
    _, rows, _ = landing((tmp_path / "made").read_bytes(), "b.parquet")
    assert [(r["deal_id"], r["stage"], r["opened_at"]) for r in rows] == [
        ("d1", "won", "2026-01-01"),
        ("0xff00", "lost", f"{10**18} as timestamp[us]"),
    ]


def test_fractions_of_a_second_in_a_workbook_stay(landing):

    times = [datetime(2026, 1, 31, 18, 5, 7, 900_000), datetime(2026, 1, 31, 18, 5, 7)]
    data = workbook_of(list(COLUMNS.values()), *(["d", "won", 1, time] for time in times))
    _, rows, _ = landing(data, "deals.xlsx")
    assert [r["opened_at"] for r in rows] == ["2026-01-31 18:05:07.900000", "2026-01-31 18:05:07"]


@pytest.mark.parametrize(
    ("name", "dump"),
    [
        ("list.json", json.dumps),
        ("wrapped.json", lambda rows: json.dumps({"total": 2, "result": rows})),
        ("lines.ndjson", lambda rows: "\n".join(json.dumps(row) for row in rows) + "\n"),
    ],
)
def test_json_in_its_shapes(landing, name, dump):
    rows = [
        dict(zip(COLUMNS.values(), ("d1", "won", 10.1, "2026-01-01"), strict=True)),
        {"Номер": "d2"},
    ]
    landed, found, _ = landing(dump(rows), name)
    assert [(r["deal_id"], r["amount"], r["_row"]) for r in found] == [
        ("d1", "10.1", 1),
        ("d2", None, 2),
    ]
    assert landed.amount_seen == "10.1000"


def test_a_broken_line_of_ndjson_is_refused_alone(landing):
    good = json.dumps(dict.fromkeys(COLUMNS.values(), "1"))
    _, rows, refused = landing(f"{good}\n{{broken\n{good}\n", "deals.ndjson")
    assert len(rows) == 2
    assert [(r["_source_row"], r["reason_code"]) for r in refused] == [(2, "broken_json_line")]


DEEP, LONG = "[" * 100_000 + "]" * 100_000, "1" * 5_000


@pytest.mark.parametrize(
    ("stage", "code"),
    [
        (DEEP, "broken_json_line"),
        (LONG, "broken_json_line"),
        ('"\\ud83d"', "half_sign"),
        ('"\\u0000"', "nul_byte"),
    ],
)
def test_what_no_text_can_hold_costs_its_row_of_ndjson_alone(landing, stage, code):
    """Three lines, the second none: the first and third are loaded."""
    line = '{"Номер": "d%s", "Этап": %s, "Сумма": 1, "Дата": "2026-01-01", "\\ud83d": 2}'
    text = "\n".join([line % (1, '"won"'), line % (2, stage), line % (3, '"won"')])
    landed, rows, refused = landing(text, "deals.ndjson")
    assert [r["deal_id"] for r in rows] == ["d1", "d3"]
    assert [(r["_source_row"], r["reason_code"]) for r in refused] == [(2, code)]
    assert landed.amount_seen == "2.0000"


@pytest.mark.parametrize("value", [DEEP, LONG])
def test_a_document_that_no_parser_takes_is_refused_as_broken(landing, value):
    assert code_of(landing, f'[{{"Номер": {value}}}]', "deals.json") == "broken_json"


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_lines_of_ndjson_end_with_line_feeds_only(landing, ending):
    stages = ["a\u2028b", "a\u0085b", "a\u2029b"]
    lines = [
        json.dumps({"Номер": "d", "Этап": s, "Сумма": 1, "Дата": "2026-01-01"}, ensure_ascii=False)
        for s in stages
    ]
    _, rows, refused = landing(ending.join(lines) + ending, "deals.ndjson")
    assert [(r["_row"], r["stage"]) for r in rows] == list(enumerate(stages, start=1))
    assert not refused


@pytest.mark.parametrize("text", ["[]", " [ ]\n", '{"total": 0, "result": []}'])
def test_an_empty_list_is_a_table_without_rows_as_a_header_alone_is(landing, text):
    landed, rows, refused = landing(text, "deals.json")
    assert (landed.rows_seen, landed.rows_blank, rows, refused) == (0, 0, [], [])
    by_header, _, _ = landing(HEADER)
    assert landed.columns == by_header.columns


@pytest.mark.parametrize(("name", "text"), [("a.json", "[{}]"), ("b.json", "\n"), ("c.json", "{}")])
def test_json_without_any_key_is_no_table(landing, name, text):
    assert code_of(landing, text, name) == "no_header"


def test_times_in_parquet_keep_fractions_and_zone(landing, tmp_path):
    from datetime import UTC

    midnight = datetime(2026, 5, 1, tzinfo=UTC)
    times = {
        pa.timestamp("us"): (
            [datetime(2026, 5, 1, 10, 0, 0, 900_000)],
            "2026-05-01 10:00:00.900000",
        ),
        pa.timestamp("ms"): ([datetime(2026, 5, 1)], "2026-05-01"),
        pa.timestamp("us", "UTC"): ([midnight], "2026-05-01 00:00:00+00:00"),
        pa.timestamp("us", "Europe/Moscow"): ([midnight], "2026-05-01 03:00:00+03:00"),
        pa.timestamp("ns"): (pa.array([1_777_593_600_000_000_100]), "2026-05-01"),
    }
    for number, (kind, (values, text)) in enumerate(times.items()):
        column = values.cast(kind) if isinstance(values, pa.Array) else pa.array(values, kind)
        table = pa.table({"Номер": ["d1"], "Этап": ["won"], "Сумма": [1.5], "Дата": column})
        pq.write_table(table, tmp_path / "origin.parquet")
        data = (tmp_path / "origin.parquet").read_bytes()
        _, rows, _ = landing(data, f"deals{number}.pq")  # this suffix too has a header
        assert [r["opened_at"] for r in rows] == [text]


def test_parquet(landing, tmp_path):
    table = pa.table({"Номер": ["d1"], "Этап": ["won"], "Сумма": [1.5], "Дата": ["2026-01-01"]})
    pq.write_table(table, tmp_path / "origin.parquet")
    _, rows, _ = landing((tmp_path / "origin.parquet").read_bytes(), "deals.parquet")
    assert (rows[0]["deal_id"], rows[0]["amount"]) == ("d1", "1.5")
    assert code_of(landing, b"PAR1 rubbish", "bad.parquet") == "broken_parquet"


def test_totals_and_the_end_of_a_table(landing):
    text = HEADER + "d1,won,1,2026-01-01\nИтого,,1,\nd2,won,2,2026-01-02\n"
    dropped, rows, _ = landing(text, drop="^Итого")
    assert (len(rows), dropped.rows_total_lines) == (2, 1)
    stopped, rows, _ = landing(text, "stop.csv", stop_at="^Итого")
    assert (len(rows), stopped.rows_total_lines) == (1, 1)


def test_unpivot_makes_a_row_per_period(landing):
    landed, rows, _ = landing(
        "Канал,2026-01-01,2026-02-01\nЯндекс,100,200\n",
        "spend.csv",
        entity="spend",
        columns={"source": "Канал"},
        unpivot={"columns": r"^\d{4}-", "name_to": "spent_on", "value_to": "amount"},
    )
    assert [(r["spent_on"], r["amount"], r["_row"]) for r in rows] == [
        ("2026-01-01", "100", 2),
        ("2026-02-01", "200", 2),
    ]
    assert landed.amount_seen == "300.0000"


def test_rows_without_an_id_of_their_own_stay_separate(landing):
    text = "Создан\n2026-01-01\n2026-01-01\n2026-01-02\n"
    mapping = {"entity": "leads", "columns": {"lead_id": "@row", "created_at": "Создан"}}
    _, rows, _ = landing(text, **mapping)
    assert len({r["lead_id"] for r in rows}) == 3
    _, again, _ = landing("Создан\n2026-01-02\n2026-01-01\n2026-01-01\n", "b.csv", **mapping)
    assert {r["lead_id"] for r in rows} == {r["lead_id"] for r in again}


def test_a_file_that_grows_while_it_is_read(landing, tmp_path, monkeypatch):
    from dagster_project.ingest import landing as module

    plain = module._Work.describe

    def grow(self, landed):
        with (tmp_path / "deals.csv").open("ab") as handle:
            handle.write(b"d9,won,1,2026-01-01\n")
        plain(self, landed)

    monkeypatch.setattr(module._Work, "describe", grow)
    assert code_of(landing, GOOD) == "still_being_written"


def test_paths_with_brackets_and_quotes(landing):
    _, rows, _ = landing(GOOD, "deals [1] o'clock*.csv")
    assert len(rows) == 2


def test_an_archive_is_no_workbook(landing):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("deals.csv", GOOD)
    assert code_of(landing, buffer.getvalue(), "deals.xlsx") == "broken_workbook"


def test_every_row_of_random_tables_survives(landing):
    """Cells with quotes, newlines, delimiters and blanks: what csv wrote is what is landed."""
    rng = random.Random(3)
    alphabet = ["a", "я", '"', "\n", ",", ";", " ", "'", "\r\n", "0"]
    for attempt in range(30):
        table = [
            ["d" + "".join(rng.choices(alphabet, k=rng.randrange(6))) + "x" for _ in range(4)]
            for _ in range(rng.randrange(1, 30))
        ]
        buffer = io.StringIO(newline="")
        csv.writer(buffer).writerows([list(COLUMNS.values()), *table])
        _, rows, refused = landing(
            buffer.getvalue(), f"t{attempt}.csv", date_order="dmy", decimal="."
        )
        assert not refused
        found = [[r["deal_id"], r["stage"], r["amount"], r["opened_at"]] for r in rows]
        assert found == table
