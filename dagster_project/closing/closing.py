"""Close a period, and say what changed between two closings.

What belongs here: the verbs behind ``kpi close`` and ``kpi diff``. What does not: printing (cli),
files and hashes (frozen), the rules of pay (pay).

Source: decisions 1 and 36. Closing copies, it does not alter: the marts go on showing what is true
now, the revision keeps what was true then.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

from dagster_project.closing.events import (
    changed_facts,
    changed_values,
    copy_period,
    files_by_cell,
    quoted,
)
from dagster_project.closing.frozen import Revision, read_closed, write_revision
from dagster_project.closing.periods import label, parse_period
from dagster_project.closing.reading import Marts, registry_terms
from dagster_project.closing.statements import PayDesk
from dagster_project.closing.tables import rows_of
from dagster_project.errors import PlanRefused, StatementRefused, WorkspaceError
from dagster_project.masks import published_name
from dagster_project.pay.assignments import Assignment, read_assignments
from dagster_project.pay.checks import KpiTerms, PlanContext
from dagster_project.pay.inputs import Period
from dagster_project.pay.reading import PlanFile, read_plan, read_plans
from dagster_project.publish.reader import opened_release
from dagster_project.publish.release import published_manifest
from dagster_project.settings import Workspace


@dataclass(frozen=True)
class PlanSet:
    """The plans and assignments of a workspace, sound; ``refused``: who is left out, and why."""

    plans: dict[str, PlanFile]
    assignments: list[Assignment]
    refused: list[tuple[str, PlanRefused]] = field(default_factory=list)


def read_plan_set(workspace: Workspace, marts: Marts, *, is_lenient: bool = False) -> PlanSet:
    """Read ``bonus/`` as far as the marts can tell what it names.

    Args:
        workspace: The workspace.
        marts: Know the KPIs and the managers.
        is_lenient: Leave people out whom what is delivered does not know, instead of refusing all.

    Raises:
        PlanRefused: A plan or an assignment is not sound, with the line at fault.
        MappingMissing: A name fits two people.
    """
    context = plan_context(workspace, marts.terms, marts.has_payments)
    resolve = marts.resolver(_aliases(workspace), published_name(workspace))
    return _read(workspace, context, resolve, is_lenient=is_lenient)


def check_plans(workspace: Workspace) -> PlanSet:
    """Hold ``bonus/`` against the registry alone, before anything is delivered or computed.

    Raises:
        PlanRefused: A plan or an assignment is not sound, with the line at fault.
    """
    context = plan_context(workspace, registry_terms(), None)
    return _read(workspace, context, lambda reference: reference)


def _read(
    workspace: Workspace,
    context: PlanContext,
    resolve: Callable[[str], str | None],
    *,
    is_lenient: bool = False,
) -> PlanSet:
    plans = read_plans(workspace.bonus, replace(context, has_payments=None))
    path = workspace.bonus / "assignments.csv"
    if not path.exists():
        return PlanSet(plans, [])
    left_out: list[tuple[str, PlanRefused]] = []
    assignments = read_assignments(
        path.read_bytes(),
        "bonus/assignments.csv",
        plans,
        resolve,
        left_out if is_lenient else None,
    )
    unfed = _unfed(workspace, context, plans, assignments)
    if unfed and not is_lenient:
        raise next(iter(unfed.values()))
    left_out += [(a.manager_id, unfed[a.plan]) for a in assignments if a.plan in unfed]
    return PlanSet(plans, [a for a in assignments if a.plan not in unfed], left_out)


def _unfed(
    workspace: Workspace,
    context: PlanContext,
    plans: dict[str, PlanFile],
    assignments: list[Assignment],
) -> dict[str, PlanRefused]:
    """Return, by name, why plans that somebody is on cannot be fed: payments not delivered."""
    told = {}
    for name in sorted({a.plan for a in assignments}):
        file_name = plans[name].file_name
        try:
            read_plan((workspace.directory / file_name).read_bytes(), file_name, context)
        except PlanRefused as error:
            told[name] = error
    return told


def _aliases(workspace: Workspace) -> dict[str, str]:
    return workspace.config.aliases.get("manager", {})


def plan_context(
    workspace: Workspace, terms: dict[str, KpiTerms], has_payments: bool | None
) -> PlanContext:
    """Return what plans are held against."""
    return PlanContext(terms, workspace.config.reporting_currency, has_payments)


def make_desk(
    workspace: Workspace, marts: Marts, plan_set: PlanSet, as_of: date, revisions: list[Revision]
) -> PayDesk:
    """Lay out plans, assignments and everything stated before."""
    return PayDesk(
        marts,
        {name: told.plan for name, told in plan_set.plans.items()},
        plan_set.assignments,
        workspace.config.reporting_currency,
        workspace.config.fiscal_year_start_month,
        as_of,
        history=history_of(revisions),
        left_out=frozenset(manager_id for manager_id, _ in plan_set.refused),
    )


def history_of(revisions: list[Revision]) -> dict[str, list[Any]]:
    """Return everything stated in closed revisions, by manager, in the order of closing."""
    history: dict[str, list[Any]] = {}
    for revision in revisions:
        for told in revision.settled:
            history.setdefault(told.inputs.payee.manager_id, []).append(told)
    return history


@contextlib.contextmanager
def published_marts(workspace: Workspace, doing: str) -> Iterator[tuple[Marts, dict[str, Any]]]:
    """Open what is published for reading.

    Yields:
        The marts and the manifest of the release.

    Raises:
        WorkspaceError: Nothing is published.
    """
    manifest = published_manifest(workspace)
    if manifest is None:
        raise WorkspaceError(
            doing, found="nothing published", expected="a release", remedy="run `kpi run` first"
        )
    with opened_release(workspace, doing) as connection:
        yield Marts(connection, workspace.config.settings.low_sample_below), manifest


def close(workspace: Workspace, text: str, *, by: str, reason: str) -> Revision:
    """Keep a period as it is published now: KPI values, facts, statements, the files used.

    Args:
        workspace: The workspace; the caller holds it for writing.
        text: 2026-10, 2026-Q4 or 2026.
        by: Who closes.
        reason: Why; for a later revision why again.

    Returns:
        The new revision, read back.

    Raises:
        WorkspaceError: The period is not over, nothing is published, by or reason is empty.
        PlanRefused: A plan or an assignment is not sound.
        StatementRefused: Somebody's statement cannot be worked out.
        ClosedPeriodBroken: An earlier closing is not as it was left.
    """
    doing = f"closing {text}"
    fiscal = workspace.config.fiscal_year_start_month
    period = parse_period(text, fiscal, doing)
    for name, value in (("--by", by), ("--reason", reason)):
        if not value.strip():
            raise WorkspaceError(doing, found=f"an empty {name}", expected="a name and a reason")
    with published_marts(workspace, doing) as (marts, manifest):
        _require_over(marts, period, doing)
        revisions = read_closed(workspace.closed)
        plan_set = read_plan_set(workspace, marts)
        as_of = date.fromisoformat(manifest["as_of"])
        _require_order(revisions, as_of, doing)
        desk = make_desk(workspace, marts, plan_set, as_of, revisions)
        settled = desk.state(period)
        _require_statements(settled, doing)
        return write_revision(
            workspace.closed,
            label=label(period, fiscal),
            period=period,
            tables=rows_of(settled),
            copy_marts=lambda folder: copy_period(marts.connection, period, folder),
            files=_files_used(workspace),
            told={
                "by": by.strip(),
                "reason": reason.strip(),
                "closed_on": as_of.isoformat(),
                "currency": workspace.config.reporting_currency,
                "run_id": manifest["run_id"],
                "load_id": manifest.get("load_id"),
                "settings_hash": manifest["settings_hash"],
                "code_version": manifest["code_version"],
            },
            closed_at=datetime.now(UTC),
        )


def _require_over(marts: Marts, period: Period, doing: str) -> None:
    last = marts.last_complete_day()
    if last < period.end - timedelta(days=1):
        raise WorkspaceError(
            doing,
            found=f"a period that ends on {period.end - timedelta(days=1)}, while the published "
            f"figures are complete to {last}",
            expected="a period that is over",
            remedy="run `kpi run` after the period's last day, then close it",
        )


def _require_order(revisions: list[Revision], as_of: date, doing: str) -> None:
    latest = max((r.closed_on for r in revisions), default=as_of)
    if as_of < latest:
        raise WorkspaceError(
            doing,
            found=f"a release as of {as_of}, while a period was closed as of {latest}",
            expected="a release that is not older than the last closing",
            remedy="run `kpi run` first",
        )


def _require_statements(settled: list[Any], doing: str) -> None:
    """Refuse to close where somebody's pay cannot be worked out; who has left is no such case."""
    bad = [
        told.statement
        for told in settled
        if told.statement.status == "refused"
        and not (
            told.inputs.payee.left_on is not None
            and told.inputs.payee.left_on < told.inputs.period.start
        )
    ]
    if bad:
        lines = "\n".join(f"{s.payee.manager_name}: {' '.join(str(s.reason).split())}" for s in bad)
        raise StatementRefused(
            doing,
            found=f"{len(bad)} statements that cannot be worked out:\n{lines}",
            expected="a statement for everybody who is assigned to a plan",
            remedy="mend what is named; nothing was closed",
        )


def _files_used(workspace: Workspace) -> dict[str, bytes]:
    """Return plans, targets and settings as they stand, by name below the workspace."""
    paths = [workspace.directory / "workspace.yml"]
    for folder in (workspace.bonus, workspace.directory / "targets"):
        paths += [p for p in sorted(folder.rglob("*")) if p.is_file()]
    return {p.relative_to(workspace.directory).as_posix(): p.read_bytes() for p in paths}


# -- what changed --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """What differs between two revisions of a period.

    ``values``: one mapping per KPI and scope with ``numerator, denominator, value`` before and
    after and ``files``. ``facts``: the facts that differ. ``statements``: per manager, earned and
    to pay before and after. ``files``: names of plan, target and settings files that differ.
    """

    first: Revision
    second: Revision
    values: list[dict[str, Any]]
    facts: list[dict[str, Any]]
    statements: list[dict[str, Any]]
    files: list[str]


def difference(workspace: Workspace, text: str, first: int, second: int) -> Difference:
    """Say what changed between two revisions of a period and which files brought it.

    Raises:
        WorkspaceError: A revision is not there.
        ClosedPeriodBroken: A closing is not as it was left.
    """
    doing = f"comparing revisions {first} and {second} of {text}"
    fiscal = workspace.config.fiscal_year_start_month
    wanted = label(parse_period(text, fiscal, doing), fiscal)
    own = {r.number: r for r in read_closed(workspace.closed) if r.label == wanted}
    for number in (first, second):
        if number not in own:
            known = ", ".join(str(n) for n in sorted(own)) or "none: the period was never closed"
            raise WorkspaceError(doing, found=f"no revision {number}", expected=f"one of: {known}")
    one, two = own[first], own[second]
    with duckdb.connect() as connection:
        values, facts = (
            _query(connection, make(_parquet(one, name), _parquet(two, name)))
            for make, name in ((changed_values, "kpi_values"), (changed_facts, "kpi_events"))
        )
    with published_marts(workspace, doing) as (marts, _):
        files = files_by_cell(values, facts, marts.measures())
    for row in values:
        row["files"] = files[(row["kpi_code"], row["scope_type"], row["scope_id"])]
    values.sort(key=lambda r: (r["kpi_code"], r["scope_type"], r["scope_id"]))
    return Difference(one, two, values, facts, _statements(one, two), _files(one, two))


def _parquet(revision: Revision, name: str) -> str:
    return f"select * from read_parquet({quoted(revision.folder / f'{name}.parquet')})"


def _query(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found = connection.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _statements(one: Revision, two: Revision) -> list[dict[str, Any]]:
    before = {row["manager_id"]: row for row in one.rows("statements")}
    after = {row["manager_id"]: row for row in two.rows("statements")}
    told = []
    for manager_id in sorted(before | after):
        sides = (before.get(manager_id), after.get(manager_id))
        row = {"manager_id": manager_id, "manager_name": (sides[1] or sides[0])["manager_name"]}
        for part in ("earned", "corrections", "net"):
            for side, name in zip(sides, ("before", "after"), strict=True):
                row[f"{part}_{name}"] = side[part] if side else None
        if any(row[f"{p}_before"] != row[f"{p}_after"] for p in ("earned", "corrections", "net")):
            told.append(row)
    return told


def _files(one: Revision, two: Revision) -> list[str]:
    hashes = [
        {n: h for n, h in r.manifest["files"].items() if n.startswith("files/")} for r in (one, two)
    ]
    names = sorted(set(hashes[0]) | set(hashes[1]))
    return [n.removeprefix("files/") for n in names if hashes[0].get(n) != hashes[1].get(n)]
