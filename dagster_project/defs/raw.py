"""Delivered files -> raw tables, and the first gate.

What belongs here: the assets of the raw layer. What does not: reading files (ingest).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from dagster_project.defs.gates import gate_result
from dagster_project.defs.markdown import table
from dagster_project.defs.resources import WarehouseResource
from dagster_project.ingest.contracts import CONTRACTS, TABLES
from dagster_project.settings import Workspace

FILES = dg.AssetKey(["raw", "files"])
_SHOWN = 50


def raw_key(table: str) -> dg.AssetKey:
    """Return the key of a raw table, as dbt names its source."""
    return dg.AssetKey(["raw", table])


@dg.multi_asset(
    name="ingest",
    group_name="raw",
    can_subset=True,
    specs=[
        dg.AssetSpec(FILES, description="One row per delivered file, with its part in the run."),
        *(
            dg.AssetSpec(raw_key(name), description=f"Delivered {name} as text, with lineage.")
            for name in TABLES
        ),
    ],
)
def raw_tables(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Land every delivered file and write the raw schema whole."""
    done = warehouse.session.ingest()
    if FILES in context.selected_asset_keys:
        yield dg.MaterializeResult(
            asset_key=FILES,
            metadata={
                "load_id": done.load_id,
                "files": len(done.files),
                "rejected": len(done.rejected),
                "landed now": done.landed_now,
                "dagster/row_count": len(done.files),
                "preview": dg.MetadataValue.md(files_shown(done.files)),
            },
        )
    landed = dict.fromkeys(TABLES, 0)
    for file in done.files:
        if file.get("rows_landed"):
            landed[file["table_name"]] += file["rows_landed"]
    for name, rows in landed.items():
        if (key := raw_key(name)) in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": rows})


def assets_of_unused_systems(workspace: Workspace) -> set[dg.AssetKey]:
    """Return raw and staged tables of systems that no source of a workspace is.

    They stay empty whatever a run does; leaving them out of it saves their records.
    """
    used = {"files", *(source.system for source in workspace.config.sources.values())}
    return {
        key
        for system, contract in CONTRACTS.items()
        if system not in used
        for key in [
            *(raw_key(table.relation) for table in contract.tables),
            *(dg.AssetKey(["staging", f"stg_{system}__{e}"]) for e in contract.entities),
        ]
    }


def files_shown(files: list[dict[str, Any]]) -> str:
    """Return a table of the first fifty files, those that are rejected before all others."""
    first = sorted(files, key=lambda file: file["status"] != "rejected")[:_SHOWN]
    rows = [(f["file_name"], f["entity"], f["status"], f.get("rows_seen")) for f in first]
    left = len(files) - len(first)
    told = table(("file", "entity", "status", "rows"), rows)
    return told + (f"\n\n{left} more: `kpi status`" if left else "")


@dg.asset_check(asset=FILES, name="gate_raw", blocking=True)
def gate_raw(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Files are readable, whole, not older than before; counts agree with the landing."""
    return gate_result(warehouse.session.gate("raw"))
