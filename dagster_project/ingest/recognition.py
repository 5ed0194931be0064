"""Which table a delivered file holds, told by its content.

What belongs here: laying workspace.yml over a contract, finding the header and choosing the table
that fits best. What does not: what systems call their columns (contracts), reading rows (readers,
landing).

A file of a system is held against every table of its contract: by its header, or for JSON by the
keys of the records at the table's paths. The table that understands most columns wins; only between
equals does the file's name decide. What fits none, or several equally, is rejected with the line of
workspace.yml that would settle it.
"""

from __future__ import annotations

import codecs
import csv
import fnmatch
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_project.canonical import ENTITIES, KEYS, ROW_ID
from dagster_project.configuration import EntityMapping, SourceConfig
from dagster_project.errors import SourceFileError, WorkspaceError
from dagster_project.ingest.contracts import Contract, Table, tight
from dagster_project.ingest.contracts.shape import OWN
from dagster_project.ingest.json_records import is_blank, json_headers, parsed_json
from dagster_project.ingest.preamble import told_above
from dagster_project.ingest.readers import (
    JSON_SUFFIXES,
    PARQUET,
    WORKBOOKS,
    encoding_of,
    parquet_headers,
    refuse,
    with_doubled_quotes,
    xlsx_head,
)
from dagster_project.ingest.reading import Reading

_DELIMITERS = ",;\t|"
_HEAD = 1 << 20
_OPTIONS = (
    "sheet",
    "date_order",
    "decimal",
    "encoding",
    "delimiter",
    "skip_top",
    "delivery",
    "records",
)


@dataclass(frozen=True)
class Recognised:
    """A table, and how its rows are read from this file."""

    table: Table
    reading: Reading


@dataclass(frozen=True)
class Overlay:
    """What workspace.yml lays over one table: own columns -> header, constants, options."""

    columns: dict[str, str | int] = field(default_factory=dict)
    constants: dict[str, str | None] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)


def check_overlays(source_name: str, source: SourceConfig, contract: Contract, where: str) -> None:
    """Refuse entities and columns of a named system that its contract does not have.

    Raises:
        WorkspaceError: The key, with what the contract has instead.
    """
    if source.money_in_micros is not None and not any(t.may_be_micros for t in contract.tables):
        raise WorkspaceError(
            "reading the settings of the workspace",
            found=f"`money_in_micros` for {contract.system}, whose files say how they count money",
            expected="it only where a system's files leave that open",
            where=f"{where}: sources.{source_name}.money_in_micros",
            remedy="remove the line",
        )
    for key, mapping in source.entities.items():
        tables = tables_of(contract, key)
        place = f"{where}: sources.{source_name}.entities.{key}"
        if not tables:
            known = sorted({*contract.entities, *(t.name for t in contract.tables)})
            raise WorkspaceError(
                "reading the settings of the workspace",
                found=f"`{key}`, which {contract.system} does not deliver",
                expected=f"one of: {', '.join(known)}",
                where=place,
                remedy="correct the name, or deliver this table in a source of system `files`",
            )
        known_columns = {c for t in tables for c in (*t.columns, *t.overlay)}
        for column in (*mapping.columns, *mapping.constants):
            if column not in known_columns:
                raise WorkspaceError(
                    "reading the settings of the workspace",
                    found=f"unknown column `{column}` of {key}",
                    expected=f"one of: {', '.join(sorted(known_columns))}",
                    where=place,
                    remedy="correct the name on the left of the colon",
                )


def tables_of(contract: Contract, key: str) -> list[Table]:
    """Return the tables that a key under ``entities:`` speaks of: an entity's, or one by name."""
    named = [table for table in contract.tables if table.name == key]
    return contract.entities.get(key, []) or named


def overlay_of(source: SourceConfig, contract: Contract, table: Table) -> Overlay:
    """Return what a workspace lays over a table: of each entity it feeds and of its own name."""
    columns: dict[str, str | int] = {}
    constants: dict[str, str | None] = {}
    options: dict[str, Any] = {}
    for key, mapping in source.entities.items():
        if table not in tables_of(contract, key):
            continue
        for column, header in mapping.columns.items():
            columns[_own_column(table, column)] = header
        for column, value in mapping.constants.items():
            constants[_own_column(table, column)] = value
        for option in _OPTIONS:
            value = getattr(mapping, option)
            if value not in (None, 0):
                options.setdefault(option, value)
    return Overlay(columns, constants, options)


def _own_column(table: Table, column: str) -> str:
    """A table's own column goes by its name; a canonical one that it lacks is laid beside."""
    return column if column in table.columns else OWN + column


def recognise(
    path: Path, within: str, source: SourceConfig, contract: Contract, where: str
) -> Recognised | None:
    """Tell which table of a system a file holds, and how to read it.

    Args:
        path: The file.
        within: Its path below the source's folder, for patterns and names.
        source: The source, whose ``entities`` may pin files and map columns.
        contract: What the system delivers.
        where: The file's name for messages.

    Returns:
        None for a file of an API's shape that holds no record (an empty page).

    Raises:
        SourceFileError: ``unrecognised_file``, ``ambiguous_file``, or the file does not open.
    """
    pinned = [
        table
        for key, mapping in source.entities.items()
        if any(matches(within, pattern) for pattern in mapping.files)
        for table in tables_of(contract, key)
    ]
    tables = list({t.name: t for t in pinned or contract.tables}.values())
    content = _Content(path, where)
    if content.is_empty:
        if content.suffix in JSON_SUFFIXES:
            return None
        raise refuse(
            "empty_file",
            "a file of 0 bytes",
            "a table with a header",
            where,
            "deliver the file again",
        )
    fits = []
    for table in tables:
        overlay = overlay_of(source, contract, table)
        fits += content.fit(table, overlay, source, is_pinned=bool(pinned))[:1]
    keyless = [fit.table for fit in fits if _lacks_key(fit)]
    fits = [fit for fit in fits if not _lacks_key(fit)]
    if keyless and not fits:
        raise _keyless(keyless[0], contract, where)
    if not fits:
        if content.holds_no_record(tables):
            return None
        raise _unrecognised(content, contract, pinned, where)
    best = max(fit.score for fit in fits)
    equal = [fit for fit in fits if fit.score == best]
    if len(equal) > 1:
        named = [fit for fit in equal if _is_named(fit.table, within)]
        equal = named or equal
    if len(equal) > 1:
        names = [fit.table.name for fit in equal]
        raise refuse(
            "ambiguous_file",
            f"a table that may be {' or '.join(names)}",
            "one table that fits best",
            where,
            _line_to_add(source, names[0], within),
        )
    if _lacks_days(equal[0]):
        raise _dayless(equal[0], within, where)
    return Recognised(equal[0].table, equal[0].reading)


@dataclass(frozen=True)
class _Fit:
    table: Table
    reading: Reading
    score: int


def _lacks_key(fit: _Fit) -> bool:
    """Tell whether every row would be rejected, as its records need an id that is not there."""
    key = KEYS.get(fit.table.entity)
    is_required = key is not None and ENTITIES[fit.table.entity][key].is_required
    return is_required and fit.table.key not in {*fit.reading.columns, *fit.reading.constants}


def _lacks_days(fit: _Fit) -> bool:
    """Tell whether nothing puts the rows on days: no column, no line above the header."""
    told = {*fit.reading.columns, *fit.reading.constants}
    ways = [set(way.split()) for way in (*fit.table.dated_by, f"{OWN}spent_on")]
    return bool(fit.table.dated_by) and not any(way <= told for way in ways)


def _dayless(fit: _Fit, within: str, where: str) -> SourceFileError:
    return refuse(
        "no_day",
        f"a table of {fit.table.name} without a column of days, and no period above its header",
        "a column of days, or the period in the lines above the header",
        where,
        "export it by day; or say which days it covers: "
        f'`entities: {{{fit.table.name}: {{files: "{within}", '
        "constants: {period_start: 2026-03-01, period_end: 2026-03-31}}}`",
    )


def _keyless(table: Table, contract: Contract, where: str) -> SourceFileError:
    key, entity = table.key or "", table.entity
    return refuse(
        "missing_key",
        f"a table of {table.name} without a column that identifies its rows",
        f"the column {_spelled(table, key)}",
        where,
        "export it with that column; or, if each record is delivered once, let its content be "
        f'the id: `entities: {{{entity}: {{columns: {{{key}: "@row"}}}}}}`',
    )


def _is_named(table: Table, within: str) -> bool:
    name = within.rsplit("/", 1)[-1]
    return any(re.search(pattern, name, re.IGNORECASE) for pattern in table.file_names)


def _line_to_add(source: SourceConfig, table: str, within: str) -> str:
    return (
        "say what it is under this source in workspace.yml: "
        f'`entities: {{{table}: {{files: "{within}"}}}}`; or leave it out: `ignore: ["{within}"]`'
    )


def _unrecognised(
    content: _Content, contract: Contract, pinned: list[Table], where: str
) -> SourceFileError:
    shown = ", ".join(f"`{(h or '').strip()}`" for h in content.shown_headers()[:20])
    wanted = pinned or [t for t in contract.tables if t.recognised_by]
    expected = "; ".join(f"{t.name}: {_told_by(t)}" for t in wanted[:12])
    within = where.rsplit("/", 1)[-1]
    first = wanted[0].name if wanted else "deals"
    return refuse(
        "missing_header" if pinned else "unrecognised_file",
        f"headers {shown or '(none)'}",
        f"the columns of one table of {contract.system}: {expected}",
        where,
        f'say what it is: `entities: {{{first}: {{files: "{within}", columns: {{...}}}}}}` under '
        f'this source in workspace.yml; or leave it out: `ignore: ["{within}"]`',
    )


def _told_by(table: Table) -> str:
    sets = (alternative.split() for alternative in table.recognised_by)
    return " or ".join("+".join(_spelled(table, column) for column in needed) for needed in sets)


def _spelled(table: Table, column: str) -> str:
    names = table.columns[column].names
    return f"`{names[0] if names else column}`"


def matches(within: str, pattern: str) -> bool:
    """Match case-insensitively; a pattern without a slash matches the name in any folder.

    ``**/`` stands for any folders or none.
    """
    name = (within if "/" in pattern else within.rsplit("/", 1)[-1]).casefold()
    patterns = {pattern.casefold(), pattern.casefold().replace("**/", "")}
    return any(fnmatch.fnmatchcase(name, one) for one in patterns)


class _Content:
    """A file opened once, as far as choosing its table needs."""

    def __init__(self, path: Path, where: str) -> None:
        self.path, self.where = path, where
        self.suffix = path.suffix.lower()
        self.is_empty = path.stat().st_size == 0
        self.headers_seen: list[list[str | None]] = []
        self._document: Any = None
        self._keys: dict[Any, list[str] | None] = {}
        self._rows: dict[Any, list[list[str | None]]] = {}
        self._lines: dict[str | None, list[str]] = {}

    def fit(
        self, table: Table, overlay: Overlay, source: SourceConfig, *, is_pinned: bool
    ) -> list[_Fit]:
        """Return how the table fits the file, best first; nothing where it does not."""
        fits = []
        for skipped, headers, options in self._candidates(table, overlay):
            self.headers_seen.append(headers)
            found = resolve(table, overlay, headers)
            needed = table.fits_by(set(found.columns))
            if not needed and not (is_pinned and overlay.columns and found.columns):
                continue
            above = self._above(skipped, overlay) if table.preamble else []
            told = {
                column: value
                for column, value in told_above(above, table.preamble, table.kinds).items()
                if column not in found.columns
            }
            written = {"date_order": table.date_order} | overlay.options | {"skip_top": skipped}
            reading = Reading(
                files=["*"],
                **written | options,
                columns=found.columns,
                constants=told | found.constants,
                stop_at=table.stop_at,
                drop=table.drop,
                drop_any=table.drop_any,
                drop_without=table.drop_without,
                custom_fields=table.custom_fields,
                flatten=table.flatten,
                escape=table.escape,
                needed=(table.key,) if table.key in found.columns else tuple(needed),
                money_divisor=1_000_000
                if table.may_be_micros and source.money_in_micros
                else table.money_divisor,
                asks_micros=table.may_be_micros and source.money_in_micros is None,
                is_utc=any(c in found.columns for c in (table.utc_by or "").split()),
            )
            fits.append(_Fit(table, reading, len(found.columns)))
        return sorted(fits, key=lambda fit: -fit.score)

    def _candidates(
        self, table: Table, overlay: Overlay
    ) -> list[tuple[int, list[str | None], dict[str, Any]]]:
        """Return (lines above, headers, options found out) for each place a header may stand."""
        options = overlay.options
        if self.suffix in JSON_SUFFIXES:
            return self._json_candidates(table, overlay)
        if self.suffix in PARQUET:
            return [(0, parquet_headers(self.path, self.where), {})]
        first = options.get("skip_top", 0)
        places = range(first, first + 1) if first else range(table.header_within)
        if self.suffix in WORKBOOKS:
            rows = self._workbook_rows(options.get("sheet"))
            return [(place, rows[place], {}) for place in places if place < len(rows)]
        lines = self._text_lines(options.get("encoding"))
        declared = options.get("delimiter")
        delimiters = {"tab": "\t", "\\t": "\t"}.get(declared, declared) or _DELIMITERS
        return [
            (place, headers, {"delimiter": delimiter})
            for place in places
            if place < len(lines)
            for delimiter in delimiters
            if (headers := _cells(lines[place], delimiter, table.escape))
        ]

    def _above(self, place: int, overlay: Overlay) -> list[str]:
        """Return the lines above a header."""
        if self.suffix in WORKBOOKS:
            rows = self._workbook_rows(overlay.options.get("sheet"))[:place]
            return ["\t".join(cell or "" for cell in row).strip() for row in rows]
        if self.suffix in {*JSON_SUFFIXES, *PARQUET}:
            return []
        return self._text_lines(overlay.options.get("encoding"))[:place]

    def _json_candidates(
        self, table: Table, overlay: Overlay
    ) -> list[tuple[int, list[str | None], dict[str, Any]]]:
        document = self._parsed()
        fitting, headers = [], []
        for path in (*table.records, ""):
            if not path and fitting:
                break
            reading = Reading(
                files=["*"],
                record_paths=(path,) if path else (),
                flatten=table.flatten,
                custom_fields=table.custom_fields,
            )
            keys = self._json_keys(document, reading)
            if keys is None:
                continue
            if path and not table.fits_by(set(resolve(table, overlay, keys).columns)):
                self.headers_seen.append(keys)
                continue
            fitting.append(path)
            headers += keys
        if not fitting:
            return []
        paths = tuple(path for path in fitting if path)
        return [(0, list(dict.fromkeys(headers)), {"record_paths": paths})]

    def _json_keys(self, document: Any, reading: Reading) -> list[str] | None:
        """Return the keys of the records at a path, once for all tables that look there."""
        looked_at = (reading.record_paths, reading.flatten, reading.custom_fields)
        if looked_at not in self._keys:
            try:
                self._keys[looked_at] = json_headers(document, reading, self.where)
            except SourceFileError:
                self._keys[looked_at] = None
        return self._keys[looked_at]

    def holds_no_record(self, tables: list[Table]) -> bool:
        """Tell an empty page (an envelope around no record) from a table that nobody knows."""
        if self.suffix not in JSON_SUFFIXES:
            return False
        document, is_envelope = self._parsed(), False
        if is_blank(document):
            return True
        for path in {path for table in tables for path in table.records}:
            reading = Reading(files=["*"], record_paths=(path,))
            try:
                if json_headers(document, reading, self.where):
                    return False
                is_envelope = True
            except SourceFileError:
                continue
        return is_envelope and not _holds_objects(document)

    def shown_headers(self) -> list[str | None]:
        """Return the likeliest header, for the message."""
        return max(self.headers_seen, key=len, default=[])

    def _parsed(self) -> Any:
        if self._document is None:
            encoding = encoding_of(self.path, None, self.where)
            self._document = parsed_json(self.path, encoding, self.where)
        return self._document

    def _workbook_rows(self, sheet: str | int | None) -> list[list[str | None]]:
        if sheet not in self._rows:
            self._rows[sheet] = xlsx_head(self.path, sheet, self.where)
        return self._rows[sheet]

    def _text_lines(self, declared: str | None) -> list[str]:
        if declared not in self._lines:
            self._lines[declared] = _head_lines(self.path, declared, self.where)
        return self._lines[declared]


def _holds_objects(document: Any) -> bool:
    """Tell whether some list, however deep, holds an object with a plain value."""
    if not isinstance(document, list | dict):
        return True
    if isinstance(document, dict):
        return any(_holds_objects(v) for v in document.values() if isinstance(v, list | dict))
    return any(
        _holds_objects(item) if isinstance(item, list) else isinstance(item, dict) and bool(item)
        for item in document
    )


def _head_lines(path: Path, declared: str | None, where: str) -> list[str]:
    with path.open("rb") as handle:
        head = handle.read(_HEAD)
    if declared:
        codec = [declared]
    elif head.startswith((b"\xff\xfe", b"\xfe\xff")):
        codec = ["utf-16"]
    else:
        codec = ["utf-8-sig", "cp1251"]
    for attempt in codec:
        try:
            text = codecs.getincrementaldecoder(attempt)().decode(head)
        except (UnicodeError, LookupError):
            continue
        return text.replace("\r\n", "\n").split("\n")[:200]
    encoding_of(path, declared, where)  # says what is wrong with it
    return []


def _cells(line: str, delimiter: str, escape: str | None) -> list[str | None]:
    try:
        return next(csv.reader([with_doubled_quotes(line, escape)], delimiter=delimiter), [])
    except csv.Error:
        return []


@dataclass(frozen=True)
class Resolved:
    """Own columns and where they stand (from 1), and what fills whole columns."""

    columns: dict[str, str | int]
    constants: dict[str, str | None]


def resolve(table: Table, overlay: Overlay, headers: list[str | None]) -> Resolved:
    """Find each column of a table among a file's headers, the workspace's mapping first."""
    places = _places(headers)
    columns: dict[str, str | int] = {}
    constants: dict[str, str | None] = {}
    for column, header in overlay.columns.items():
        if header == ROW_ID:
            columns[column] = ROW_ID
        elif isinstance(header, int):
            columns[column] = header
        elif place := _place_of(str(header), places):
            columns[column] = place
    for column, declared in table.columns.items():
        if column in columns:
            continue
        for name in (*declared.names, column):
            if name.startswith("~"):
                place, told = _place_by_pattern(name[1:], headers)
                constants |= {k: v for k, v in told.items() if v is not None}
            else:
                place = places.get(tight(name), 0)
            if place:
                columns[column] = place
                break
    constants = {c: v for c, v in constants.items() if c in table.columns and c not in columns}
    columns = {c: p for c, p in columns.items() if c not in overlay.constants}
    return Resolved(columns, constants | overlay.constants)


def _places(headers: list[str | None]) -> dict[str, int]:
    """Number headers from 1; the second of one spelling is ``spelling.2``."""
    places: dict[str, int] = {}
    counts: dict[str, int] = {}
    for place, header in enumerate(headers, start=1):
        name = tight(header)
        if not name:
            continue
        counts[name] = counts.get(name, 0) + 1
        places.setdefault(name if counts[name] == 1 else f"{name}.{counts[name]}", place)
    return places


def _place_of(header: str, places: dict[str, int]) -> int:
    """Find a header, an API name, or ``field:<id or code>`` as a JSON of the system spells it."""
    if place := places.get(tight(header)):
        return place
    if header.startswith("field:"):
        code = tight(header.removeprefix("field:"))
        found = (places.get(f"{inside}{code}") for inside in ("", "properties", "property"))
        return next(filter(None, found), 0)
    return 0


def _place_by_pattern(pattern: str, headers: list[str | None]) -> tuple[int, dict[str, Any]]:
    for place, header in enumerate(headers, start=1):
        match = re.search(pattern, header or "", re.IGNORECASE)
        if match:
            return place, match.groupdict()
    return 0, {}


def plain_reading(mapping: EntityMapping) -> Reading:
    """Return the recipe of a user's own table: the mapping as it is written."""
    return Reading(**mapping.model_dump())
