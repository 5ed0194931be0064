"""dbt's models as assets, a step per layer, with the second and third gate between them.

What belongs here: the mapping of dbt nodes to assets and checks. What does not: how dbt is called.
"""

import json
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from dagster_project.defs.gates import gate_result
from dagster_project.defs.markdown import table
from dagster_project.defs.resources import WarehouseResource
from dagster_project.transform import manifest_file

_LAYER_CHECKED = {"refined": "int_audit__reconciliation", "kpi": "bonus_statements"}


class _Translator(DagsterDbtTranslator):
    """Name assets as the tables are named: schema and table; group them by layer."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return schema/table."""
        name = dbt_resource_props.get("identifier") or dbt_resource_props["name"]
        return dg.AssetKey([dbt_resource_props["schema"], name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Return the layer."""
        tags = set(dbt_resource_props.get("tags") or [])
        layers = [layer for layer in ("staging", "intermediate", "marts", "pay") if layer in tags]
        return layers[0] if layers else "raw"


_TRANSLATOR = _Translator(settings=DagsterDbtTranslatorSettings(enable_asset_checks=True))


def _manifest() -> dict[str, Any]:
    return json.loads(manifest_file().read_text(encoding="utf-8"))


_MANIFEST = _manifest()
_READS = {key: node["depends_on"].get("nodes", []) for key, node in _MANIFEST["nodes"].items()}
_IN_ORDER = {
    unique_id: _MANIFEST["nodes"][unique_id]
    for unique_id in TopologicalSorter(_READS).static_order()
    if unique_id in _MANIFEST["nodes"]
}


def key_of(model: str) -> dg.AssetKey:
    """Return the asset key of a model or seed by its name."""
    for node in _MANIFEST["nodes"].values():
        if node["name"] == model and node["resource_type"] in ("model", "seed"):
            return _TRANSLATOR.get_asset_key(node)
    raise KeyError(model)


def _results(
    context: dg.AssetExecutionContext, warehouse: WarehouseResource, layer: str
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Build a layer whole, whichever of its tables were asked for; tell of those."""
    nodes = warehouse.session.build(layer)
    left_out = warehouse.session.left_out
    row_counts = dict(
        warehouse.session.connection.execute(
            "select database_name || '.' || schema_name || '.' || table_name, estimated_size "
            "from duckdb_tables()"
        ).fetchall()
    )

    def is_asked(told: dict[str, Any]) -> bool:
        return _TRANSLATOR.get_asset_key(told) in context.selected_asset_keys

    checks = {key.name: key for key in context.selected_asset_check_keys}
    built = {node.unique_id: node for node in nodes}
    for unique_id, told in _IN_ORDER.items():  # Dagster asks for what is read before what reads
        node = built.get(unique_id)
        if node is None and not (told["name"] in left_out and layer in told["tags"]):
            continue
        if told["resource_type"] not in ("model", "seed") or not is_asked(told):
            continue
        metadata: dict[str, Any] = {"dagster/row_count": 0}
        if node:
            metadata = {"seconds": round(node.seconds, 3)}
            if told["config"]["materialized"] != "view":
                relation = f"{told['database']}.{told['schema']}.{told['alias']}"
                metadata["dagster/row_count"] = row_counts.get(relation, 0)
        if node and node.name.startswith("kpi_") and told["schema"] == "marts":
            metadata["preview"] = dg.MetadataValue.md(_preview(warehouse, told))
        yield dg.MaterializeResult(asset_key=_TRANSLATOR.get_asset_key(told), metadata=metadata)
    for node in nodes:
        if node.kind == "test" and node.name in checks:
            key = checks[node.name]
            yield dg.AssetCheckResult(
                passed=node.is_good, asset_key=key.asset_key, check_name=key.name
            )


def _preview(warehouse: WarehouseResource, told: dict[str, Any]) -> str:
    frame = warehouse.session.connection.execute(
        f"select * from {told['database']}.{told['schema']}.{told['alias']} limit 5"
    )
    names = [column[0] for column in frame.description][:12]
    return table(names, [row[:12] for row in frame.fetchall()])


@dbt_assets(
    manifest=_MANIFEST, select="tag:staging", name="staging", dagster_dbt_translator=_TRANSLATOR
)
def staging(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Any]:
    """Type and clean the delivered rows; list what does not type."""
    yield from _results(context, warehouse, "staging")


@dbt_assets(
    manifest=_MANIFEST,
    select="tag:intermediate",
    name="intermediate",
    dagster_dbt_translator=_TRANSLATOR,
)
def intermediate(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Any]:
    """Unite the sources and apply the rules."""
    yield from _results(context, warehouse, "intermediate")


@dbt_assets(
    manifest=_MANIFEST, select="tag:marts", name="marts", dagster_dbt_translator=_TRANSLATOR
)
def marts(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Any]:
    """Compute facts, dimensions and KPIs."""
    yield from _results(context, warehouse, "marts")


@dbt_assets(manifest=_MANIFEST, select="tag:pay", name="pay", dagster_dbt_translator=_TRANSLATOR)
def pay(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Any]:
    """Publish statements, their lines, closed values and what has changed since."""
    yield from _results(context, warehouse, "pay")


@dg.asset_check(asset=key_of(_LAYER_CHECKED["refined"]), name="gate_refined", blocking=True)
def gate_refined(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Stages are mapped, keys unique, money converted, rows and money reconciled."""
    return gate_result(warehouse.session.gate("refined"))


@dg.asset_check(
    asset=key_of(_LAYER_CHECKED["kpi"]),
    name="gate_kpi",
    blocking=True,
    additional_deps=[key_of("kpi_values")],
)
def gate_kpi(warehouse: WarehouseResource) -> dg.AssetCheckResult:
    """Identities hold, values lie in range, closed periods did not collapse."""
    return gate_result(warehouse.session.gate("kpi"))


def mart_keys() -> list[dg.AssetKey]:
    """Return the keys of every model that a release may hold."""
    return [
        _TRANSLATOR.get_asset_key(node)
        for node in _MANIFEST["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] in ("marts", "ops")
    ]
