"""``state/closed/<period>/r<n>/``: written once, whole, and refused where anybody touched it.

What belongs here: files, hashes, the chain of closings. What does not: what is in them (tables),
what is closed (closing).

**Shape**: a revision holds one Parquet per kept table, ``kpi_values.parquet``,
``kpi_events.parquet``, ``files/`` (plans, targets, settings) and ``manifest.json`` with the SHA-256
of every file and of the manifest that was closed before it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster_project.closing.tables import TABLES, Row, arrow_table, settled_of
from dagster_project.errors import ClosedPeriodBroken
from dagster_project.pay.checks import KpiTerms, PlanContext
from dagster_project.pay.inputs import Period
from dagster_project.pay.plans import Plan
from dagster_project.pay.reading import plan_called, read_plan
from dagster_project.pay.settlement import Settled

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Revision:
    """One closing of one period, as kept; its files have the hashes that were written."""

    folder: Path
    manifest: Mapping[str, Any]
    sha256: str

    @property
    def label(self) -> str:
        """The period as people write it."""
        return self.manifest["period"]

    @property
    def number(self) -> int:
        """1 for the first closing of the period."""
        return self.manifest["revision"]

    @property
    def period(self) -> Period:
        """The period."""
        told = self.manifest
        return Period(
            told["period_grain"],
            date.fromisoformat(told["period_start"]),
            date.fromisoformat(told["period_end"]),
        )

    @property
    def closed_on(self) -> date:
        """The day of the release that was closed: runs for earlier days do not see it."""
        return date.fromisoformat(self.manifest["closed_on"])

    @property
    def closed_at(self) -> datetime:
        """The instant of the closing, in UTC."""
        told = datetime.fromisoformat(self.manifest["closed_at"])
        return told.astimezone(UTC).replace(tzinfo=None)

    def rows(self, table: str) -> list[Row]:
        """Return the rows of a kept table."""
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / f"{table}.parquet").to_pylist()

    @cached_property
    def settled(self) -> list[Settled]:
        """The statements with everything they were worked out from."""
        tables = {name: self.rows(name) for name in TABLES}
        plans = self._plans(tables)
        return settled_of(tables, plans, self.number, self.closed_on)

    def _plans(self, tables: Mapping[str, Sequence[Row]]) -> dict[str, Plan]:
        """Read the plans that somebody was on: of the others' KPIs nothing was kept."""
        terms = {row["kpi_code"]: _terms(row) for row in tables["kpis"]}
        used = {row["plan"] for row in tables["assignments"]}
        plans = {}
        for path in sorted((self.folder / "files" / "bonus").glob("*.y*ml")):
            if plan_called(path.read_bytes()) not in used:
                continue
            context = PlanContext(terms, self.manifest["currency"])
            told = read_plan(path.read_bytes(), f"{self.label}/r{self.number}/{path.name}", context)
            plans[told.plan.plan] = told.plan
        return plans


def _terms(row: Row) -> KpiTerms:
    sets = {name: frozenset(row[name].split(";")) for name in ("scopes", "grains")}
    return KpiTerms(**row | sets)


def read_closed(
    folder: Path, as_of: date | None = None, known_by: datetime | None = None
) -> list[Revision]:
    """Return every revision under ``state/closed``, in the order of closing, verified.

    Args:
        folder: ``state/closed``.
        as_of: Leave out what was closed on a later day.
        known_by: Leave out what was closed after this instant, in UTC.

    Raises:
        ClosedPeriodBroken: A file is gone, is new, or has another content than when it was closed;
            or a closing between two others is gone.
    """
    revisions = []
    for path in sorted(folder.glob(f"*/r*/{MANIFEST}")):
        content = path.read_bytes()
        try:
            manifest = json.loads(content)
        except json.JSONDecodeError as error:
            raise _broken(path, f"a manifest that is no JSON: {error}") from error
        revision = Revision(path.parent, manifest, hashlib.sha256(content).hexdigest())
        _verify(revision)
        revisions.append(revision)
    for path in folder.glob("*/r*"):
        if not (path / MANIFEST).exists():
            raise _broken(path, "no manifest")
    revisions.sort(key=lambda r: (r.manifest["sequence"], r.label))
    before = None
    for revision in revisions:
        if revision.manifest["previous"] != before:
            raise _broken(
                revision.folder,
                "the closing before it is not the one that was there when it was made",
            )
        before = revision.sha256
    return [
        r
        for r in revisions
        if (as_of is None or r.closed_on <= as_of) and (known_by is None or r.closed_at <= known_by)
    ]


def _verify(revision: Revision) -> None:
    files = revision.manifest["files"]
    found = {
        path.relative_to(revision.folder).as_posix(): path
        for path in revision.folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    for name in sorted(set(files) | set(found)):
        if name not in found:
            raise _broken(revision.folder / name, "nothing: the file is gone")
        if name not in files:
            raise _broken(found[name], "a file that was not there when the period was closed")
        if hashlib.sha256(found[name].read_bytes()).hexdigest() != files[name]:
            raise _broken(found[name], "another content than when the period was closed")


def _broken(path: Path, found: str) -> ClosedPeriodBroken:
    return ClosedPeriodBroken(
        "reading closed periods",
        found=found,
        expected="files that nobody has touched since",
        where=str(path),
        remedy="restore state/ from a backup; statements are paid from closed periods only, so "
        "nothing is worked out until then",
    )


def write_revision(
    folder: Path,
    *,
    label: str,
    period: Period,
    tables: Mapping[str, Sequence[Row]],
    copy_marts: Callable[[Path], None],
    files: Mapping[str, bytes],
    told: Mapping[str, Any],
    closed_at: datetime,
) -> Revision:
    """Keep a closing as the next revision of its period.

    Args:
        folder: ``state/closed``.
        label: The period as people write it.
        period: The period.
        tables: Rows by kept table.
        copy_marts: Writes ``kpi_values.parquet`` and ``kpi_events.parquet`` into a folder.
        files: Content by name below ``files/``.
        told: What else the manifest should say.
        closed_at: The instant.

    Returns:
        The revision, read back and verified.
    """
    import pyarrow.parquet as pq

    existing = read_closed(folder)
    number = 1 + max((r.number for r in existing if r.label == label), default=0)
    above = folder / label
    beside = above / f".r{number}.new"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for name, rows in tables.items():
        table = arrow_table(TABLES[name], rows)
        pq.write_table(table, beside / f"{name}.parquet", compression="zstd")
    copy_marts(beside)
    for name, content in files.items():
        path = beside / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    written = [p for p in sorted(beside.rglob("*")) if p.is_file()]
    manifest = {
        "period": label,
        "period_grain": period.grain,
        "period_start": period.start.isoformat(),
        "period_end": period.end.isoformat(),
        "revision": number,
        "sequence": 1 + max((r.manifest["sequence"] for r in existing), default=0),
        "closed_at": closed_at.isoformat(),
        **told,
        "previous": existing[-1].sha256 if existing else None,
        "files": {
            p.relative_to(beside).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in written
        },
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2)
    (beside / MANIFEST).write_text(text, encoding="utf-8")
    for path in [*beside.rglob("*"), beside]:
        _fsync(path)
    final = above / f"r{number}"
    beside.rename(final)
    _fsync(above)
    return next(r for r in read_closed(folder) if r.folder == final)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
