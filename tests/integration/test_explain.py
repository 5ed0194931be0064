"""Numbers taken back to what they are made of, beside the cases of each KPI's own tests."""

from __future__ import annotations

import pytest

from dagster_project.explain import explain


@pytest.mark.kpi("cycle_days_median")
def test_a_median_of_a_product_lists_the_days_that_it_is_taken_of(company):
    company.entity("deals", "deal_id stage opened_at closed_at amount product_name")
    company.file(
        "deals.csv",
        """\
deal_id,stage,opened_at,closed_at,amount,product_name
d1,won,2026-01-01,2026-01-11,100,Table
d2,won,2026-01-01,2026-01-31,100,
""",
    )
    company.entity("deal_items", "deal_id product_name quantity price")
    company.file(
        "deal_items.csv",
        "deal_id,product_name,quantity,price\nd2,Table,1,25\nd2,Chair,1,75\n",
    )
    workspace = company.run().session.workspace
    told = explain(workspace, "cycle_days_median", "product=Table", "2026-01")
    # a quarter of d2 is Table, and all of its 30 days: the median of 10 and 30
    assert told.cell["value"] == 20
    assert [(f["fact_id"], float(f["value"])) for f in told.facts] == [
        ("crm:d2", 30),
        ("crm:d1", 10),
    ]
    # the mean divides parts by parts: (10 + 30 / 4) / (1 + 1 / 4)
    mean = explain(workspace, "cycle_days_mean", "product=Table", "2026-01")
    assert mean.cell["value"] == (10 + 7.5) / 1.25
    assert mean.sums["cycle_days"] == 17.5
