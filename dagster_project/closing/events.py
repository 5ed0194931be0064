"""KPI values and the facts behind them, of one period: as kept, and as compared.

What belongs here: SQL that copies a period's values and facts to Parquet and that lays two states
of a period side by side. What does not: which states (closing, corrections).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.pay.inputs import Period

VALUE_COLUMNS = (
    "kpi_code",
    "scope_type",
    "scope_id",
    "scope_name",
    "period_grain",
    "period_start",
    "period_end",
    "is_complete",
    "numerator",
    "denominator",
    "value",
    "sample_size",
    "is_low_sample",
    "maturity",
    "is_mature",
    "unit",
)
SCOPE_COLUMNS = {
    "team": "team_id",
    "manager": "manager_id",
    "channel": "channel_id",
    "product": "product_id",
    "partner": "partner_id",
    "strategy": "strategy",
}
_ORIGINS = {
    "fct_deals": "deal_id",
    "fct_deal_events": "deal_id",
    "fct_deal_credits": "deal_id",
    "fct_leads": "lead_id",
    "fct_activities": "activity_id",
    "fct_milestones": "milestone_id",
    "fct_payments": "payment_id",
    "fct_spend": "spend_id",
}


def quoted(path: Path) -> str:
    """Return a path as an SQL string."""
    return "'" + str(path).replace("'", "''") + "'"


def current_values(period: Period) -> str:
    """Return the query of a period's values in the marts."""
    return (
        f"select {', '.join(VALUE_COLUMNS)} from kpi.marts.kpi_values "
        f"where period_grain = '{period.grain}' and period_start = date '{period.start}'"
    )


def current_events(connection: duckdb.DuckDBPyConnection, period: Period) -> str:
    """Return the query of the facts of a period in the marts, each with its file and line."""
    known = {
        row[0]
        for row in connection.execute(
            "select distinct table_name from duckdb_columns() where database_name = 'kpi' "
            "and schema_name = 'marts' and column_name = '_source_file'"
        ).fetchall()
    }
    origins = " union all ".join(
        f"select '{table}' as fact_table, {key} as fact_id, min(_source_file) as _source_file, "
        f"min(_source_row) as _source_row from kpi.marts.{table} group by {key}"
        for table, key in _ORIGINS.items()
        if table in known
    )
    scopes = ", ".join(SCOPE_COLUMNS.values())
    return f"""
        with origins as ({origins}),
        facts as (
            select measure_code, occurred_on, fact_table, fact_id, {scopes}, sum(value) as value
            from kpi.marts.kpi_events
            where occurred_on >= date '{period.start}' and occurred_on < date '{period.end}'
            group by all
        )
        select facts.*, origins._source_file, origins._source_row
        from facts left join origins
            on facts.fact_table = origins.fact_table and facts.fact_id = origins.fact_id
    """


def copy_period(connection: duckdb.DuckDBPyConnection, period: Period, folder: Path) -> None:
    """Write a period's values and facts as Parquet, in an order that the content alone decides."""
    for name, query in (
        ("kpi_values", current_values(period)),
        ("kpi_events", current_events(connection, period)),
    ):
        connection.execute(
            f"copy (select * from ({query}) order by all) to "
            f"{quoted(folder / f'{name}.parquet')} (format parquet, compression zstd)"
        )


def changed_values(before: str, after: str) -> str:
    """Return the query of values that differ between two states: NULL where one has no row."""
    keys = ("kpi_code", "scope_type", "scope_id")
    on = " and ".join(f"b.{key} = a.{key}" for key in keys)
    sides = ", ".join(
        f"b.{part} as {part}_before, a.{part} as {part}_after"
        for part in ("numerator", "denominator", "value")
    )
    return f"""
        select {", ".join(f"coalesce(b.{key}, a.{key}) as {key}" for key in keys)},
            coalesce(a.scope_name, b.scope_name) as scope_name, coalesce(a.unit, b.unit) as unit,
            {sides}
        from ({before}) as b full outer join ({after}) as a on {on}
        where b.numerator is distinct from a.numerator
            or b.denominator is distinct from a.denominator
            or b.value is distinct from a.value
    """


def changed_facts(before: str, after: str) -> str:
    """Return the query of facts that differ between two states, with the file that brought each.

    The file is that of the later state: a fact that was changed names the file that changed it,
    one that is gone names the file it had come from.
    """
    keys = ("measure_code", "occurred_on", "fact_table", "fact_id", *SCOPE_COLUMNS.values())
    on = " and ".join(f"b.{key} is not distinct from a.{key}" for key in keys)
    return f"""
        select {", ".join(f"coalesce(a.{key}, b.{key}) as {key}" for key in keys)},
            b.value as value_before, a.value as value_after,
            coalesce(a._source_file, b._source_file) as _source_file,
            coalesce(a._source_row, b._source_row) as _source_row
        from ({before}) as b full outer join ({after}) as a on {on}
        where b.value is distinct from a.value
    """


def files_by_cell(
    changes: Sequence[dict[str, Any]],
    facts: Sequence[dict[str, Any]],
    measures: dict[str, tuple[str, ...]],
) -> dict[tuple[str, str, str], list[str]]:
    """Return, for each changed value, the files of the facts that changed behind it.

    Args:
        changes: Rows of ``changed_values``.
        facts: Rows of ``changed_facts``.
        measures: The measures of each KPI.
    """
    by_measure: dict[tuple[str, str, str], set[str]] = {}
    for fact in facts:
        if not fact["_source_file"]:
            continue
        scopes = [("company", "all")]
        scopes += [(scope, fact[column]) for scope, column in SCOPE_COLUMNS.items()]
        for scope_type, scope_id in scopes:
            if scope_id is not None:
                key = (fact["measure_code"], scope_type, scope_id)
                by_measure.setdefault(key, set()).add(fact["_source_file"])
    told = {}
    for change in changes:
        scope = (change["scope_type"], change["scope_id"])
        files: set[str] = set()
        for measure in measures.get(change["kpi_code"], ()):
            files |= by_measure.get((measure, *scope), set())
        told[(change["kpi_code"], *scope)] = sorted(files)
    return told
