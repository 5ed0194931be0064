"""One release: kpi.duckdb, parquet/ and manifest.json, whole before anybody can see it.

What belongs here: copying marts and ops, verifying the copy, swapping the link, keeping the last
releases. What does not: whether the data may be published (the caller passes what the gates said).
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.checkpoints import reached
from dagster_project.errors import GateFailed, PublishFailed
from dagster_project.settings import Workspace

JOURNAL = ("gate_results", "runs")
"""Tables of ops that runs write themselves, beside those that models make."""
KEPT_RELEASES = 3
_TOLD = frozenset({"run_id", "as_of", "signature"})
"""What a manifest must tell: one without was not written by a run."""
_PARQUET = "format parquet, compression zstd, compression_level 1, dictionary_size_limit 1000"
"""No dictionary for ids: it costs a fifth of the writing. Packing harder saves nothing."""
_READER = {"memory_limit": "512MiB"}
"""A release is read through once when it is verified: nothing of it needs to stay in memory."""
STEPS = (
    "gate of raw",
    "staging",
    "intermediate",
    "gate of refined",
    "marts",
    "pay",
    "gate of kpi",
)
"""What a load goes through before it may be published, each step resting on those before it."""


@dataclass(frozen=True)
class Release:
    """What was published: where, and what it holds."""

    folder: Path
    is_swapped: bool
    tables: dict[str, dict[str, Any]]


def require_permission(
    workspace: Workspace, load: dict[str, Any], done: dict[str, str | None]
) -> None:
    """Refuse unless every step was done on exactly this load, under this run's settings and day.

    Args:
        workspace: The workspace of the run that asks to publish.
        load: The row of ``raw.load``.
        done: Of each step that still holds, the id of the load that it was done on.

    Raises:
        GateFailed: A gate did not pass for this load, a layer holds another load, or the load was
            read under other settings, another day or other code than this run's.
    """
    told = {
        "as_of": workspace.as_of,
        "known_by": workspace.known_by,
        "settings_hash": workspace.settings_hash,
        "code_version": workspace.code_version,
    }
    changed = [name for name, now in told.items() if load.get(name) != now]
    lacking = [step for step in STEPS if done.get(step) != load["load_id"]]
    if not changed and not lacking:
        return
    raise GateFailed(
        "publishing the KPI marts",
        found="; ".join(
            [f"not done for load {load['load_id']}: {', '.join(lacking)}"] * bool(lacking)
            + [f"a load that was read under another {', '.join(changed)}"] * bool(changed)
        ),
        expected="every layer built from, and every gate passed for, exactly the load that is "
        "published, under the settings and the day of this run",
        where="ops.steps_done",
        remedy="run the whole job: `kpi run`. What is published stays as it was",
    )


def publish(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    *,
    run_id: str,
    load: dict[str, Any],
) -> Release:
    """Write a release beside, verify it, and swap the published link to it.

    Args:
        workspace: The workspace.
        connection: The warehouse.
        run_id: Names the release.
        load: ``load_id, signature`` and what else the manifest should tell of the run.

    Returns:
        The release. A run for an earlier day than the published one, or one with ``known_by``,
        goes to ``published_asof/<date>`` and swaps nothing.

    Raises:
        PublishFailed: The copy differs from the warehouse, or the disk refused; the link stays.
    """
    _require_link(workspace)
    beside = workspace.releases / f".{run_id}.new"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        (beside / "parquet").mkdir(parents=True)
        tables = _write(connection, workspace, beside, run_id)
        _verify(beside, tables)
        manifest = {
            "run_id": run_id,
            "as_of": workspace.as_of.isoformat(),
            "known_by": workspace.known_by.isoformat() if workspace.known_by else None,
            "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "settings_hash": workspace.settings_hash,
            "code_version": workspace.code_version,
            "duckdb_version": duckdb.__version__,
            **load,
            "tables": tables,
        }
        path = beside / "manifest.json"
        path.write_text(json.dumps(manifest, ensure_ascii=False, indent=2), encoding="utf-8")
        for written in beside.rglob("*"):
            _fsync(written)
        reached("release_written")
        return _move(workspace, beside, run_id, tables)
    except (OSError, duckdb.Error) as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise PublishFailed(
            "writing a release",
            found=f"{type(error).__name__}: {error}",
            expected="a folder that can be written, with room for another release",
            where=str(workspace.releases),
            remedy="make room or give the right to write, then run again; "
            "what is published stays as it was",
        ) from error


def _require_link(workspace: Workspace) -> None:
    if workspace.published.is_dir() and not workspace.published.is_symlink():
        raise PublishFailed(
            "swapping the link to the release",
            found="a folder where the link to the newest release belongs, as a copy of the "
            "workspace that does not keep links leaves it",
            expected="a link, or nothing",
            where=str(workspace.published),
            remedy="remove that folder and run again: what it holds is made anew",
        )


def published_manifest(workspace: Workspace) -> dict[str, Any] | None:
    """Return what is published now tells of itself; None where it tells nothing of use."""
    try:
        told = json.loads((workspace.published / "manifest.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return told if isinstance(told, dict) and told.keys() >= _TOLD else None


def published_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Return (schema, name) of the tables that models make for a release."""
    return connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'kpi' "
        "order by schema_name, table_name"
    ).fetchall()


def _write(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, folder: Path, run_id: str
) -> dict[str, dict[str, Any]]:
    """Copy the marts' file, add what runs and gates told, and write each table as Parquet."""
    settle(connection)
    _copy_whole(workspace.marts_file, folder / "kpi.duckdb")
    connection.execute(f"attach {_quoted(folder / 'kpi.duckdb')} as release")
    tables: dict[str, dict[str, Any]] = {}
    try:
        for name in JOURNAL:
            connection.execute(f"create table release.ops.{name} as select * from ops.{name}")
        own = "update release.ops.runs set status = 'published' where run_id = ?"
        connection.execute(own, [run_id])
        _make_views_portable(connection)
        connection.execute("checkpoint release")
        for origin, schema, name in [
            *(("kpi", schema, name) for schema, name in published_tables(connection)),
            *(("release", "ops", name) for name in JOURNAL),
        ]:
            parquet = f"{name}.parquet" if schema == "marts" else f"ops_{name}.parquet"
            (count,) = connection.execute(
                f"copy {origin}.{schema}.{name} to {_quoted(folder / 'parquet' / parquet)} "
                f"({_PARQUET})"
            ).fetchone()
            tables[f"{schema}.{name}"] = {"rows": count, "parquet": parquet}
    finally:
        connection.execute("detach release")
    return tables


def _copy_whole(origin: Path, copy: Path) -> None:
    """Copy a file and hold the copy against it, byte by byte."""
    shutil.copyfile(origin, copy)
    if not filecmp.cmp(origin, copy, shallow=False):
        raise PublishFailed(
            "writing a release",
            found=f"a copy that differs from {origin.name}",
            expected="the same bytes",
            where=str(copy),
            remedy="run again; if it happens again, the disk is to be checked",
        )


def settle(connection: duckdb.DuckDBPyConnection, patience: float = 10.0) -> None:
    """Bring all that was committed to the marts into their file.

    DuckDB refuses a checkpoint while it has not cleaned up after a committed transaction, and it
    cleans up when a later transaction on the same file ends: hence the read before each try.

    Args:
        connection: The warehouse, with the marts' file attached as ``kpi``.
        patience: Seconds to go on trying while another connection still reads.

    Raises:
        duckdb.TransactionException: A transaction is still open after that time.
    """
    deadline = time.monotonic() + patience
    while True:
        connection.execute("select count(*) from kpi.ops.reconciliation").fetchall()
        try:
            connection.execute("checkpoint kpi")
            return
        except duckdb.TransactionException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _make_views_portable(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the views of a release anew without the name under which models knew its file."""
    views = connection.execute(
        "select schema_name, view_name, sql from duckdb_views() "
        "where database_name = 'release' and not internal"
    ).fetchall()
    own = connection.execute("select current_database()").fetchone()[0]
    connection.execute("use release")
    try:
        for schema, name, sql in views:
            body = sql[sql.upper().index(" AS ") + 4 :].rstrip().rstrip(";")
            for spelled in ('"kpi".', "kpi."):
                body = body.replace(spelled, "")
            connection.execute(f"create or replace view {schema}.{name} as {body}")
    finally:
        connection.execute(f'use "{own}"')


def _contents(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[str]
) -> dict[str, tuple[int, str]]:
    """Return of each table the row count and a checksum that does not hang on the rows' order."""
    counted = connection.execute(
        " union all ".join(
            f"select '{table}', count(*), cast(coalesce(sum(hash(rows_)), 0) as varchar) "
            f"from {table} as rows_"
            for table in tables
        )
    ).fetchall()
    return {
        table: (count, hashlib.sha256(f"{count}:{total}".encode()).hexdigest()[:16])
        for table, count, total in counted
    }


def _verify(folder: Path, tables: dict[str, dict[str, Any]]) -> None:
    """Open the release as a reader does; count its rows anew and keep a checksum of each table."""
    import pyarrow.parquet as pq

    if (folder / "kpi.duckdb.wal").exists():
        raise PublishFailed(
            "verifying a release",
            found="a write-ahead log beside kpi.duckdb",
            expected="a file that is whole by itself",
            where=str(folder),
        )
    with duckdb.connect(str(folder / "kpi.duckdb"), read_only=True, config=_READER) as release:
        found = _contents(release, tables)
        for name, told in tables.items():
            count, checksum = found[name]
            parquet_rows = pq.read_metadata(folder / "parquet" / told["parquet"]).num_rows
            told["checksum"] = checksum
            if not told["rows"] == count == parquet_rows:
                raise PublishFailed(
                    "verifying a release",
                    found=f"{name}: {count} rows in the file, {parquet_rows} in Parquet",
                    expected=f"the {told['rows']} rows of the warehouse",
                    where=str(folder),
                    remedy="run again; what is published stays as it was",
                )
        views = release.execute(
            "select schema_name || '.' || view_name from duckdb_views() where not internal"
        ).fetchall()
        for (view,) in views:
            release.execute(f"describe select * from {view}").fetchall()


def _move(
    workspace: Workspace, beside: Path, run_id: str, tables: dict[str, dict[str, Any]]
) -> Release:
    before = published_manifest(workspace)
    is_older = before is not None and workspace.as_of < date.fromisoformat(before["as_of"])
    if is_older or workspace.known_by is not None:
        final = workspace.published_asof / workspace.as_of.isoformat()
        final.parent.mkdir(parents=True, exist_ok=True)
        aside = final.with_name(f".{final.name}.old")
        shutil.rmtree(aside, ignore_errors=True)
        if final.exists():
            final.rename(aside)
        beside.rename(final)
        shutil.rmtree(aside, ignore_errors=True)
        return Release(final, is_swapped=False, tables=tables)
    final = workspace.releases / run_id
    beside.rename(final)
    _fsync(workspace.releases)
    link = workspace.directory / ".published.new"
    link.unlink(missing_ok=True)
    link.symlink_to(final.relative_to(workspace.directory))
    link.replace(workspace.published)
    _fsync(workspace.directory)
    reached("swapped")
    _forget_old(workspace, final)
    return Release(final, is_swapped=True, tables=tables)


def _forget_old(workspace: Workspace, current: Path) -> None:
    """Keep the newest releases, for readers that still hold one; drop what a dead run left."""
    found = [p for p in workspace.releases.iterdir() if p.is_dir()]
    for left_over in (p for p in found if p.name.startswith(".")):
        shutil.rmtree(left_over, ignore_errors=True)
    whole = sorted(
        (p for p in found if not p.name.startswith(".")), key=lambda p: p.stat().st_mtime_ns
    )
    for old in whole[:-KEPT_RELEASES]:
        if old != current:
            shutil.rmtree(old, ignore_errors=True)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(value: Path | str) -> str:
    return "'" + str(value).replace("'", "''") + "'"
