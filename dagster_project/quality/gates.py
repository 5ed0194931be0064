"""The three gates: small evidence tables held against Great Expectations suites, failing closed.

What belongs here: which suites make a gate, running them, the verdict. What does not: thresholds
(expectations/, workspace settings), the evidence's SQL (models; ``raw`` checks stand below because
no model may run before that gate).

Only evidence tables leave the database: one row per file, per finding or per KPI, so that memory
does not grow with the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import GateFailed, PipelineError
from dagster_project.quality.front_page import shown
from dagster_project.quality.process import expectations
from dagster_project.quality.suites import Check
from dagster_project.settings import Workspace, project_root

GATES: dict[str, tuple[str, ...]] = {
    "raw": ("raw_files", "raw_full_deliveries"),
    "refined": (
        "refined_files",
        "refined_stages",
        "refined_keys",
        "refined_rates",
        "refined_wins",
        "refined_layers",
    ),
    "kpi": ("kpi_identities", "kpi_ranges", "kpi_presence", "kpi_change"),
}
"""Suites of each gate: a file that is not there fails the gate."""


@dataclass(frozen=True)
class Verdict:
    """A gate's answer for one load."""

    gate: str
    load_id: str
    run_id: str
    checked_at: str
    passed: bool
    checks: list[Check]

    @property
    def failures(self) -> list[Check]:
        """Checks that refuse the load."""
        return [c for c in self.checks if not c.passed and c.severity == "critical"]

    @property
    def warnings(self) -> list[Check]:
        """Checks that failed without refusing it."""
        return [c for c in self.checks if not c.passed and c.severity != "critical"]


def run_gate(
    gate: str,
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    *,
    run_id: str,
    lacking: Sequence[str] = (),
    suites: Path | None = None,
) -> Verdict:
    """Hold the warehouse against a gate's suites and keep the verdict under the load's id.

    Args:
        gate: ``raw``, ``refined`` or ``kpi``.
        workspace: The workspace.
        connection: The warehouse.
        run_id: The run that asks.
        lacking: Steps that the gate rests on and that were not done on this load: what it would
            judge is of another load, so it refuses.
        suites: Folder of suites, default ``expectations/``.

    Returns:
        The verdict; ``raise_if_failed`` turns a refusal into an error.

    Raises:
        PipelineError: Nothing is loaded, so there is nothing to judge.
    """
    folder = suites or project_root() / "expectations"
    row = connection.execute("select load_id from raw.load").fetchone()
    if row is None:
        raise PipelineError(
            f"checking the gate of {gate}", found="no load", expected="a load in raw"
        )
    if gate == "raw":
        _write_raw_evidence(connection)
    checks = [_not_done(gate, lacking)] if lacking else []
    for name in GATES[gate]:
        try:
            told = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            with connection.cursor() as reader:  # one of its own: no other result is open on it
                relation = reader.sql(f"select * from {told['meta']['relation']}")
                evidence = relation.to_arrow_table()
            checks += expectations().call("check_suite", told, evidence, run_id)
        except Exception as error:  # noqa: BLE001 - whatever keeps a check from running refuses
            checks.append(_broken(name, error))
    verdict = Verdict(
        gate=gate,
        load_id=row[0],
        run_id=run_id,
        checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        passed=bool(checks) and not any(not c.passed and c.severity == "critical" for c in checks),
        checks=checks,
    )
    _keep(verdict, workspace, connection)
    return verdict


def raise_if_failed(verdict: Verdict) -> None:
    """Refuse to go on where a verdict refuses.

    Raises:
        GateFailed: With what failed, example rows and what to do next.
    """
    if verdict.passed:
        return
    lines = []
    for check in verdict.failures:
        lines.append(f"{check.code}: expected that {check.explains_en}; {check.observed}")
        lines += [f"    {shown(example)}" for example in check.examples]
    remedies = list(dict.fromkeys(c.remedy for c in verdict.failures if c.remedy))
    raise GateFailed(
        f"checking the gate of {verdict.gate}",
        verdicts=[verdict],
        found="\n          ".join(lines),
        where=f"reports/gate_{verdict.gate}.json",
        remedy="; ".join(remedies) + ". What is published stays as it was",
    )


def write_pages(workspace: Workspace, verdicts: Sequence[Verdict]) -> None:
    """Write the pages that show what gates said in one run; nothing where none was asked."""
    if verdicts:
        checks = [check for verdict in verdicts for check in verdict.checks]
        expectations().call("write_pages", workspace.reports, verdicts[-1].run_id, checks)


def refusals(workspace: Workspace) -> list[dict[str, Any]]:
    """Return what gates refused since they last passed, one row per failed check.

    A release passes every gate, so what stands here is newer than what is published.

    Returns:
        Rows of gate, checked_at (UTC, ISO 8601), check, observed, remedy, report (its file).
    """
    told = []
    for gate in GATES:
        path = workspace.reports / f"gate_{gate}.json"
        try:
            verdict = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # no run yet, or somebody else's file
            continue
        told += [
            {
                "gate": gate,
                "checked_at": verdict["checked_at"],
                "check": check["code"],
                "observed": check["observed"],
                "remedy": check["remedy"],
                "report": str(path),
            }
            for check in verdict["checks"]
            if not verdict["passed"] and not check["passed"] and check["severity"] == "critical"
        ]
    return told


def _not_done(gate: str, steps: Sequence[str]) -> Check:
    return Check(
        suite=f"{gate}_steps",
        code="steps_not_done",
        severity="critical",
        passed=False,
        explains_en="what the gate judges was made from the load in raw",
        explains_ru="проверяемое построено из того, что загружено",
        observed=f"not done on this load: {', '.join(steps)}",
        remedy="run the whole job: `kpi run --full-refresh`",
    )


def _broken(suite: str, error: Exception) -> Check:
    return Check(
        suite=suite,
        code="check_did_not_run",
        severity="critical",
        passed=False,
        explains_en=f"the suite {suite} runs",
        explains_ru=f"набор {suite} выполняется",
        observed=f"{type(error).__name__}: {error}",
        remedy="restore the suite or the table that it reads",
    )


def _write_raw_evidence(connection: duckdb.DuckDBPyConnection) -> None:
    """Write what the first gate reads: one row per file, one per full delivery."""
    connection.execute(
        """
        create or replace view raw.file_checks as
        select
            files.file_name, files.entity, files.status, files.reason_code, files.reason,
            files.status <> 'rejected' or settings.tolerate_rejected_files as is_accepted,
            files.rows_seen,
            case when files.landing_key is not null
                then coalesce(counted.row_count, 0) + files.rows_refused end as rows_accounted,
            files.last_event_on, files.last_event_before,
            coalesce(files.last_event_on >= files.last_event_before, true) as is_not_older
        from raw.files as files
        cross join raw.workspace__settings as settings
        left join raw.landing_counts as counted on files.landing_key = counted.landing_key
        where files.status <> 'later'
        """
    )
    connection.execute(
        """
        create or replace view raw.full_delivery_checks as
        select deliveries.*,
            ids_gone <= ids_before * settings.full_delivery_shrink_limit as is_within_limit
        from raw.full_deliveries as deliveries
        cross join raw.workspace__settings as settings
        """
    )


def _ensure_table(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema if not exists ops")
    connection.execute(
        "create table if not exists ops.gate_results (run_id varchar, load_id varchar, "
        "gate varchar, checked_at timestamp, passed boolean, suite varchar, code varchar, "
        "severity varchar, check_passed boolean, explains_en varchar, explains_ru varchar, "
        "observed varchar)"
    )


def _keep(verdict: Verdict, workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> None:
    _ensure_table(connection)
    connection.executemany(
        "insert into ops.gate_results values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                verdict.run_id,
                verdict.load_id,
                verdict.gate,
                datetime.fromisoformat(verdict.checked_at).replace(tzinfo=None),
                verdict.passed,
                check.suite,
                check.code,
                check.severity,
                check.passed,
                check.explains_en,
                check.explains_ru,
                check.observed,
            )
            for check in verdict.checks
        ],
    )
    workspace.reports.mkdir(parents=True, exist_ok=True)
    path = workspace.reports / f"gate_{verdict.gate}.json"
    beside = path.with_suffix(".new")
    beside.write_text(
        json.dumps(asdict(verdict), ensure_ascii=False, indent=2, default=str), encoding="utf-8"
    )
    beside.replace(path)
