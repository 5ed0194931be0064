"""A workspace proposed from a folder of exports: what ``kpi init --from`` writes.

What belongs here: what the files themselves tell, and the questions that they leave open. What does
not: the words it goes by (proposal_words.yml), which file is whose export (ingest.systems), what
only staged rows tell (first_reading).

Nothing that decides money is guessed: what a file does not tell stands as a line marked TODO, and a
stage without a sure outcome stays commented out, so that a run stops and asks.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from dagster_project.canonical import ENTITIES, KEYS, ROW_ID, missing_required
from dagster_project.errors import SourceFileError, WorkspaceError
from dagster_project.first_reading import FirstReading, read_first
from dagster_project.ingest.contracts import tight
from dagster_project.ingest.readers import (
    JSON_SUFFIXES,
    PARQUET,
    WORKBOOKS,
    Record,
    encoding_of,
    parquet_records,
    sheets_of,
    xlsx_records,
)
from dagster_project.ingest.reading import Reading
from dagster_project.ingest.systems import systems_of
from dagster_project.masks import without_contacts
from dagster_project.settings import is_taken, require_usable_path

_TEXT = {".csv", ".tsv", ".txt"}
_DAY_FIRST = re.compile(r"^\s*(\d{1,2})[./-](\d{1,2})[./-]\d{2,4}\b")
_HALF_NUMBER = re.compile(r"^\D*\d{1,3}([.,])\d{3}\D*$")
_LONGEST_PREAMBLE = 20


@dataclass(frozen=True)
class _Sheet:
    """One of the user's own tables: where it lies, its header and its rows.

    ``sheet`` is set where the workbook has several; ``skip_top`` lines stand above the header.
    """

    path: Path
    within: str
    headers: list[str]
    rows: list[list[str | None]]
    sheet: str | None = None
    skip_top: int = 0

    def values(self, header: str) -> list[str]:
        place = self.headers.index(header)
        cells = (row[place] for row in self.rows if place < len(row))
        return [cell.strip() for cell in cells if cell and cell.strip()]


@dataclass
class _Mapping:
    """An entity of a source ``files``: its files, columns, and what is still to be said."""

    entity: str
    columns: dict[str, str]
    lacking: list[str]
    sheets: list[_Sheet] = field(default_factory=list)

    @property
    def reading(self) -> tuple[str, dict[str, str], str | None, int]:
        """What files have in common that one mapping reads."""
        return self.entity, self.columns, self.sheets[0].sheet, self.sheets[0].skip_top

    @property
    def doubtful_key(self) -> str | None:
        """Return the key whose column counts 1, 2, 3 anew in each of several files.

        Such a number names a record or only a line; taken for a name, files replace each other.
        """
        key = KEYS.get(self.entity, "")
        told = [sheet.values(self.columns[key]) for sheet in self.sheets if key in self.columns]
        counted = [values == [str(n) for n in range(1, len(values) + 1)] for values in told]
        return key if len(told) > 1 and all(counted) else None

    @property
    def is_open(self) -> bool:
        """Tell whether it cannot be read before a question is answered."""
        return bool(self.lacking or self.doubtful_key)


@dataclass
class Proposed:
    """What was made: the folder, files by source, files nobody understood, open questions.

    ``reading`` is what the first reading found; None where a TODO has to be answered before it.
    """

    folder: Path
    sources: dict[str, list[str]]
    left_out: dict[str, str]
    questions: list[str]
    reading: FirstReading | None = None


@cache
def _words() -> dict[str, Any]:
    path = Path(__file__).with_name("proposal_words.yml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def propose_workspace(exports: Path, target: Path) -> Proposed:
    """Copy the exports that are understood into a new workspace and write its settings.

    Args:
        exports: The folder that is looked at; nothing in it is changed.
        target: The workspace, new or empty.

    Raises:
        WorkspaceError: A folder is missing or not empty, or no file is understood.
    """
    exports, target = exports.expanduser().resolve(), target.expanduser().resolve()
    _check_folders(exports, target)
    tables, left_out = _tables_below(exports)
    foreign = {within: path for within, path in tables.items() if not _is_canonical(path, within)}
    system_of = systems_of(foreign, _words()["brands"])
    systems: dict[str, list[tuple[Path, str]]] = {}
    own: list[_Mapping] = []
    for within, path in tables.items():
        if within in system_of:
            systems.setdefault(system_of[within], []).append((path, within))
        else:
            _place_own(path, within, own, left_out)
    if not systems and not own:
        said = {name: why for name, why in left_out.items() if why != "no table"} or left_out
        told = "; ".join(f"{name}: {why}" for name, why in list(said.items())[:10])
        raise WorkspaceError(
            "proposing a workspace",
            found=told or "no file",
            expected="an export of a known system, or a table with a header that says what it is",
            where=str(exports),
            remedy="`kpi init DIR` writes commented settings to fill by hand; nothing was written",
        )
    sources = _sources(systems, own)
    told = Proposed(target, {}, left_out, [])
    text = _settings(target.name, sources, told)
    for name, (_, _, members) in sources.items():
        for path, within in members:
            goal = target / "raw" / name / within
            goal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, goal)
        told.sources[name] = [within for _, within in members]
    (target / "workspace.yml").write_text(text, encoding="utf-8")
    if not any(mapping.is_open for mapping in own):
        told.reading = read_first(target)
        told.questions.clear()
        text = _settings(target.name, sources, told)
        (target / "workspace.yml").write_text(text, encoding="utf-8")
    return told


def _tables_below(exports: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """Return what may be a table, by its path within the folder, and why the rest is none."""
    tables: dict[str, Path] = {}
    left_out: dict[str, str] = {}
    for path in sorted(p for p in exports.rglob("*") if p.is_file()):
        if path.name.startswith("."):
            continue
        within = path.relative_to(exports).as_posix()
        shown = os.fsencode(within).decode("utf-8", "backslashreplace")
        if shown != within:
            left_out[shown] = "its name is no UTF-8: rename it"
            continue
        is_table = path.suffix.lower() in _TEXT | WORKBOOKS | PARQUET | JSON_SUFFIXES
        if is_table and path.name.casefold() not in {"readme.txt", "license.txt"}:
            tables[within] = path
        else:
            left_out[within] = "no table"
    return tables, left_out


def _lines_of_first_reading(reading: FirstReading, ask: Any) -> list[str]:
    """Return the lines that only staged rows ask for: what does not load, what is not there."""
    lines = []
    for file, seen, refused, why in reading.bad_rows:
        question = f"{refused} of {seen} rows of {file} do not load ({why}): mend or allow that"
        lines.append(f"#{ask(question)}")
    if reading.bad_rows:
        lines.append("# settings: {row_error_limit: 1.0}  # TODO uncomment to go on without them")
    lines += [f"# refused: {_scalar(name)}: {why}" for name, why in reading.refused.items()]
    if not reading.facts:
        lines.append("# nothing here can be counted: no deal, lead, activity, payment or spend")
    return lines


def _asks_of_micros(reading: FirstReading | None, source: str) -> bool:
    refused = reading.refused if reading else {}
    return any(
        file.startswith(f"raw/{source}/") and "money_in_micros" in why
        for file, why in refused.items()
    )


def _check_folders(exports: Path, target: Path) -> None:
    require_usable_path(target)
    if not exports.is_dir():
        raise WorkspaceError(
            "proposing a workspace",
            found="no such folder",
            expected="a folder of exports",
            where=str(exports),
            remedy="name the folder that holds the delivered files",
        )
    has_content = is_taken(target)
    if has_content or target.is_relative_to(exports):
        raise WorkspaceError(
            "proposing a workspace",
            found="something that is there already"
            if has_content
            else "a folder among the exports",
            expected="a folder that is new or empty, outside the exports",
            where=str(target),
            remedy="name another folder; nothing was written",
        )


def _is_canonical(path: Path, within: str) -> bool:
    """Tell a table of the user's own that spells its columns as this program does."""
    try:
        sheets = _opened(path, within)
    except SourceFileError:
        return False
    for sheet in sheets:
        for entity in _words()["entities"]:
            spelled = set(sheet.headers) & set(ENTITIES[entity])
            if 2 * len(spelled) > len(sheet.headers) and not missing_required(entity, spelled):
                return True
    return False


def _place_own(path: Path, within: str, own: list[_Mapping], left_out: dict[str, str]) -> None:
    try:
        sheets = _opened(path, within)
    except SourceFileError as error:
        left_out[within] = error.reason_code
        return
    if not sheets:
        left_out[within] = "records of no known system"
    entities: set[str] = set()
    for sheet in sheets:
        name = f"{within}: {sheet.sheet}" if sheet.sheet else within
        mapping = _mapping_below_preamble(sheet)
        if mapping is None:
            left_out[name] = _why_not(sheet)
        elif mapping.entity in entities:
            left_out[name] = (
                f"{mapping.entity} stand on another sheet too: map it where it has more"
            )
        else:
            entities.add(mapping.entity)
            alike = [known for known in own if known.reading == mapping.reading]
            if alike:
                alike[0].sheets += mapping.sheets
            else:
                own.append(mapping)


def _mapping_below_preamble(sheet: _Sheet) -> _Mapping | None:
    """Return what a table is by the first of its upper lines that is a header of something."""
    lines = [sheet.headers, *sheet.rows]
    for place, cells in enumerate(lines[:_LONGEST_PREAMBLE]):
        headers = [(cell or "").strip() for cell in cells]
        below = replace(sheet, headers=headers, rows=lines[place + 1 :], skip_top=place)
        mapping = _mapping_of(below)
        if mapping:
            return mapping
    return None


def _why_not(sheet: _Sheet) -> str:
    heads = without_contacts(", ".join(sheet.headers[:8]))
    if any(re.fullmatch(r"-?[\d.,:\s-]*\d[\d.,:\s-]*", head) for head in sheet.headers):
        return (
            f"no header (the first line holds values: {heads}); "
            "map it by hand with has_header: false and numbers of columns"
        )
    return f"not understood ({heads})"


def _opened(path: Path, within: str) -> list[_Sheet]:
    """Return the sheets of a table that hold something; of records in JSON none."""
    suffix = path.suffix.lower()
    if suffix in JSON_SUFFIXES:
        return []
    tables: dict[str | None, list[list[str | None]]] = {}
    if suffix in WORKBOOKS:
        names = [name for name, is_filled in sheets_of(path, within).items() if is_filled]
        for name in names if len(names) > 1 else [None]:
            found = xlsx_records(path, Reading(files=["*"], sheet=name), within)
            tables[name] = [record.cells for record in found if isinstance(record, Record)]
    elif suffix in PARQUET:
        tables[None] = [r.cells for r in parquet_records(path, within) if isinstance(r, Record)]
    else:
        with path.open(encoding=encoding_of(path, None, within), newline="") as handle:
            top = list(islice(handle, _LONGEST_PREAMBLE))
            delimiter = max(
                ",;\t|", key=lambda sign: max((line.count(sign) for line in top), default=0)
            )
            handle.seek(0)
            tables[None] = [list(cells) for cells in csv.reader(handle, delimiter=delimiter)]
    return [
        _Sheet(path, within, [(c or "").strip().lstrip("\ufeff") for c in rows[0]], rows[1:], name)
        for name, rows in tables.items()
        if rows
    ]


def _mapping_of(sheet: _Sheet) -> _Mapping | None:
    """Return the entity whose columns the header names best, or None where none is sure."""
    best: tuple[int, int, _Mapping] | None = None
    name = sheet.within.rsplit("/", 1)[-1].casefold()
    for entity, told in _words()["entities"].items():
        spellings = told["columns"] | {c: [] for c in ENTITIES[entity] if c not in told["columns"]}
        columns = _columns_of(spellings, sheet.headers)
        lacking = missing_required(entity, set(columns))
        is_named = any(word in name for word in told["files"])
        if len(columns) < (2 if is_named else 3) or len(lacking) > (1 if is_named else 0):
            continue
        if lacking and not _is_fillable(entity, lacking[0]):
            continue
        score = (len(columns) + 3 * is_named - 2 * len(lacking), -len(lacking))
        if best is None or score > best[:2]:
            best = (*score, _Mapping(entity, columns, lacking, [sheet]))
    return best[2] if best else None


def _is_fillable(entity: str, column: str) -> bool:
    """A whole column may be said once in the settings, unless it identifies rows or is money."""
    known = ENTITIES[entity].get(column)
    return known is not None and known.kind not in ("key", "reference", "money")


def _columns_of(spellings: dict[str, list[str]], headers: list[str]) -> dict[str, str]:
    by_name: dict[str, str] = {}
    for header in headers:
        by_name.setdefault(tight(header), header)
    bare = [(tight(_without_currency(header)), header) for header in headers]
    for name, header in bare:
        if [known for known, _ in bare].count(name) == 1:
            by_name.setdefault(name, header)
    by_name.pop("", None)
    columns: dict[str, str] = {}
    for column, names in spellings.items():
        for name in (column, *names):
            header = by_name.get(tight(name))
            if header and header not in columns.values():
                columns[column] = header
                break
    for key, name in _words()["names_as_ids"].items():
        if key in spellings and key not in columns and name in columns:
            columns[key] = columns[name]
    return columns


def _without_currency(header: str) -> str:
    """Return ``Amount, USD`` as ``Amount``; thousands of a currency stay what they are."""
    told = header.casefold().rstrip(" .)")
    for sign in (sign for signs in _words()["currencies"].values() for sign in signs):
        told = told.removesuffix(sign)
    return told.rstrip(" ,(")


def _sources(
    systems: dict[str, list[tuple[Path, str]]], own: list[_Mapping]
) -> dict[str, tuple[str, list[_Mapping], list[tuple[Path, str]]]]:
    """Return name -> (system, mappings, files); a second table of an entity is a second source."""
    sources: dict[str, Any] = {name: (name, [], files) for name, files in systems.items()}
    for mapping in own:
        number = 1
        while True:
            name = "books" if number == 1 else f"books{number}"
            _, taken, files = sources.setdefault(name, ("files", [], []))
            if all(other.entity != mapping.entity for other in taken):
                break
            number += 1
        taken.append(mapping)
        files += [(sheet.path, sheet.within) for sheet in mapping.sheets]
    return sources


def _settings(company: str, sources: dict[str, Any], told: Proposed) -> str:
    own = [m for _, mappings, _ in sources.values() for m in mappings]
    heads = " ".join(h for m in own for s in m.sheets for h in s.headers)
    is_russian = bool(re.search("[а-яё]", heads, re.I)) or bool({"amocrm", "bitrix24"} & {*sources})
    currency = _currency(own)

    def ask(question: str) -> str:
        told.questions.append(question)
        return f"  # TODO {question}"

    lines = [
        "# Proposed from exports; lines marked TODO ask what the files do not tell.",
        f"company: {_scalar(company)}",
        f"reporting_currency: {currency or ('RUB' if is_russian else 'USD')}"
        + ("" if currency else ask("reporting_currency: the files name no one currency")),
        f"timezone: {'Europe/Moscow' if is_russian else 'UTC'}"
        + ask("timezone: of the company's business days and of times without an offset"),
        f"language: {'ru' if is_russian else 'en'}",
        f"country: {'RU' if is_russian else 'null'}",
        "sources:",
    ]
    for name, (system, mappings, _) in sources.items():
        lines += [f"  {name}:", f"    system: {system}"]
        if _asks_of_micros(told.reading, name):
            question = f"{name}.money_in_micros: true where 1000000 means one unit of money"
            lines.append(f"    # money_in_micros: true{ask(question)}")
        lines += ["    entities:"] if mappings else []
        for mapping in mappings:
            lines += _entity_lines(mapping, ask)
    stages = _stage_lines(sources, told.reading, ask)
    if stages and all(line.strip().startswith("#") for line in stages):
        lines.append("# stages:  # TODO uncomment with the lines below")
    elif stages:
        lines.append("stages:")
    lines += stages
    lines += _lines_of_first_reading(told.reading, ask) if told.reading else []
    lines += [f"# left out: {_scalar(name)}: {why}" for name, why in told.left_out.items()]
    return "\n".join(lines) + "\n"


def _entity_lines(mapping: _Mapping, ask: Any) -> list[str]:
    columns, question = f"columns: {_flow(mapping.columns)}", ""
    if key := mapping.doubtful_key:
        header = mapping.columns[key]
        columns = f"columns: {_flow(mapping.columns | {key: 'TODO'})}"
        question = ask(
            f"{mapping.entity}.{key}: {_scalar(header)} counts from 1 in each file: it, where it "
            f'names the record all the same, or "{ROW_ID}", where it numbers lines'
        )
    lines = [
        f"      {mapping.entity}:",
        f"        files: {_flow([s.within for s in mapping.sheets])}",
        f"        {columns}{question}",
    ]
    _, _, name, skip_top = mapping.reading
    lines += [f"        sheet: {_scalar(name)}"] if name else []
    lines += [f"        skip_top: {skip_top}"] if skip_top else []
    for column in mapping.lacking:
        question = f"{mapping.entity}.{column}: no column tells it; a value for every row"
        lines.append(f"        constants: {{{column}: TODO}}" + ask(question))
    for column, question in _words()["asked"].get(mapping.entity, {}).items():
        if column not in mapping.columns:
            lines.append(f"        # {column}{ask(f'{mapping.entity}.{column}: {question}')}")
    unread = [head for head in mapping.sheets[0].headers if head not in mapping.columns.values()]
    lines += [f"        # not read: {_flow(unread)}"] if any(unread) else []
    if order := _date_order(mapping):
        is_known = order != "?"
        line = f"date_order: {order if is_known else 'dmy'}"
        question = f"{mapping.entity}.date_order: dmy or mdy; no day in the column is above 12"
        lines.append(f"        {line}" if is_known else f"        # {line}{ask(question)}")
    if decimal := _decimal(mapping):
        is_known = decimal != "?"
        line = f"decimal: {_scalar(decimal if is_known else ',')}"
        question = f'{mapping.entity}.decimal: "," or "."; no amount in the column tells'
        lines.append(f"        {line}" if is_known else f"        # {line}{ask(question)}")
    return lines


def _cells(mapping: _Mapping, kinds: tuple[str, ...]) -> list[list[str]]:
    """Return the values of each column of these kinds."""
    table = ENTITIES[mapping.entity]
    headers = [h for c, h in mapping.columns.items() if table[c].kind in kinds]
    return [[v for s in mapping.sheets for v in s.values(header)] for header in headers]


def _date_order(mapping: _Mapping) -> str | None:
    """Return dmy or mdy, ``?`` where days and months look alike, None where it does not matter."""
    asked = None
    for values in _cells(mapping, ("date", "instant")):
        pairs = [(int(m[1]), int(m[2])) for m in map(_DAY_FIRST.match, values) if m]
        if any(first > 12 for first, _ in pairs):
            return "dmy"
        if any(second > 12 for _, second in pairs):
            return "mdy"
        asked = "?" if pairs else asked
    return asked


def _decimal(mapping: _Mapping) -> str | None:
    """Return the sign between whole and part, ``?`` where 1,234 may be either, else None."""
    asked = None
    for values in _cells(mapping, ("money", "price", "number")):
        signs = {m[1] for m in (re.search(r"\d([.,])\d{1,2}\D*$", v) for v in values) if m}
        if len(signs) == 1:
            return signs.pop()
        if not signs and any(_HALF_NUMBER.match(value) for value in values):
            asked = "?"
    return asked


def _currency(own: list[_Mapping]) -> str | None:
    """Return the one currency that columns, cells and headers of amounts name."""
    found: set[str] = set()
    for mapping in own:
        header = mapping.columns.get("currency")
        if header:
            found |= {v.upper() for s in mapping.sheets for v in s.values(header)}
        amount = mapping.columns.get("amount")
        texts = {amount} if amount else set()
        texts |= {v for s in mapping.sheets for v in (s.values(amount) if amount else [])}
        for code, signs in _words()["currencies"].items():
            if any(_names(sign, text.casefold()) for text in texts for sign in signs):
                found.add(code)
    codes = {code for code in found if re.fullmatch("[A-Z]{3}", code)}
    return codes.pop() if len(found) == len(codes) == 1 else None


def _names(sign: str, text: str) -> bool:
    """Tell whether a text names a currency: ``C$`` is another one than ``$``."""
    return bool(re.search(rf"(?<![^\W\d_]){re.escape(sign)}", text))


def _stage_lines(sources: dict[str, Any], reading: FirstReading | None, ask: Any) -> list[str]:
    """Return a rule for each stage; commented out where its outcome is not sure.

    Stages of the user's own tables are read off their column; those of systems, whose answers tell
    most outcomes by themselves, are the ones that the first reading left without.
    """
    outcome_of = {
        tight(word): outcome for outcome, words in _words()["outcomes"].items() for word in words
    }
    lines = []
    for name, (_, mappings, _) in sources.items():
        for mapping in mappings:
            header = mapping.columns.get("stage")
            if mapping.entity != "deals" or not header:
                continue
            seen = dict.fromkeys(v for s in mapping.sheets for v in s.values(header))
            for stage in seen:
                outcome = outcome_of.get(tight(stage))
                rule = {"source": name, "pipeline": "*", "stage": stage}
                if outcome:
                    lines.append(f"  - {_flow(rule | {'outcome': outcome})}")
                else:
                    question = f"stage {stage}: open, won or lost"
                    lines.append(f"  # - {_flow(rule | {'outcome': 'open'})}{ask(question)}")
    known = "\n".join(lines)
    for pipeline, stage, line in reading.stages if reading else []:
        if f'"stage": {_scalar(stage)}' not in known:
            place = f" of {pipeline}" if pipeline else ""
            lines.append(f"  # {line}{ask(f'stage {stage}{place}: open, won or lost')}")
    return lines


def _scalar(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _flow(value: Any) -> str:
    """Return a flow collection on one line; JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)
