"""One run's steps on one workspace, in the order in which anything may call them.

What belongs here: what happens between files and the published folder, step by step, and the record
of the run. What does not: Dagster (defs), printing (cli), how a step works inside.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from dagster_project import empty_models, transform
from dagster_project.checkpoints import reached
from dagster_project.closing.closing import check_plans
from dagster_project.closing.landing import has_pay, land_pay
from dagster_project.errors import WorkspaceError
from dagster_project.ingest.contracts import CONTRACTS
from dagster_project.ingest.run import IngestResult, ingest
from dagster_project.lock import writing
from dagster_project.planning.landing import (
    has_targets,
    keep_baselines,
    land_goals,
    land_revenue_targets,
)
from dagster_project.publish.release import (
    STEPS,
    Release,
    publish,
    published_manifest,
    require_permission,
)
from dagster_project.settings import Workspace, hash_key, key_fingerprint

Listener = Callable[[str, str], None]
_STEPS_DONE = (
    "create table if not exists ops.steps_done (step varchar, load_id varchar, done_at timestamp)"
)
_RUNS = """
    create table if not exists ops.runs (
        run_id varchar, status varchar, started_at timestamp, finished_at timestamp,
        load_id varchar, as_of date, known_by timestamp, files bigint, rows_seen bigint,
        rows_quarantined bigint, settings_hash varchar, code_version varchar)
"""


@dataclass
class Session:
    """An open warehouse under the writer's lock, and what this run has done so far."""

    workspace: Workspace
    connection: duckdb.DuckDBPyConnection
    run_id: str
    listener: Listener
    full_refresh: bool = False
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))
    ingested: IngestResult | None = None
    verdicts: list[Any] = field(default_factory=list)
    release: Release | None = None
    left_out: set[str] = field(default_factory=set)
    """Models without a row, which stand as empty tables and were not built."""
    _built_ahead: dict[str, list[transform.BuiltNode]] = field(default_factory=dict)

    def ingest(self) -> IngestResult:
        """Bring delivered files into raw."""
        check_plans(self.workspace)
        self.listener("ingest", "reading delivered files")
        self.forget(STEPS)
        self.ingested = ingest(self.workspace, self.connection, full_refresh=self.full_refresh)
        transform.suit_threads(self.connection, self.ingested.rows_seen)
        return self.ingested

    def build(self, layer: str) -> list[transform.BuiltNode]:
        """Build one layer of models with their tests, and stamp it with the load.

        A workspace without pay and goals builds their models, empty then, with the marts.
        """
        if layer in self._built_ahead:
            self._note(layer)
            return self._built_ahead.pop(layer)
        self.load()
        self.listener(layer, f"building the models of {layer}")
        connection = self.connection
        self.forget(STEPS[STEPS.index(layer) :])
        if layer == "marts":
            transform.forget_marts(connection, self.workspace)
            land_revenue_targets(self.workspace, connection)
        is_with_pay = layer == "marts" and not has_pay(self.workspace)
        is_with_pay = is_with_pay and not has_targets(connection)
        if is_with_pay:
            land_goals(self.workspace, connection)
            land_pay(self.workspace, connection)
        if layer == "staging":
            nodes = self._stage()
        else:
            also = ("pay",) if is_with_pay else ()
            rowless = empty_models.rowless_models(connection, (layer, *also), self.unused_models())
            empty_models.stand_in(connection, rowless)
            self.left_out |= set(rowless)
            nodes = transform.build(
                self.workspace,
                layer,
                full_refresh=self.full_refresh,
                leave_out=rowless,
                also=also,
            )
            empty_models.keep_columns(connection, nodes)
        if is_with_pay:
            self._built_ahead["pay"] = [node for node in nodes if "pay" in node.tags]
            nodes = [node for node in nodes if "pay" not in node.tags]
        self._note(layer)
        if layer == "staging":
            reached("staged")
        return nodes

    def unused_models(self) -> list[str]:
        """Return the staging models of entities of which no file is loaded."""
        found = self.connection.execute("select distinct table_name from raw.landed").fetchall()
        landed = {name for (name,) in found}
        return [
            f"stg_{system}__{entity}"
            for system, contract in CONTRACTS.items()
            for entity, tables in contract.entities.items()
            if not landed & {table.relation for table in tables}
        ]

    def _stage(self) -> list[transform.BuiltNode]:
        """Stage new files; everything where settings, code or key staged the rows otherwise."""
        connection = self.connection
        mark = f"{self.workspace.staging_mark} {key_fingerprint(hash_key(self.workspace))}"
        connection.execute("create table if not exists ops.staged_by (mark varchar)")
        before = connection.execute("select max(mark) from ops.staged_by").fetchone()[0]
        connection.execute("delete from ops.staged_by")
        unused = self.unused_models()
        is_whole = self.full_refresh or before != mark
        empty_models.stand_in_for_staged(connection, unused)
        self.left_out |= set(unused)
        nodes = transform.build(self.workspace, "staging", full_refresh=is_whole, leave_out=unused)
        connection.execute("insert into ops.staged_by values (?)", [mark])
        return nodes

    def forget(self, steps: Sequence[str]) -> None:
        """Take back that steps were done: what they rest on is about to be another."""
        self.connection.execute("create schema if not exists ops")
        self.connection.execute(_STEPS_DONE)
        self.connection.executemany(
            "delete from ops.steps_done where step = ?", [[step] for step in steps]
        )

    def _done(self) -> dict[str, str | None]:
        """Return of each step that still holds the load that it was done on."""
        self.connection.execute("create schema if not exists ops")
        self.connection.execute(_STEPS_DONE)
        return dict(self.connection.execute("select step, load_id from ops.steps_done").fetchall())

    def _note(self, step: str) -> None:
        """Keep that a step was done on what raw holds."""
        self.forget((step,))
        self.connection.execute(
            "insert into ops.steps_done select ?, load_id, ? from raw.load",
            [step, datetime.now(UTC).replace(tzinfo=None)],
        )

    def pay(self) -> dict[str, int]:
        """Work out goals and statements on this run's marts and land them for their models."""
        if "pay" in self._built_ahead:
            return {}
        self.load()
        self.listener("pay", "working out goals and pay")
        goals = land_goals(self.workspace, self.connection)
        pay = land_pay(self.workspace, self.connection)
        return {f"goals__{name}": n for name, n in goals.items()} | {
            f"pay__{name}": n for name, n in pay.items()
        }

    def gate(self, name: str) -> Any:
        """Hold the warehouse against a gate; the verdict is kept whatever it is."""
        from dagster_project.quality.gates import run_gate

        load_id, step = self.load()["load_id"], f"gate of {name}"
        self.listener(f"gate {name}", f"checking the {step}")
        self.forget((step,))
        done = self._done()
        verdict = run_gate(
            name,
            self.workspace,
            self.connection,
            run_id=self.run_id,
            lacking=[s for s in STEPS[: STEPS.index(step)] if done.get(s) != load_id],
        )
        self.verdicts.append(verdict)
        if verdict.passed:
            self._note(step)
        return verdict

    def publish(self) -> Release:
        """Publish what all gates passed; refuse anything else."""
        self.listener("publish", "writing and verifying the release")
        load = self.load()
        require_permission(self.workspace, load, self._done())
        self.record("publishing")
        self._settle_runs_that_died()
        self.release = publish(
            self.workspace,
            self.connection,
            run_id=self.run_id,
            load={"load_id": load["load_id"], "signature": load["signature"]},
        )
        keep_baselines(self.workspace, self.connection)
        self.record("published")
        return self.release

    def _settle_runs_that_died(self) -> None:
        """Say of runs that died while they published whether their release is the published one."""
        before = published_manifest(self.workspace)
        self.connection.execute(
            "update ops.runs set status = case when run_id = ? then 'published' else 'failed' end "
            "where status = 'publishing' and run_id <> ?",
            [before["run_id"] if before else None, self.run_id],
        )

    def load(self) -> dict[str, Any]:
        """Return what the load in raw tells of itself.

        Raises:
            WorkspaceError: Nothing was loaded yet.
        """
        try:
            found = self.connection.execute("select * from raw.load")
        except duckdb.CatalogException:
            raise WorkspaceError(
                "working on what is loaded",
                found="nothing that was loaded",
                expected="a run that has read the delivered files",
                where=str(self.workspace.warehouse_file),
                remedy="run the whole job: `kpi run --full-refresh`",
            ) from None
        names = [column[0] for column in found.description]
        return dict(zip(names, found.fetchone(), strict=True))

    def tell(self, status: str) -> None:
        """Leave word of this run beside the warehouse, where it is read while a run has it open."""
        path = self.workspace.last_run_file
        beside = path.with_suffix(".new")
        told = {"run_id": self.run_id, "status": status, "started_at": f"{self.started_at:%F %T}"}
        beside.write_text(json.dumps(told), encoding="utf-8")
        beside.replace(path)

    def record(self, status: str) -> None:
        """Keep or replace this run's line in ops.runs."""
        self.tell(status)
        connection = self.connection
        connection.execute("create schema if not exists ops")
        connection.execute(_RUNS)
        connection.execute("delete from ops.runs where run_id = ?", [self.run_id])
        # no name of a table: DuckDB would take the variable for it where the table is not there yet
        file_count, row_count, quarantined = 0, 0, 0
        with contextlib.suppress(duckdb.CatalogException):
            file_count, row_count = connection.execute(
                "select count(*), coalesce(sum(rows_seen), 0) from raw.files "
                "where status in ('loaded', 'superseded')"
            ).fetchone()
            (quarantined,) = connection.execute(
                "select coalesce(sum(rows_quarantined), 0) "
                "from intermediate.int_audit__reconciliation"
            ).fetchone()
        with contextlib.suppress(duckdb.CatalogException):
            connection.execute(
                "insert into ops.runs select ?, ?, ?, ?, load_id, ?, ?, ?, ?, ?, ?, ? "
                "from raw.load",
                [
                    self.run_id,
                    status,
                    self.started_at,
                    datetime.now(UTC).replace(tzinfo=None),
                    self.workspace.as_of,
                    self.workspace.known_by,
                    file_count,
                    row_count,
                    quarantined,
                    self.workspace.settings_hash,
                    self.workspace.code_version,
                ],
            )


def new_run_id() -> str:
    """Return a name for a run that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"


def silent(step: str, what: str) -> None:
    """Tell nobody."""


@contextlib.contextmanager
def open_session(
    workspace: Workspace,
    doing: str,
    *,
    run_id: str | None = None,
    full_refresh: bool = False,
    wait: bool = False,
    listener: Listener = silent,
) -> Iterator[Session]:
    """Take the writer's lock and open the warehouse for one run.

    Raises:
        WarehouseBusy: Another process writes, and ``wait`` is not asked for.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(writing(workspace, doing, wait=wait))
        has_marts = workspace.marts_file.exists()
        session = Session(
            workspace=workspace,
            connection=stack.enter_context(transform.warehouse_connection(workspace)),
            run_id=run_id or new_run_id(),
            listener=listener,
            full_refresh=full_refresh,
        )
        if not has_marts:
            session.forget(STEPS[STEPS.index("marts") :])
        yield session
