"""Delivered files -> raw tables, and the first gate.

What belongs here: the assets of the raw layer. What does not: reading files (ingest).
"""

from collections.abc import Iterator

import dagster as dg

from dagster_project.canonical import ENTITIES
from dagster_project.defs.gates import gate_result
from dagster_project.defs.resources import WarehouseResource

FILES = dg.AssetKey(["raw", "files"])


def raw_key(entity: str) -> dg.AssetKey:
    """Return the key of an entity's raw table, as dbt names its source."""
    return dg.AssetKey(["raw", f"files__{entity}"])


@dg.multi_asset(
    name="ingest",
    group_name="raw",
    specs=[
        dg.AssetSpec(FILES, description="One row per delivered file, with its part in the run."),
        *(
            dg.AssetSpec(raw_key(entity), description=f"Delivered {entity} as text, with lineage.")
            for entity in ENTITIES
        ),
    ],
)
def raw_tables(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource
) -> Iterator[dg.MaterializeResult]:
    """Land every delivered file and write the raw schema whole."""
    done = warehouse.session.ingest()
    yield dg.MaterializeResult(
        asset_key=FILES,
        metadata={
            "load_id": done.load_id,
            "files": len(done.files),
            "rejected": len(done.rejected),
            "landed now": done.landed_now,
            "dagster/row_count": len(done.files),
            "preview": dg.MetadataValue.md(_table(done.files)),
        },
    )
    for entity in ENTITIES:
        rows = sum(f.get("rows_landed") or 0 for f in done.files if f["entity"] == entity)
        yield dg.MaterializeResult(asset_key=raw_key(entity), metadata={"dagster/row_count": rows})


def _table(files: list[dict]) -> str:
    lines = ["| file | entity | status | rows |", "|---|---|---|---|"]
    lines += [
        f"| {f['file_name']} | {f['entity']} | {f['status']} | {f.get('rows_seen') or ''} |"
        for f in files[:50]
    ]
    return "\n".join(lines)


@dg.asset_check(asset=FILES, name="gate_raw", blocking=True)
def gate_raw(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Files are readable, whole, not older than before; counts agree with the landing."""
    return gate_result(warehouse.session.gate("raw"))
