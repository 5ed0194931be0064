"""The release as the last asset: it depends on every gated table."""

import dagster as dg

from dagster_project.defs.resources import WarehouseResource
from dagster_project.defs.transform import mart_keys


@dg.asset(key=["published", "kpi"], group_name="published", deps=mart_keys())
def published(warehouse: WarehouseResource) -> dg.MaterializeResult:
    """Write a release beside, verify it, swap the link; refuse what a gate refused."""
    release = warehouse.session.publish()
    return dg.MaterializeResult(
        metadata={
            "folder": str(release.folder),
            "swapped": release.is_swapped,
            "tables": len(release.tables),
            "rows": sum(table["rows"] for table in release.tables.values()),
        }
    )
