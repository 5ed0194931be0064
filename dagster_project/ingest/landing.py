"""One delivered file -> one Parquet of its table's columns as text, named by content.

What belongs here: mapping headers to the table's columns, counting what was seen, and the two ways
of reading delimited text: DuckDB's fast reader, whose result is believed only where the physical
lines prove it, and the careful reader for everything else. What does not: types (staging).
A landing is whole or absent.

**Shape**: ``_row`` (NULL: the row's number is its place plus an offset kept in the side file), and
as text those columns of the table that the file or a constant gives; the side file names them. Rows
that cannot be told apart into cells stand in ``<key>.refused.parquet``, so rows seen = rows landed
+ rows refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.canonical import PERSONAL, ROW_ID
from dagster_project.configuration import Tuning
from dagster_project.errors import SourceFileError
from dagster_project.ingest.contracts import fold
from dagster_project.ingest.described import describe
from dagster_project.ingest.discovery import Claim, fingerprint, is_unchanged
from dagster_project.ingest.json_records import json_records, parsed_json
from dagster_project.ingest.page_chains import pages_of
from dagster_project.ingest.readers import (
    JOINED_LINES_LIMIT,
    Record,
    Refused,
    as_text,
    csv_records,
    delimiter_of,
    encoding_of,
    header_line,
    parquet_records,
    refuse,
    xlsx_records,
)
from dagster_project.ingest.recognition import JSON_SUFFIXES, PARQUET, WORKBOOKS
from dagster_project.ingest.workbook_errors import Uncomputed

LANDING_FORMAT = 6
_BATCH = 20_000
_REFUSED = pa.schema(
    [
        ("_source_row", pa.int64()),
        ("reason_code", pa.string()),
        ("reason", pa.string()),
        ("value", pa.string()),
    ]
)
_FAST_SUFFIXES = {".csv", ".tsv", ".txt", ".tab"}


@dataclass
class Landed:
    """What one landing holds, as its side file keeps it.

    Units: ``amount_seen`` is native money as text (exact); ``row_offset`` is added to a row's place
    in the Parquet to give its number in the file; ``pages`` as ``page_chains.Page`` tells them.
    """

    landing_key: str
    entity: str
    rows_seen: int = 0
    rows_landed: int = 0
    rows_refused: int = 0
    rows_blank: int = 0
    rows_total_lines: int = 0
    row_offset: int = 0
    amount_seen: str | None = None
    amount_total_line: str | None = None
    money_divisor: int | None = None
    orders: dict[str, str] = field(default_factory=dict)
    decimals: dict[str, str] = field(default_factory=dict)
    last_event_on: str | None = None
    last_updated_at: str | None = None
    is_row_id: bool = False
    columns: list[str] = field(default_factory=list)
    columns_delivered: int = 0
    columns_unread: list[str] = field(default_factory=list)
    reader: str = "careful"
    pages: list[dict[str, int | bool | None]] = field(default_factory=list)


def landing_key(claim: Claim, sha256: str, tuning: Tuning) -> str:
    """Return the name of a landing: whose it is, the file's content and how it is read."""
    recipe = claim.recipe | {
        "format": LANDING_FORMAT,
        "source": claim.source_name,
        "suffix": claim.path.suffix.lower(),
        "columns": list(claim.table.kinds),
        "limits": [tuning.max_cell_bytes, tuning.max_columns],
    }
    text = json.dumps(recipe, sort_keys=True, ensure_ascii=False, default=str)
    return f"{sha256[:24]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def read_landed(folder: Path, key: str) -> Landed | None:
    """Return what an earlier run landed under ``key``; None where any of its files is not whole."""
    try:
        landed = Landed(**json.loads((folder / f"{key}.json").read_text(encoding="utf-8")))
        pq.read_metadata(folder / f"{key}.parquet")
        if landed.rows_refused:
            pq.read_metadata(folder / f"{key}.refused.parquet")
    except (FileNotFoundError, ValueError, TypeError):  # a broken Parquet is a ValueError to Arrow
        return None
    return landed


def land(
    claim: Claim, key: str, tuning: Tuning, folder: Path, connection: duckdb.DuckDBPyConnection
) -> Landed:
    """Read one delivered file into its landing.

    Args:
        claim: The file, its table and how it is read.
        key: The landing's name, from ``landing_key``.
        tuning: Limits of cells and columns.
        folder: Where landings are kept.
        connection: DuckDB with nothing of its own, for reading and writing files.

    Returns:
        The counts and formats of the landing, which is whole on disk when this returns.

    Raises:
        SourceFileError: The file cannot be read as what it is mapped to; nothing was landed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = _Work(claim, key, tuning, folder, connection)
    try:
        landed = work.by_fast_reader() or work.by_careful_reader()
        work.describe(landed)
        if not is_unchanged(claim) and fingerprint(claim.path) != claim.content:
            raise refuse(
                "still_being_written",
                "a file that changed while it was read",
                "a whole file",
                claim.file_name,
                "wait until it is written, then run again",
            )
    except BaseException:
        work.forget()
        raise
    work.move_in_place(landed)
    return landed


class _Work:
    """One landing in the making: everything is written beside and moved at the end."""

    def __init__(
        self,
        claim: Claim,
        key: str,
        tuning: Tuning,
        folder: Path,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        self.claim, self.key, self.tuning = claim, key, tuning
        self.reading, self.contract = claim.reading, claim.table
        self.connection, self.folder = connection, folder
        self.kinds = claim.table.kinds
        unpivot = self.reading.unpivot
        given = {*self.reading.columns, *self.reading.constants}
        given |= {unpivot.name_to, unpivot.value_to} if unpivot else set()
        self.columns = [column for column in self.kinds if column in given]
        self.headers: list[str] = []
        self.table = folder / f".{key}.parquet.new"
        self.refused = folder / f".{key}.refused.parquet.new"
        self.where = claim.file_name
        self.totals: list[str | None] = []
        self.forget()

    def forget(self) -> None:
        """Remove what this landing, or one that died before it, has written beside."""
        for left_over in (self.table, self.refused):
            left_over.unlink(missing_ok=True)

    # -- the fast reader -------------------------------------------------------------------------

    def by_fast_reader(self) -> Landed | None:
        """Read plain UTF-8 delimited text with DuckDB; None where that would not be certain."""
        content, reading = self.claim.content, self.reading
        is_plain = (
            self.claim.path.suffix.lower() in _FAST_SUFFIXES
            and content.size > 0
            and content.nuls == 0
            and content.newlines > 0
            and reading.has_header
            and (reading.encoding or "utf-8").lower().replace("_", "-") in {"utf-8", "utf-8-sig"}
            and not reading.unpivot
            and (self.contract.system != "files" or not reading.has_total_rules)
            and ROW_ID not in reading.columns.values()
            and not set("*?[]") & set(str(self.claim.path))
        )
        if not is_plain:
            return None
        with self.claim.path.open("rb") as handle:
            head = handle.read(4)
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return None
        try:
            line = header_line(self.claim.path, reading, "utf-8-sig")
        except UnicodeDecodeError:
            return None
        if line.count('"') % 2 or not line.strip():
            return None
        if reading.escape and _holds(self.claim.path, reading.escape.encode()):
            return None  # the sign may escape a quote or stand for itself
        delimiter = delimiter_of(line, reading)
        from csv import reader

        headers = next(reader([line], delimiter=delimiter))
        self.headers = headers
        places = self._places(headers)
        names = [f"c{i}" for i in range(len(headers))]
        source = f"""read_csv({_quoted(self.claim.path)}, delim={_quoted(delimiter)}, quote='"',
            escape='"', header=true, auto_detect=false,
            skip={reading.skip_top}, strict_mode=true, null_padding=false,
            max_line_size={max(self.tuning.max_cell_bytes, 1 << 16)},
            columns={{{", ".join(f"'{n}': 'VARCHAR'" for n in names)}}})"""
        selected = self._selected(places)
        if 0 not in places.values() and (reading.drop or reading.stop_at):
            selected += ", c0 as _first"
        are_counted = self._has_open_lines()
        if are_counted:
            selected += f", {_line_ends(names)}"
        try:
            rows = self.connection.execute(
                f"copy (select {selected} from {source}) to {_quoted(self.table)} "
                "(format parquet, compression snappy, row_group_size 122880)"
            ).fetchone()[0]
        except duckdb.InvalidInputException:
            return None  # the careful reader will say which row is wrong
        lines = content.newlines + int(content.ends_open)
        inside = lines - rows - 1 - reading.skip_top
        if inside and not self._are_inside_fields(inside, source, names, are_counted):
            return None
        if self._has_blank_row() or self._has_total_line(headers, places):
            return None
        return Landed(
            self.key,
            self.contract.entity,
            rows_seen=rows,
            rows_landed=rows,
            row_offset=2 + reading.skip_top,
            reader="fast",
        )

    def _selected(self, places: dict[str, int]) -> str:
        parts = ["cast(null as bigint) as _row"]
        for column in self.columns:
            constant = self.reading.constants.get(column)
            if column in places:
                parts.append(f"c{places[column]} as {column}")
            elif constant is not None:
                parts.append(f"{_quoted(constant)} as {column}")
            else:  # a constant of nothing
                parts.append(f"cast(null as varchar) as {column}")
        return ", ".join(parts)

    def _has_open_lines(self) -> bool:
        """Tell whether fields with line ends inside are likely, by the first lines of the file."""
        with self.claim.path.open("rb") as handle:
            return any(line.count(b'"') % 2 for line in handle.readlines(1 << 18))

    def _are_inside_fields(
        self, lines: int, source: str, names: list[str], are_counted: bool
    ) -> bool:
        """Tell whether these many lines are line ends inside quoted fields, no field very long.

        A field of hundreds of lines is rather a quote that was never closed.
        """
        if lines < 0:
            return False
        counted = self._landed_relation()
        if not are_counted:
            counted = f"(select {_line_ends(names)} from {source})"
        found, longest = self.connection.execute(
            f"select sum(_lines), max(_longest) from {counted}"
        ).fetchone()
        return found == lines and longest < JOINED_LINES_LIMIT

    def _has_total_line(self, headers: list[str], places: dict[str, int]) -> bool:
        """Tell whether some row may be a total line, so that the careful reader must decide.

        Spaces of every kind count here as plain ones, as they do for the careful reader or as they
        make a line more suspect.
        """
        reading = self.reading
        if not reading.has_total_rules:
            return False
        without = [c for c in (reading.drop_without or "").split() if c in places]
        suspects = [" and ".join(_is_blank(c) for c in without)] if without else []
        if reading.drop_any or reading.stop_at or reading.drop:
            suspects += [_is_blank(c) for c in reading.needed if c in places]
        first = next((column for column, place in places.items() if place == 0), "_first")
        for pattern in filter(None, (reading.drop, reading.stop_at)):
            suspects.append(f"regexp_matches({_trimmed(first)}, {_quoted(pattern)})")
        if not suspects:
            return False
        found = self.connection.execute(
            f"select 1 from {self._landed_relation()} where {' or '.join(suspects)} limit 1"
        ).fetchone()
        return found is not None

    def _has_blank_row(self) -> bool:
        """Tell whether some row has no value in any mapped column (constants aside)."""
        mapped = [c for c in self.reading.columns if c in self.columns]
        condition = " and ".join(f"({c} is null or trim({c}) = '')" for c in mapped) or "false"
        found = self.connection.execute(
            f"select 1 from {self._landed_relation()} where {condition} limit 1"
        ).fetchone()
        return found is not None

    # -- the careful reader ----------------------------------------------------------------------

    def by_careful_reader(self) -> Landed:
        """Read any supported format cell by cell; rows that are none are refused one by one."""
        landed = Landed(self.key, self.contract.entity)
        schema = pa.schema(
            [("_row", pa.int64()), *((column, pa.string()) for column in self.columns)]
        )
        batch: list[list] = []
        refused: list[Refused] = []
        row_id = self._row_id_column()
        landed.is_row_id = row_id is not None
        occurrences: Counter[str] = Counter()
        with pq.ParquetWriter(self.table, schema, compression="snappy") as writer:
            for item in self._rows(landed):
                if isinstance(item, Refused):
                    refused.append(item)
                    continue
                if row_id is not None:
                    content = hashlib.md5("\x1f".join(c or "" for c in item[1:]).encode())
                    occurrences[content.hexdigest()] += 1
                    number = occurrences[content.hexdigest()]
                    item[row_id] = f"{content.hexdigest()}-{number}"
                batch.append(item)
                if len(batch) >= _BATCH:
                    writer.write_table(_as_table(batch, schema))
                    landed.rows_landed += len(batch)
                    batch = []
            if batch:
                writer.write_table(_as_table(batch, schema))
                landed.rows_landed += len(batch)
        landed.rows_refused = len(refused)
        landed.rows_seen = landed.rows_landed + landed.rows_refused
        if refused:
            rows = [
                {
                    "_source_row": r.row,
                    "reason_code": r.reason_code,
                    "reason": r.reason,
                    "value": self._shown_value(r.value),
                }
                for r in refused
            ]
            pq.write_table(pa.Table.from_pylist(rows, schema=_REFUSED), self.refused)
        return landed

    def _row_id_column(self) -> int | None:
        key = self.contract.key
        is_row_id = key is not None and self.reading.columns.get(key) == ROW_ID
        return 1 + self.columns.index(key) if is_row_id else None

    def _shown_value(self, value: str) -> str:
        """Withhold a whole line of a file that maps personal data."""
        if set(PERSONAL) & {self.kinds[c] for c in self.reading.columns}:
            return "(withheld: the line may hold personal data)"
        return value[:200]

    def _records(self, landed: Landed) -> Iterator[Record | Refused]:
        path, suffix = self.claim.path, self.claim.path.suffix.lower()
        if self.claim.content.size == 0:
            raise refuse(
                "empty_file",
                "a file of 0 bytes",
                "a table with a header",
                self.where,
                "deliver the file again",
            )
        if suffix in WORKBOOKS:
            return xlsx_records(path, self.reading, self.where)
        if suffix in PARQUET:
            return parquet_records(path, self.where)
        encoding = encoding_of(path, self.reading.encoding, self.where)
        if suffix in JSON_SUFFIXES:
            document = parsed_json(path, encoding, self.where)
            if self.contract.paged_by:
                landed.pages = [asdict(p) for p in pages_of(document, self.contract.paged_by)]
            return json_records(document, self.reading, self.where)
        line = header_line(path, self.reading, encoding)
        delimiter = delimiter_of(line, self.reading)
        return csv_records(path, self.reading, self.tuning, encoding, delimiter)

    def _rows(self, landed: Landed) -> Iterator[list | Refused]:
        """Yield ``[row, canonical cells...]`` below the header, and refused rows."""
        reading = self.reading
        suffix = self.claim.path.suffix.lower()
        is_json = suffix in JSON_SUFFIXES
        is_table = is_json or suffix in PARQUET
        is_text = not is_table and suffix not in WORKBOOKS
        is_empty_list = is_json
        places: dict[str, int] | None = None
        wide: list[tuple[int, str]] = []
        width = 0
        if not reading.has_header:
            places = self._places([])
        for item in self._records(landed):
            is_empty_list = False
            if suffix in WORKBOOKS and item.row <= reading.skip_top:
                continue
            if isinstance(item, Refused):
                if places is None:
                    raise refuse(
                        "unreadable_header",
                        f"a header that cannot be told apart: {item.reason}",
                        "the line of column names",
                        self.where,
                        "mend the header, or say with `skip_top:` how many lines stand above it",
                    )
                yield item
                continue
            cells = item.cells
            if places is None:
                if not any(cells):
                    landed.rows_blank += 1
                    continue
                self.headers = [c or "" for c in cells]
                places, width = self._places(self.headers), len(cells)
                wide = self._wide_columns(cells)
                continue
            if not any(cell and cell.strip() for cell in cells):
                landed.rows_blank += 1
                continue
            first = (cells[0] or "").strip()
            if reading.stop_at and re.search(reading.stop_at, first):
                landed.rows_total_lines += 1
                return
            if self._is_total_line(cells, places, first):
                landed.rows_total_lines += 1
                place = places.get(self.contract.amount or "", len(cells))
                self.totals += cells[place : place + 1]
                continue
            if is_text and len(cells) == width + 1 and not cells[-1]:
                cells = cells[:-1]  # a separator after the last cell, as the fast reader takes it
            reason = self._cell_fault(cells, width if is_text else 0)
            if suffix in WORKBOOKS and not reason:
                mapped = {*places.values(), *(place for place, _ in wide)}
                reason = _formula_fault(cells, mapped)
            if reason:
                value = as_text(" | ".join(c or "" for c in cells)[:200])
                yield Refused(item.row, *reason, value=value)
                continue
            yield from self._canonical(item.row, cells, places, wide)
        if places is None and not is_empty_list:
            raise refuse(
                "no_header",
                "no line that could be the header",
                "a header with the mapped columns",
                self.where,
                "deliver the table with its header, or correct `skip_top:`",
            )

    def _is_total_line(self, cells: list[str | None], places: dict[str, int], first: str) -> bool:
        """Tell a total line by the rules of a contract."""
        reading = self.reading

        def is_empty(column: str) -> bool:
            place = places.get(column)
            return place is not None and (place >= len(cells) or not (cells[place] or "").strip())

        if reading.drop and re.search(reading.drop, first):
            return True
        without = [c for c in (reading.drop_without or "").split() if c in places]
        if without and all(is_empty(column) for column in without):
            return True
        return bool(
            reading.drop_any
            and any(is_empty(column) for column in reading.needed)
            and any(re.search(reading.drop_any, (cell or "").strip()) for cell in cells)
        )

    def _cell_fault(self, cells: list[str | None], width: int) -> tuple[str, str] | None:
        if width and len(cells) != width:
            code = "too_few_fields" if len(cells) < width else "too_many_fields"
            return code, f"{len(cells)} fields where the header has {width}"
        for cell in cells:
            if cell is None:
                continue
            if "\0" in cell:
                return "nul_byte", "a NUL byte inside a value"
            if not cell.isascii() and as_text(cell) != cell:
                return "half_sign", "half of a sign, such as \\ud83d alone, inside a value"
            if len(cell) > self.tuning.max_cell_bytes // 4 and (
                len(cell.encode()) >= self.tuning.max_cell_bytes
            ):
                limit = self.tuning.max_cell_bytes
                return "cell_too_large", f"a value of {limit} bytes or more (max_cell_bytes)"
        return None

    def _canonical(
        self, row: int, cells: list[str | None], places: dict[str, int], wide: list[tuple[int, str]]
    ) -> Iterator[list]:
        constants = self.reading.constants

        def at(column: str) -> str | None:
            place = places.get(column)
            if place is None:
                return constants.get(column)
            return cells[place] if place < len(cells) else None

        base = [row, *(at(column) for column in self.columns)]
        if not self.reading.unpivot:
            yield base
            return
        name_at = 1 + self.columns.index(self.reading.unpivot.name_to)
        value_at = 1 + self.columns.index(self.reading.unpivot.value_to)
        for place, name in wide:
            is_blank = place >= len(cells) or cells[place] is None
            if self.contract.entity == "targets" and not is_blank:
                is_blank = not cells[place].strip()  # nothing is aimed at in this period
            if not is_blank:
                line = list(base)
                line[name_at], line[value_at] = name, cells[place]
                yield line

    def _wide_columns(self, headers: list[str | None]) -> list[tuple[int, str]]:
        unpivot = self.reading.unpivot
        if not unpivot:
            return []
        found = [
            (place, unpivot.names.get(header, header))
            for place, header in enumerate(headers)
            if header and re.search(unpivot.columns, header)
        ]
        if not found:
            raise refuse(
                "missing_header",
                f"headers {_shown(headers)}",
                f"headers that match {unpivot.columns!r}",
                self.where,
                "correct `unpivot: columns:` of this entity",
            )
        return found

    # -- headers ---------------------------------------------------------------------------------

    def _places(self, headers: list[str]) -> dict[str, int]:
        """Find each mapped column among the headers.

        Raises:
            SourceFileError: A header is absent or stands twice, or there are too many columns.
        """
        if len(headers) > self.tuning.max_columns:
            raise refuse(
                "too_many_columns",
                f"{len(headers)} columns",
                f"at most {self.tuning.max_columns} (setting max_columns)",
                self.where,
                "deliver the table itself, not a cross table, or raise max_columns",
            )
        folded = [fold(header) for header in headers]
        counts = Counter(folded)
        places, missing = {}, []
        for column, header in self.reading.columns.items():
            if header == ROW_ID:
                continue
            if isinstance(header, int):
                places[column] = header - 1
                if headers and not 0 < header <= len(headers):
                    missing.append(f"column number {header}")
                continue
            wanted = fold(header)
            if counts[wanted] > 1:
                raise refuse(
                    "duplicate_header",
                    f"the header `{header}` {counts[wanted]} times",
                    "each mapped header once",
                    self.where,
                    f"rename one of them, or map `{column}` by its number: {column}: 3",
                )
            if not counts[wanted]:
                missing.append(f"`{header}`")
            else:
                places[column] = folded.index(wanted)
        if missing:
            raise refuse(
                "missing_header",
                f"headers {_shown(headers)}",
                f"{', '.join(missing)}, which workspace.yml maps",
                self.where,
                "correct the header in the file, or `columns:` of this entity in workspace.yml",
            )
        return places

    # -- what the landing holds ------------------------------------------------------------------

    def describe(self, landed: Landed) -> None:
        """Keep what the columns and the money of the landing are, and which headers nobody took."""
        used = set(self._places(self.headers).values()) if self.headers else set()
        own = [(n, h.strip()) for n, h in enumerate(self.headers) if h and h.strip()]
        own = [(n, header) for n, header in own if not header.startswith("parent.")]
        landed.columns = self.columns
        landed.columns_delivered = len(own)
        landed.columns_unread = [header for place, header in own if place not in used]
        if landed.rows_landed:
            told = describe(self.claim, self.connection, self._landed_relation(), self.totals)
            for name, value in vars(told).items():
                setattr(landed, name, value)

    def _landed_relation(self) -> str:
        return f"read_parquet({_quoted(glob_free(self.table))})"

    def move_in_place(self, landed: Landed) -> None:
        """Make the landing whole in one step: the side file last, and only then it exists."""
        for beside in (self.table, self.refused):
            if beside.exists():
                with beside.open("rb") as handle:
                    os.fsync(handle.fileno())
                beside.replace(beside.with_name(beside.name[1:].removesuffix(".new")))
        told = self.folder / f".{self.key}.json.new"
        with told.open("w", encoding="utf-8") as handle:
            json.dump(asdict(landed), handle, ensure_ascii=False)
            handle.flush()
            os.fsync(handle.fileno())
        told.replace(self.folder / f"{self.key}.json")


def _formula_fault(cells: list[str | None], mapped: set[int]) -> tuple[str, str] | None:
    """Refuse a row in which a mapped cell is a formula that no program has computed."""
    for place in sorted(mapped):
        if place < len(cells) and isinstance(cells[place], Uncomputed):
            told = f"column {place + 1} holds a formula without its value"
            return "formula_not_computed", f"{told}: save the file anew where it is computed"
    return None


def _holds(path: Path, sign: bytes) -> bool:
    with path.open("rb") as handle:
        return any(sign in chunk for chunk in iter(lambda: handle.read(1 << 22), b""))


def _line_ends(names: list[str]) -> str:
    """Return SQL for how many line ends the fields of a row hold, and the longest of them."""
    counts = [
        f"case when contains({n}, chr(10)) then length({n}) - length(replace({n}, chr(10), '')) "
        "else 0 end"
        for n in names
    ]
    return f"{' + '.join(counts)} as _lines, greatest({', '.join(counts)}, 0) as _longest"


def _is_blank(column: str) -> str:
    """Return SQL for whether a column's text has nothing but spaces of any kind."""
    return rf"({column} is null or not regexp_matches({column}, '[^\s\p{{Z}}]'))"


def _trimmed(column: str) -> str:
    """Return SQL for a column's text with plain spaces for all others, and none around it."""
    return rf"trim(regexp_replace(coalesce({column}, ''), '[\s\p{{Z}}]', ' ', 'g'))"


def glob_free(path: Path | str) -> str:
    """Return a path in which DuckDB finds no pattern."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _quoted(value: Path | str) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _as_table(rows: list[list], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    return pa.table(
        [pa.array(c, type=f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
    )


def _shown(headers: list[str | None]) -> str:
    names = [f"`{(header or '').strip()}`" for header in headers[:20]]
    more = f" and {len(headers) - 20} more" if len(headers) > 20 else ""
    return ", ".join(names) + more


__all__ = ["Landed", "SourceFileError", "glob_free", "land", "landing_key", "read_landed"]
