"""What the KPI step costs: from facts to ``kpi_values``, per million measure rows.

A measure row is a fact counted by a measure, what ``kpi_events`` has a row for; a deal that comes
apart by product is one. The step's models build two at a time, so that seconds of models add up to
more than the clock shows.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from dagster_project.settings import project_root
from dagster_project.transform import BuiltNode

BESIDE = {"kpi_windows", "kpi_parts", "kpi_values"}
"""Models of the step that a release keeps; the engine's own stand in a folder of theirs."""


def kpi_step(layer: str, built: Iterable[BuiltNode], warehouse: duckdb.DuckDBPyConnection) -> dict:
    """Return the step's seconds, measure rows and seconds per million of them.

    Args:
        layer: The stage that was built; of any but the marts there is nothing to tell.
        built: What dbt says of the models of the stage.
        warehouse: The warehouse, with the engine's tables.
    """
    if layer != "marts":
        return {}
    folder = project_root() / "dbt" / "models" / "marts" / "engine"
    names = {path.stem for path in folder.glob("*.sql")} | BESIDE
    seconds = sum(node.seconds for node in built if node.name in names and node.kind == "model")
    (rows,) = warehouse.execute(
        "select coalesce(sum(samples), 0) from engine.kpi_scope_days "
        "where scope_type = 'company' and not is_balance"
    ).fetchone()
    per_million = seconds / int(rows) * 1_000_000 if rows else None
    return {"kpi_seconds": seconds, "measure_rows": int(rows), "per_million": per_million}


def kpi_step_told(stages: Iterable[dict]) -> str:
    """Return the line that the benchmark prints of it."""
    for stage in stages:
        if stage.get("per_million") is not None:
            return (
                f"KPI step (engine and kpi_values): {stage['kpi_seconds']:.2f} s of models for "
                f"{stage['measure_rows']:,} measure rows, {stage['per_million']:.2f} s per million"
            )
    return "KPI step: no measure row"
