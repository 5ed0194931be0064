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


def test_a_file_that_was_overwritten_is_named_as_lines_of_before_still_count(company):
    columns = "deal_id stage opened_at closed_at amount"
    header = columns.replace(" ", ",") + "\n"
    one = "d1,won,2026-01-01,2026-01-11,100\n"
    two = "d2,won,2026-01-01,2026-01-12,20\n"
    company.entity("deals", columns)
    company.file("deals.csv", header + one + two)
    told = explain(company.run().session.workspace, "booked_revenue", "company", "2026-01")
    assert told.overwritten == []
    company.file("deals.csv", header + two)
    told = explain(company.run().session.workspace, "booked_revenue", "company", "2026-01")
    # both are told to stand on line 2: d1 of the earlier content, d2 of the file as it is
    assert told.sums == {"booked_revenue": 120}
    assert {(f["fact_id"], f["_source_row"]) for f in told.facts} == {("crm:d1", 2), ("crm:d2", 2)}
    assert told.overwritten == ["raw/crm/deals.csv"]
