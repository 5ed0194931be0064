"""The code location: assembles, nothing else.

What belongs here: the list of assets, checks, jobs and resources. What does not: opening anything.
"""

from __future__ import annotations

import dagster as dg

from dagster_project.defs import jobs, pay, published, raw, transform
from dagster_project.defs.resources import WarehouseResource

defs = dg.Definitions(
    assets=[
        raw.raw_tables,
        transform.staging,
        transform.intermediate,
        transform.marts,
        pay.pay_tables,
        transform.pay,
        published.published,
    ],
    asset_checks=[raw.gate_raw, transform.gate_refined, transform.gate_kpi],
    jobs=[jobs.refresh_kpis],
    schedules=[jobs.daily],
    sensors=[jobs.new_files],
    resources={"warehouse": WarehouseResource()},
    executor=dg.in_process_executor,
)
