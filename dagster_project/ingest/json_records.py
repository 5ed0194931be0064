"""JSON of any envelope -> records: lists, pages, batches, one object a line.

What belongs here: finding the records inside a JSON file and laying nested objects flat. What does
not: which table they are (recognition), which column means what (landing).

A path names the steps from the top to the records, such as ``result.items``: a name enters a
member; ``*`` enters every member of an object, whose name each record then carries as
``parent.key``; lists are entered item by item wherever they occur, so a file that is a list of
pages needs no step of its own. Plain members of an object inside a list, or of a line's object, on
the way to the records are carried as ``parent.<name>`` (statuses inside pipelines know their
pipeline).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dagster_project.errors import SourceFileError
from dagster_project.ingest.readers import Record, Refused, as_text, refuse
from dagster_project.ingest.reading import Reading

LINES = {".ndjson", ".jsonl"}
_BROKEN = (ValueError, RecursionError)
"""What is no JSON, has a whole number of thousands of digits, or nests thousands of levels deep."""


def json_records(document: Any, reading: Reading, where: str) -> Iterator[Record | Refused]:
    """Read a JSON list, an object that holds one, or one object a line; first record = the keys.

    An empty list gives nothing, keys neither.

    A broken line of NDJSON refuses that line only; lists stay JSON text, and so do nested objects
    unless ``flatten`` is set.
    """
    rows, refused = records_in(document, reading, where)
    if not rows and not refused and not isinstance(document, Lines):
        return
    keys = list(dict.fromkeys(key for _, item in rows for key in item))
    yield Record(0, [as_text(key) for key in keys])
    yield from refused
    for number, item in rows:
        yield Record(number, [_json_text(item.get(key)) for key in keys])


def json_headers(document: Any, reading: Reading, where: str) -> list[str]:
    """Return the keys of all records in the order of their first occurrence: a table's header."""
    rows, _ = records_in(document, reading, where)
    return [as_text(key) for key in dict.fromkeys(key for _, item in rows for key in item)]


def _fraction(written: str) -> str:
    """Keep a number as it is written, a whole one without a point, as in the other formats."""
    return written.removesuffix(".0")


class Lines:
    """One object a line, with the lines that are none."""

    def __init__(self, text: str) -> None:
        self.objects: list[tuple[int, Any]] = []
        self.refused: list[Refused] = []
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            try:
                self.objects.append((number, json.loads(line, parse_float=_fraction)))
            except _BROKEN as error:
                self.refused.append(Refused(number, "broken_json_line", str(error), line[:200]))


def parsed_json(path: Path, encoding: str, where: str) -> Any:
    """Return a file's document, or its ``Lines``; numbers with a point stay text.

    Raises:
        SourceFileError: The text is neither JSON nor one object a line.
    """
    text = path.read_text(encoding=encoding)
    if path.suffix.lower() in LINES or not text.strip():
        return Lines(text)
    try:
        return json.loads(text, parse_float=_fraction)
    except _BROKEN as error:
        if "\n{" not in text.strip():
            raise refuse(
                "broken_json",
                f"text that is no JSON: {error}",
                "a JSON list, an object, or one object a line",
                where,
                "deliver the file again, whole",
            ) from error
        return Lines(text)


def is_blank(document: Any) -> bool:
    """Tell an answer without any content: no line, or an empty object, list or null."""
    if isinstance(document, Lines):
        return not document.objects and not document.refused
    return document in ({}, [], None)


def records_in(
    document: Any, reading: Reading, where: str
) -> tuple[list[tuple[int, dict[str, Any]]], list[Refused]]:
    """Return numbered records and what stands among them and is none.

    Raises:
        SourceFileError: No path leads to a list of records (``no_records``).
    """
    refused: list[Refused] = []
    rows: list[tuple[int, dict[str, Any]]] = []
    if isinstance(document, Lines):
        refused += document.refused
        for number, item in document.objects:
            told = _plain_members(item)
            found = _below(item, reading, told) if reading.record_paths else [item]
            found = [item] if found is None else found
            rows += [(number, one) for one in found if isinstance(one, dict)]
            refused += [_no_object(number, one) for one in found if not isinstance(one, dict)]
    else:
        found = (
            _at_paths(document, reading, where)
            if reading.record_paths
            else _list_in(document, reading.records, where)
        )
        for number, item in enumerate(found, start=1):
            if isinstance(item, dict):
                rows.append((number, item))
            else:
                refused.append(_no_object(number, item))
    if reading.flatten:
        rows = [(number, flat(item, reading.custom_fields)) for number, item in rows]
    return rows, refused


def _no_object(number: int, item: Any) -> Refused:
    return Refused(number, "no_object", "not an object", as_text(str(item)[:200]))


def _list_in(found: Any, records: str | None, where: str) -> list[Any]:
    for step in records.split(".") if records else ():
        found = found.get(step) if isinstance(found, dict) else None
    if isinstance(found, dict) and not records:
        lists = [v for v in found.values() if isinstance(v, list)]
        found = lists[0] if len(lists) == 1 else [found]
    if not isinstance(found, list):
        raise _no_list(records or "(the top)", where)
    return found


def _at_paths(document: Any, reading: Reading, where: str) -> list[Any]:
    found = _below(document, reading)
    if found is None:
        raise _no_list(" or ".join(reading.record_paths), where)
    return found


def _no_list(path: str, where: str) -> SourceFileError:
    return refuse(
        "no_records",
        "no list of records",
        f"a list at `{path}`",
        where,
        "name the path to the list with `records:` in workspace.yml",
    )


def _below(
    document: Any, reading: Reading, parent: dict[str, Any] | None = None
) -> list[Any] | None:
    """Return the records at every path that leads somewhere; None where none does."""
    paths = (reading.records,) if reading.records else reading.record_paths
    found: list[Any] = []
    is_there = False
    for path in paths:
        steps = [step for step in path.split(".") if step]
        reached = list(_walk(document, steps, parent or {}, is_top=True))
        is_there = is_there or bool(reached)
        found += [item for items in reached for item in items]
    return found if is_there else None


def _walk(
    node: Any,
    steps: list[str],
    parent: dict[str, Any],
    *,
    is_top: bool = False,
    is_listed: bool = False,
) -> Iterator[list[Any]]:
    """Yield lists of records below ``node``; an empty list is a page without records."""
    if isinstance(node, list):
        if not node:
            yield []
        for item in node:
            if steps and steps[0] != "*" and isinstance(item, dict) and steps[0] not in item:
                continue
            told = parent if is_top or not steps else parent | _plain_members(item)
            yield from _walk(item, steps, told, is_listed=True)
    elif not steps:
        if not isinstance(node, dict):
            yield [node]
        elif _is_record(node, is_listed=is_listed):
            yield [parent | node]
    elif isinstance(node, dict) and steps[0] == "*":
        for key, value in node.items():
            told = parent | _plain_members(value) if len(steps) > 1 else parent
            yield from _walk(value, steps[1:], told | {"parent.key": key})
    elif isinstance(node, dict) and steps[0] in node:
        yield from _walk(node[steps[0]], steps[1:], parent)


def _is_record(node: dict[str, Any], *, is_listed: bool) -> bool:
    """Tell a record from an envelope, which has nothing but lists and objects.

    An object of nothing but objects is a record where it stands in a list: Google Ads tells a row
    as `{"campaign": {...}, "metrics": {...}}`.
    """
    kinds = {type(value) for value in node.values()}
    is_envelope = kinds <= {dict, list, type(None)}
    return not node or not is_envelope or (is_listed and list not in kinds)


def _plain_members(item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        return {}
    return {f"parent.{k}": v for k, v in item.items() if not isinstance(v, dict | list)}


def flat(item: dict[str, Any], custom_fields: str | None = None) -> dict[str, Any]:
    """Lay nested objects flat under dotted names, custom fields under ``field:<id or code>``."""
    laid: dict[str, Any] = {}
    for key, value in item.items():
        if key == custom_fields and isinstance(value, list):
            laid |= _custom(value)
        elif isinstance(value, dict):
            laid |= {f"{key}.{inner}": v for inner, v in flat(value, custom_fields).items()}
        else:
            laid[key] = value
    return laid


def _custom(fields: list[Any]) -> dict[str, Any]:
    laid: dict[str, Any] = {}
    for one in fields:
        if not isinstance(one, dict):
            continue
        values = [v.get("value") if isinstance(v, dict) else v for v in one.get("values") or []]
        told = ", ".join(text for text in map(_json_text, values) if text)
        for name in ("field_id", "field_code"):
            if one.get(name) not in (None, ""):
                laid[f"field:{one[name]}"] = told
        if one.get("field_name"):
            laid.setdefault(f"{one['field_name']}", told)
    return laid


def _json_text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
