"""``raw.pay__*``: statements, lines, closed values, corrections and feedback, for thin models.

What belongs here: what a run lands of pay, before its models publish it. What does not: how a
statement comes about (pay), what is closed (closing).

**Shape**: whole tables, replaced at each run; empty but typed where a workspace has no pay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from dagster_project.closing.closing import PlanSet, make_desk, read_plan_set
from dagster_project.closing.events import (
    VALUE_COLUMNS,
    changed_facts,
    changed_values,
    current_events,
    current_values,
    files_by_cell,
    quoted,
)
from dagster_project.closing.frozen import Revision, read_closed
from dagster_project.closing.periods import label, period_of
from dagster_project.closing.reading import Marts
from dagster_project.closing.statements import PayDesk
from dagster_project.closing.tables import (
    TABLES,
    Row,
    arrow_table,
    line_rows,
    sql_type,
    statement_row,
)
from dagster_project.masks import published_name, without_contacts
from dagster_project.pay.feedback import hints
from dagster_project.pay.settlement import Settled
from dagster_project.settings import Workspace

_REVISION = {"period": "text", "revision": "int", "closed_on": "date"}
_VALUES = {
    **dict.fromkeys(VALUE_COLUMNS, "text"),
    "period_start": "date",
    "period_end": "date",
    "is_complete": "bool",
    "is_low_sample": "bool",
    "is_mature": "bool",
    "sample_size": "int",
}
_DOUBLES = ("value", "maturity")
LANDED: dict[str, dict[str, str]] = {
    "statements": _REVISION | TABLES["statements"],
    "lines": _REVISION | {"statement_status": "text"} | TABLES["lines"],
    "feedback": {
        **dict.fromkeys(("period", "period_grain"), "text"),
        "period_start": "date",
        **dict.fromkeys(("manager_id", "manager_name", "plans", "kind"), "text"),
        "position": "int",
        "kpi_code": "text",
        "change": "number",
        "amount": "number",
        "currency": "text",
    },
}


def has_pay(workspace: Workspace) -> bool:
    """Tell whether anybody is assigned to a plan or anything is closed: only then pay costs."""
    path = workspace.bonus / "assignments.csv"
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    return sum(1 for line in lines if line.strip()) > 1 or any(workspace.closed.glob("*/r*"))


def land_pay(workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Work out pay on the marts of this run and replace ``raw.pay__*``.

    Args:
        workspace: The workspace.
        connection: The warehouse, with the marts attached as ``kpi``.

    Returns:
        Rows by table.

    Raises:
        PlanRefused: A plan or an assignment is not sound.
        ClosedPeriodBroken: A closing is not as it was left.
    """
    connection.execute("create schema if not exists raw")
    for name, columns in LANDED.items():
        spelled = ", ".join(f'"{c}" {sql_type(kind)}' for c, kind in columns.items())
        connection.execute(f"create or replace table raw.pay__{name} ({spelled})")
    _empty_closed(connection)
    if not has_pay(workspace):
        return {}
    revisions = read_closed(workspace.closed, workspace.as_of, workspace.known_by)
    marts = Marts(connection, workspace.config.settings.low_sample_below, "raw.goals__targets")
    plan_set = read_plan_set(workspace, marts, is_lenient=True)
    desk = make_desk(workspace, marts, plan_set, workspace.as_of, revisions)
    fiscal = workspace.config.fiscal_year_start_month
    _land_closed(connection, revisions)
    _land_statements(connection, [(r.label, told) for r in revisions for told in r.settled])
    current = _open_statements(workspace, desk, revisions)
    _land_statements(connection, [(label(t.inputs.period, fiscal), t) for t in current])
    _land_refusals(connection, workspace, plan_set)
    _land_feedback(connection, workspace, desk, current)
    _land_corrections(connection, marts, revisions)
    return {
        name: connection.execute(f"select count(*) from raw.pay__{name}").fetchone()[0]
        for name in (*LANDED, "kpi_values_closed", "closed_corrections")
    }


def _open_statements(
    workspace: Workspace, desk: PayDesk, revisions: Sequence[Revision]
) -> list[Settled]:
    """Work out what is not closed, each period on top of the ones before it."""
    closed = {r.period.key for r in revisions}
    told: list[Settled] = []
    periods = desk.open_periods(closed, workspace.history_start)
    desk.prefetch(periods)
    for period in periods:
        told += desk.state(period, remember=True)
    return told


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Row]) -> None:
    if rows:
        landed = arrow_table(LANDED[name], rows)  # noqa: F841 - DuckDB reads it by its name
        connection.execute(f"insert into raw.pay__{name} select * from landed")


def _land_statements(
    connection: duckdb.DuckDBPyConnection, told: Sequence[tuple[str, Settled]]
) -> None:
    statements, lines = [], []
    for name, one in told:
        statement = one.statement
        mark = {
            "period": name,
            "revision": statement.revision,
            "closed_on": statement.closed_on,
            "statement_status": statement.status,
        }
        statements.append(statement_row(one) | mark)
        lines += [row | mark for row in line_rows(statement)]
    _insert(connection, "statements", statements)
    _insert(connection, "lines", lines)


def _land_refusals(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, plan_set: PlanSet
) -> None:
    """Show who is not paid because of an assignment that does not stand.

    Who is written as an e-mail is shown as everywhere: by its mask.
    """
    is_clear = workspace.config.settings.personal_data == "clear"
    shown = published_name(workspace)
    fiscal = workspace.config.fiscal_year_start_month
    period = period_of("month", workspace.as_of, fiscal)
    rows = [
        {
            "period": label(period, fiscal),
            "revision": 0,
            "period_grain": period.grain,
            "period_start": period.start,
            "period_end": period.end,
            "manager_id": shown(reference),
            "manager_name": shown(reference),
            "plans": "",
            "currency": workspace.config.reporting_currency,
            "status": "refused",
            "reason": error.render() if is_clear else without_contacts(error.render()),
            **dict.fromkeys(
                (c for c, kind in TABLES["statements"].items() if kind == "number"), Decimal(0)
            ),
        }
        for reference, error in plan_set.refused
    ]
    _insert(connection, "statements", rows)


# -- feedback ------------------------------------------------------------------------------------


def _land_feedback(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    desk: PayDesk,
    current: Sequence[Settled],
) -> None:
    rows: list[Row] = []
    for told in current:
        inputs = told.inputs
        left = inputs.payee.left_on
        is_running = inputs.period.start <= workspace.as_of < inputs.period.end
        is_running = is_running and (left is None or left >= inputs.period.start)
        if not is_running or told.statement.status == "refused" or not inputs.assignments:
            continue
        deal = desk.usual_deal(inputs)
        rows += [
            {
                "period": label(inputs.period, workspace.config.fiscal_year_start_month),
                "period_grain": inputs.period.grain,
                "period_start": inputs.period.start,
                "manager_id": inputs.payee.manager_id,
                "manager_name": inputs.payee.manager_name,
                "plans": ";".join(told.statement.plans),
                "currency": told.statement.currency,
                **vars(hint),
            }
            for hint in hints(
                told.plans,
                inputs,
                told.knowledge[inputs.period.key],
                as_of=workspace.as_of,
                deal=deal,
            )
        ]
    _insert(connection, "feedback", rows)


# -- closed values and what has changed since ----------------------------------------------------


def _empty_closed(connection: duckdb.DuckDBPyConnection) -> None:
    values = ", ".join(
        f"{c} double"
        if c in _DOUBLES
        else f"{c} decimal(38, 4)"
        if c in ("numerator", "denominator")
        else f"{c} {sql_type(kind)}"
        for c, kind in _VALUES.items()
    )
    revision = "period varchar, revision bigint, closed_on date"
    connection.execute(
        f"create or replace table raw.pay__kpi_values_closed ({revision}, closed_by varchar, "
        f"closed_because varchar, {values})"
    )
    sides = ", ".join(
        f"{part}_{side} {kind}"
        for part, kind in (
            ("numerator", "decimal(38, 4)"),
            ("denominator", "decimal(38, 4)"),
            ("value", "double"),
        )
        for side in ("closed", "now")
    )
    connection.execute(
        f"create or replace table raw.pay__closed_corrections ({revision}, period_grain varchar, "
        "period_start date, period_end date, kpi_code varchar, scope_type varchar, "
        f"scope_id varchar, scope_name varchar, unit varchar, {sides}, source_files varchar)"
    )


def _land_closed(connection: duckdb.DuckDBPyConnection, revisions: Sequence[Revision]) -> None:
    for revision in revisions:
        path = quoted(revision.folder / "kpi_values.parquet")
        connection.execute(
            "insert into raw.pay__kpi_values_closed select ?, ?, cast(? as date), ?, ?, "
            f"{', '.join(VALUE_COLUMNS)} from read_parquet({path})",
            [
                revision.label,
                revision.number,
                revision.closed_on,
                revision.manifest["by"],
                revision.manifest["reason"],
            ],
        )


def _land_corrections(
    connection: duckdb.DuckDBPyConnection, marts: Marts, revisions: Sequence[Revision]
) -> None:
    """Lay the newest revision of each period beside what the marts say now."""
    measures = marts.measures()
    for revision in {r.label: r for r in revisions}.values():
        kept = f"select * from read_parquet({quoted(revision.folder / 'kpi_values.parquet')})"
        changes = _query(connection, changed_values(kept, current_values(revision.period)))
        if not changes:
            continue
        kept = f"select * from read_parquet({quoted(revision.folder / 'kpi_events.parquet')})"
        facts = _query(connection, changed_facts(kept, current_events(connection, revision.period)))
        files = files_by_cell(changes, facts, measures)
        _insert_corrections(connection, revision, changes, files)


def _insert_corrections(
    connection: duckdb.DuckDBPyConnection,
    revision: Revision,
    changes: Sequence[Mapping[str, Any]],
    files: Mapping[tuple[str, str, str], list[str]],
) -> None:
    period = revision.period
    head: list[str | int | date] = [revision.label, revision.number, revision.closed_on]
    head += [period.grain, period.start, period.end]
    rows = [
        [
            *head,
            *(row[c] for c in ("kpi_code", "scope_type", "scope_id", "scope_name", "unit")),
            *(
                row[f"{part}_{side}"]
                for part in ("numerator", "denominator", "value")
                for side in ("before", "after")
            ),
            ";".join(files[(row["kpi_code"], row["scope_type"], row["scope_id"])]),
        ]
        for row in changes
    ]
    marks = ", ".join("?" for _ in rows[0])
    connection.executemany(f"insert into raw.pay__closed_corrections values ({marks})", rows)


def _query(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    found = connection.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
