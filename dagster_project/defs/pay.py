"""Goals and statements worked out on the marts, landed as raw tables for their models.

What belongs here: the asset. What does not: how they are worked out (planning, closing).
"""

from collections.abc import Iterator

import dagster as dg

from dagster_project.closing.landing import LANDED
from dagster_project.defs.resources import WarehouseResource
from dagster_project.defs.transform import key_of
from dagster_project.planning.landing import LANDED as GOALS

TABLES = (
    *(f"goals__{name}" for name in GOALS),
    *(f"pay__{name}" for name in (*LANDED, "kpi_values_closed", "closed_corrections")),
)
_READ = (
    "kpi_values",
    "kpi_events",
    "dim_kpi",
    "dim_date",
    "dim_manager",
    "dim_manager_ids",
    "fct_deals",
    "fct_deal_deletions",
    "fct_deal_events",
    "fct_payments",
    "fct_rates",
    "int_targets__united",
)


@dg.multi_asset(
    name="statements",
    group_name="pay",
    specs=[
        dg.AssetSpec(
            ["raw", name],
            deps=[key_of(model) for model in _READ],
            description=name.replace("__", ": ").replace("_", " ").capitalize() + ".",
        )
        for name in TABLES
    ],
)
def pay_tables(warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
    """Work out goals, and pay of open periods beside what is closed."""
    rows = warehouse.session.pay()
    for name in TABLES:
        yield dg.MaterializeResult(
            asset_key=["raw", name],
            metadata={"dagster/row_count": rows.get(name, 0)},
        )
