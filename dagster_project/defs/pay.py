"""Statements worked out on the marts, landed as raw tables for the models of pay.

What belongs here: the asset. What does not: how pay is worked out (closing, pay).
"""

from collections.abc import Iterator

import dagster as dg

from dagster_project.closing.landing import LANDED
from dagster_project.defs.resources import WarehouseResource
from dagster_project.defs.transform import key_of

TABLES = (*LANDED, "kpi_values_closed", "closed_corrections")
_READ = (
    "kpi_values",
    "kpi_events",
    "dim_kpi",
    "dim_date",
    "dim_manager",
    "dim_manager_ids",
    "fct_deals",
    "fct_deal_events",
    "fct_payments",
)


@dg.multi_asset(
    name="statements",
    group_name="pay",
    specs=[
        dg.AssetSpec(
            ["raw", f"pay__{name}"],
            deps=[key_of(model) for model in _READ],
            description=f"Pay: {name.replace('_', ' ')} of open and closed periods.",
        )
        for name in TABLES
    ],
)
def pay_tables(warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:
    """Work out pay of open periods and land it beside what is closed."""
    rows = warehouse.session.pay()
    for name in TABLES:
        yield dg.MaterializeResult(
            asset_key=["raw", f"pay__{name}"],
            metadata={"dagster/row_count": rows.get(name, 0)},
        )
