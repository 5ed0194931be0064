"""Delivered files of any supported format -> records with the row number a person sees.

What belongs here: bytes to cells. What does not: which cell means what (landing), types (staging).

Every reader yields ``Record`` or ``Refused`` in file order; a refused row keeps its number, so rows
in = records + refused always holds.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.configuration import Tuning
from dagster_project.errors import SourceFileError
from dagster_project.ingest.contracts.shape import fold
from dagster_project.ingest.html_tables import html_rows, is_html
from dagster_project.ingest.reading import Reading
from dagster_project.ingest.workbook_errors import Uncomputed, error_cells

_DOING = "reading a delivered file"
JSON_SUFFIXES = {".json", ".ndjson", ".jsonl"}
WORKBOOKS = {".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"}
PARQUET = {".parquet", ".pq"}
JOINED_LINES_LIMIT = 200
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Record:
    """One row: its number in the file as a person counts, and its cells as text."""

    row: int
    cells: list[str | None]


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that cannot be told apart into cells, with the reason."""

    row: int
    reason_code: str
    reason: str
    value: str


def refuse(reason_code: str, found: str, expected: str, where: str, remedy: str) -> SourceFileError:
    """Return the error for a file that cannot be read at all."""
    return SourceFileError(
        _DOING,
        reason_code=reason_code,
        found=found,
        expected=expected,
        where=where,
        remedy=remedy,
    )


def as_text(value: str) -> str:
    r"""Return what can be written to a file: half a sign (``\ud83d`` of JSON) is spelled out."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()


def encoding_of(path: Path, declared: str | None, where: str) -> str:
    """Return the codec of a text file, or refuse a file that is no text.

    UTF-8 and UTF-16 by their marks, else UTF-8 where the whole file decodes, else cp1251.
    """
    with path.open("rb") as handle:
        head = handle.read(65536)
    if declared:
        codec = declared
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = "utf-16"
    elif len(re.findall(rb"[\x00-\x08\x0e-\x1f]", head)) > max(2, len(head) // 200):
        raise refuse(
            "binary_file",
            "bytes that are no text",
            "a text file (CSV, TSV, JSON)",
            where,
            "export the table anew as CSV or XLSX and deliver it under its right extension",
        )
    else:
        codec = "utf-8-sig"
    for attempt in [codec] if declared or codec == "utf-16" else [codec, "cp1251"]:
        try:
            with path.open(encoding=attempt) as handle:
                while handle.read(1 << 20):
                    pass
        except (UnicodeError, LookupError) as error:
            failure = error
            continue
        if attempt == "cp1251" and not declared:
            _refuse_other_than_cp1251(path, failure, where)
        return attempt
    raise refuse(
        "wrong_encoding",
        f"bytes that are not {codec}: {failure}",
        "text in one encoding: UTF-8, UTF-16 or cp1251",
        where,
        "save the file as UTF-8, or declare `encoding:` for this entity in workspace.yml",
    )


_UTF8_SIGN = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}")
_LETTER = re.compile(rb"[\xc0-\xff]")
_WITHIN_LATIN = re.compile(rb"(?<=[A-Za-z])[\xc0-\xff]+(?=[A-Za-z])")
_RARE_IN_CP1251 = re.compile(
    rb"[\x80\x81\x83\x86\x87\x89-\x8f\x90\x98-\x9f\xa3-\xa7\xa9\xaa\xac-\xaf]"
)
_FEW = 3


def _refuse_other_than_cp1251(path: Path, failure: Exception, where: str) -> None:
    """Refuse a text that is no UTF-8 and whose bytes make no words in cp1251: any byte is a sign.

    Most of a damaged UTF-8 text is whole; cp866 has letters where cp1251 has signs; Western texts
    have single ones of these letters inside words of Latin ones.
    """
    whole, letters, rare, within = 0, 0, 0, 0
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            whole += len(_UTF8_SIGN.findall(chunk))
            letters += len(_LETTER.findall(chunk))
            rare += len(_RARE_IN_CP1251.findall(chunk))
            within += sum(map(len, _WITHIN_LATIN.findall(chunk)))
    if 2 * whole > letters + _FEW:
        likely, found = "utf-8", f"UTF-8 with damaged bytes: {failure}"
    elif rare > _FEW and 2 * rare > letters:
        likely, found = "cp866", "letters that make no words in cp1251, probably cp866 (MS-DOS)"
    elif within > _FEW and 2 * within > letters:
        likely, found = "cp1252", "letters that make no words in cp1251, probably cp1252 (Western)"
    else:
        return
    raise refuse(
        "wrong_encoding",
        found,
        "text in one encoding: UTF-8, UTF-16 or cp1251",
        where,
        "deliver the file again, undamaged"
        if likely == "utf-8"
        else f"save the file as UTF-8, or declare `encoding: {likely}` for this entity in "
        "workspace.yml",
    )


def header_line(path: Path, reading: Reading, encoding: str) -> str:
    """Return the physical line on which the header begins, without its end."""
    with path.open(encoding=encoding, newline="") as handle:
        for _ in range(reading.skip_top):
            handle.readline(1 << 22)
        return handle.readline(1 << 24).rstrip("\r\n")


def _rows_above(path: Path, reading: Reading, tuning: Tuning, encoding: str, delimiter: str) -> int:
    """Return how many rows of a spreadsheet the ``skip_top`` lines of text above a header are.

    A quoted cell of several lines is one row there, unless its quote is closed only further down.
    """
    with path.open(encoding=encoding, newline="") as handle:
        lines = [handle.readline(1 << 22) for _ in range(reading.skip_top)]
    lines = [with_doubled_quotes(line, reading.escape) for line in lines if line]
    rows = 0
    while lines:
        rows += 1
        rest, joined = iter(lines[1:]), [lines[0]]
        cells = _row_of(joined, lambda rest=rest: next(rest, None), tuning, delimiter)
        del lines[: 1 if cells is None else len(joined)]
    return rows


def delimiter_of(line: str, reading: Reading) -> str:
    """Return the declared delimiter, else the one that shows most of the mapped headers."""
    if reading.delimiter:
        return {"tab": "\t", "\\t": "\t"}.get(reading.delimiter, reading.delimiter)
    wanted = {fold(str(h)) for h in reading.columns.values() if isinstance(h, str)}

    def score(delimiter: str) -> tuple[int, int]:
        try:
            cells = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            return (-1, 0)
        return (len(wanted & {fold(cell) for cell in cells}), len(cells))

    return max(_DELIMITERS, key=score)


def csv_records(
    path: Path, reading: Reading, tuning: Tuning, encoding: str, delimiter: str
) -> Iterator[Record | Refused]:
    """Read delimited text below ``skip_top`` so that an unclosed quote costs its own line only.

    A quote opens a field at its beginning only; elsewhere it is a sign like others. A line whose
    last field stays open is joined with the lines after it up to a bound; where that gives no row
    of the header's width, the first line alone is refused and reading resumes on the next.
    """
    csv.field_size_limit(1 << 30)
    width: int | None = None
    row = _rows_above(path, reading, tuning, encoding, delimiter)
    with path.open(encoding=encoding, newline="") as handle:
        lines = (with_doubled_quotes(line, reading.escape) for line in handle)
        for _ in range(reading.skip_top):
            next(lines, None)
        waiting: list[str] = []

        def following() -> str | None:
            return waiting.pop(0) if waiting else next(lines, None)

        while (line := following()) is not None:
            row += 1
            joined = [line]
            cells = _row_of(joined, following, tuning, delimiter)
            if len(joined) > 1 and (cells is None or (width and len(cells) != width)):
                waiting[:0] = joined[1:]
                yield Refused(
                    row, "unclosed_quote", "a quote that is never closed on this row", line.strip()
                )
                continue
            if cells is None:
                reason = "a quote that is never closed, or text after a closing quote"
                yield Refused(row, "unclosed_quote", reason, line.strip())
                continue
            cells = cells or [line.strip()]
            if width is None and any(cell.strip() for cell in cells):
                width = len(cells)
            yield Record(row, [cell or None for cell in cells])


def _row_of(
    joined: list[str], following: Callable[[], str | None] | None, tuning: Tuning, delimiter: str
) -> list[str] | None:
    """Return the cells of the row that begins with the one line ``joined``; None where it is none.

    Lines that its open quote takes from ``following``, within bounds, are added to ``joined``.
    """

    def taken() -> Iterator[str]:
        yield _without_padding(joined[0], delimiter)
        size = len(joined[0])
        while following and len(joined) <= JOINED_LINES_LIMIT and size <= 2 * tuning.max_cell_bytes:
            line = following()
            if line is None:
                return
            joined.append(line)
            size += len(line)
            yield _without_padding(f'"{line}', delimiter)[1:]  # the quote that is open

    lines = taken() if '"' in joined[0] else joined
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _without_padding(line: str, delimiter: str) -> str:
    """Return a line without the spaces around its quoted fields, as the fast reader takes it."""
    if ' "' not in line and '" ' not in line:
        return line
    sign = re.escape(delimiter)
    return re.sub(rf'(^|{sign}) *("(?:[^"]|"")*+"?) *(?={sign}|[\r\n]*$)', r"\1\2", line)


def with_doubled_quotes(line: str, escape: str | None) -> str:
    """Return a line whose quotes inside fields are doubled, where ``escape`` may stand before them.

    Any other use of the sign stays (a path, a file that another program saved anew).
    """
    if not escape or escape not in line:
        return line
    mark = re.escape(escape)
    return re.sub(rf'{mark}({mark}|")', lambda m: '""' if m[1] == '"' else escape, line)


def xlsx_records(path: Path, reading: Reading, where: str) -> Iterator[Record | Refused]:
    """Read one sheet of a workbook; dates come out as ISO text, whole numbers without a point."""
    rows = _sheet_of(path, reading.sheet, where, None)
    for number, cells in enumerate(rows, start=1):
        yield Record(number, [_cell_text(cell) for cell in cells])


def sheets_of(path: Path, where: str) -> dict[str, bool]:
    """Return the sheets of a workbook in their order, and whether each shows something.

    A hidden sheet shows nothing, unless no other one does: old copies and lists are kept there.
    Other files, and a table in HTML under a workbook's name, have none.
    """
    if path.suffix.lower() not in WORKBOOKS or not is_typed_file(path):
        return {}
    with _told_if_broken(where):
        book = _book_of(path, where)
        shown = _shown_sheets(book)
        return {name: name in shown for name in book.sheet_names}


def unread_sheets(path: Path, read: set[str | int | None], where: str) -> list[str]:
    """Return the names of a workbook's shown sheets that nobody reads; of other files none.

    Args:
        path: A delivered file.
        read: What mappings say of it: a sheet's name, its number from 1, or nothing: the first.
        where: How errors call the file.
    """
    sheets = sheets_of(path, where)
    if not any(sheets.values()):
        return []
    names, filled = list(sheets), [name for name, is_filled in sheets.items() if is_filled]
    taken = {names[told - 1] if isinstance(told, int) else told or filled[0] for told in read}
    return [name for name in filled if name not in taken]


def xlsx_head(path: Path, sheet: str | int | None, where: str) -> list[list[str | None]]:
    """Return the first rows of a workbook's sheet, as text."""
    rows = _sheet_of(path, sheet, where, 60)
    return [[_cell_text(cell) for cell in cells] for cells in rows]


def _sheet_of(
    path: Path, wanted: str | int | None, where: str, at_most: int | None
) -> list[list[Any]]:
    import python_calamine

    if not is_typed_file(path):
        return html_rows(path, at_most)
    with _told_if_broken(where):
        book = _book_of(path, where)
        names = book.sheet_names
        try:
            if wanted is None:
                sheet = book.get_sheet_by_name([*_shown_sheets(book), *names][0])
            elif isinstance(wanted, int):
                sheet = book.get_sheet_by_index(wanted - 1)
            else:
                sheet = book.get_sheet_by_name(wanted)
        except python_calamine.WorksheetNotFound as error:
            raise refuse(
                "missing_sheet",
                f"sheets {', '.join(names)}",
                f"a sheet {wanted!r}",
                where,
                "correct `sheet:` of this entity in workspace.yml",
            ) from error
        rows = sheet.to_python(skip_empty_area=False, nrows=at_most)
        for (row, column), text in error_cells(path, sheet.name, at_most).items():
            while len(rows) <= row:  # the reader leaves out rows of nothing but such cells
                rows.append([])
            rows[row] += [None] * (column + 1 - len(rows[row]))
            rows[row][column] = text
        return rows


def _shown_sheets(book: Any) -> list[str]:
    """Return the names of the visible sheets that hold something, else of the hidden ones."""
    from python_calamine import SheetVisibleEnum

    filled = [told for told in book.sheets_metadata if _is_filled(book, told.name)]
    visible = [told for told in filled if told.visible == SheetVisibleEnum.Visible]
    return [told.name for told in visible or filled]


def _is_filled(book: Any, name: str) -> bool:
    sheet = book.get_sheet_by_name(name)
    return bool(sheet.height and sheet.width)


def _book_of(path: Path, where: str) -> Any:
    import python_calamine

    with path.open("rb") as handle:
        head = handle.read(8)
    if head == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" and path.suffix.lower() != ".xls":
        raise refuse(
            "encrypted_workbook",
            "a workbook protected by a password",
            "a workbook that opens without one",
            where,
            "save it without a password and deliver it again",
        )
    return python_calamine.CalamineWorkbook.from_path(str(path))


@contextlib.contextmanager
def _told_if_broken(where: str) -> Iterator[None]:
    import python_calamine

    try:
        yield
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise refuse(
            "broken_workbook",
            f"a workbook that does not open: {error}",
            "a whole XLSX file",
            where,
            "the file was cut off or damaged on its way: deliver it again",
        ) from error


def is_typed_file(path: Path) -> bool:
    """Tell whether a file keeps numbers as numbers, so that a point in them is a decimal one."""
    if path.suffix.lower() not in WORKBOOKS:
        return path.suffix.lower() in JSON_SUFFIXES | PARQUET
    with path.open("rb") as handle:
        return not is_html(handle.read(64))


_EXACT = 2**53
"""Below it a float tells every whole number from the next."""


def _cell_text(cell: Any) -> str | None:
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Uncomputed):
        return cell
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT else repr(cell)
    if isinstance(cell, dt.datetime):
        is_day = cell.tzinfo is None and cell.time() == dt.time(0)
        return cell.date().isoformat() if is_day else cell.isoformat(sep=" ")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, bytes):
        return _text_of(cell)
    return str(cell)


def _text_of(value: bytes) -> str:
    """Return text that a writer of Parquet did not mark as such, other bytes in hexadecimal."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"0x{value.hex()}"


def _values_of(column: Any) -> list[Any]:
    """Return the cells of a Parquet column; a time that Python has none for, as what is stored."""
    try:
        return column.to_pylist()
    except (OverflowError, ValueError, LookupError):
        return [_value_of(cell) for cell in column]


def _value_of(cell: Any) -> Any:
    try:
        return cell.as_py()
    except (OverflowError, ValueError, LookupError):
        return f"{cell.value} as {cell.type}"


def parquet_records(path: Path, where: str) -> Iterator[Record | Refused]:
    """Read a Parquet table; first record = the column names."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise refuse(
            "broken_parquet",
            f"a file that does not open: {error}",
            "a whole Parquet file",
            where,
            "deliver the file again",
        ) from error
    yield Record(0, list(table.column_names))
    number = 0
    for batch in table.to_batches(max_chunksize=20_000):
        for item in zip(*(_values_of(column) for column in batch.columns), strict=True):
            number += 1
            yield Record(number, [_cell_text(cell) for cell in item])


def parquet_headers(path: Path, where: str) -> list[str | None]:
    """Return the column names of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise refuse(
            "broken_parquet",
            f"a file that does not open: {error}",
            "a whole Parquet file",
            where,
            "deliver the file again",
        ) from error
