"""How a sheet of targets is read whose columns nobody has mapped: by its own header.

What belongs here: names of columns in both languages, and telling a wide sheet (a column per month
or quarter) from a tall one. What does not: what a target means (goals), reading rows (landing).
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from dagster_project.configuration import EntityMapping, Unpivot
from dagster_project.ingest.contracts import fold
from dagster_project.ingest.readers import (
    delimiter_of,
    encoding_of,
    header_line,
    parquet_headers,
    refuse,
    xlsx_head,
)
from dagster_project.ingest.reading import Reading
from dagster_project.period_names import is_period

NAMES: dict[str, tuple[str, ...]] = {
    "goal_id": ("goal", "цель", "код цели", "id цели"),
    "kind": ("вид", "вид цели"),
    "parent_goal_id": ("parent", "parent goal", "вышестоящая цель", "родитель"),
    "title": ("goal title", "название", "формулировка"),
    "owner_manager_id": ("owner", "ответственный", "владелец"),
    "rationale": ("reason", "why", "обоснование", "зачем"),
    "kpi_code": ("kpi", "показатель", "метрика"),
    "scope_type": ("scope", "разрез", "уровень"),
    "scope_id": ("scope name", "who", "объект", "кому"),
    "period_grain": ("grain", "вид периода"),
    "period_start": ("period", "start", "период", "начало"),
    "target_kind": ("вид плана", "как считать"),
    "target_value": ("target", "value", "план", "значение"),
    "baseline_kind": ("baseline", "база"),
    "baseline_value": ("значение базы",),
    "floor": ("минимум",),
    "stretch": ("максимум",),
    "currency": ("валюта",),
    "issued_on": ("issued", "поставлена", "дата постановки"),
    "version": ("версия",),
    "approved_by": ("approved", "утвердил", "согласовал"),
}
"""Own column -> other headers it is known by; its own name counts too, with spaces for ``_``."""


def target_sheet(mapping: EntityMapping, path: Path, where: str) -> EntityMapping:
    """Return a mapping with the columns that a sheet's header names, where none are written.

    Columns whose headers are periods are turned into rows where no column holds the period.

    Args:
        mapping: What workspace.yml says of the sheet.
        path: The delivered file.
        where: Its name for messages.

    Raises:
        SourceFileError: The header names neither a KPI nor a target.
    """
    headers = _headers(mapping, path, where)
    told: dict[str, str | int] = dict(mapping.columns)
    if not told:
        by_name = {fold(header): header for header in reversed(headers) if header}
        for column, names in NAMES.items():
            spellings = (column, column.replace("_", " "), *names)
            header = next((by_name[name] for name in spellings if name in by_name), None)
            if header is not None and column not in mapping.constants:
                told[column] = header
    given = {*told, *mapping.constants}
    unpivot = mapping.unpivot
    periods = [header for header in headers if header and is_period(header)]
    if unpivot is None and "period_start" not in given and periods:
        shape = "|".join(re.escape(header) for header in periods)
        unpivot = Unpivot(columns=f"^(?:{shape})$", name_to="period_start", value_to="target_value")
        told.pop("target_value", None)
    if unpivot:
        given |= {unpivot.name_to, unpivot.value_to}
    lacking = [
        c for c in ("kpi_code", "scope_type", "period_start", "target_value") if c not in given
    ]
    if lacking:
        raise refuse(
            "missing_header",
            "headers " + ", ".join(f"`{(h or '').strip()}`" for h in headers[:20]),
            f"columns {', '.join(lacking)}; or, in place of period and target, a column per month "
            "or quarter such as `2026-10`, `Q4 2026`",
            where,
            "correct the header, or write under `entities: targets:` of this source which column "
            "is which (`columns:`) and what holds for the whole sheet (`constants:`)",
        )
    return mapping.model_copy(update={"columns": told, "unpivot": unpivot})


def _headers(mapping: EntityMapping, path: Path, where: str) -> list[str | None]:
    if not mapping.has_header:
        return []
    suffix = path.suffix.lower()
    if suffix in {".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"}:
        rows = xlsx_head(path, mapping.sheet, where)[mapping.skip_top :]
        return next((row for row in rows if any(row)), [])
    if suffix in {".parquet", ".pq"}:
        return parquet_headers(path, where)
    if suffix in {".json", ".ndjson", ".jsonl"} or not path.stat().st_size:
        return list(mapping.columns.values())  # type: ignore[arg-type]
    reading = Reading(**mapping.model_dump())
    line = header_line(path, reading, encoding_of(path, mapping.encoding, where))
    return list(next(csv.reader([line], delimiter=delimiter_of(line, reading)), []))
