"""An alias may name a record by `<source>:<id>`, and then two ids of one source are one."""

from __future__ import annotations

from dagster_project.likenesses import likely_pairs
from dagster_project.settings import load_workspace

DEALS = "deal_id stage opened_at closed_at amount manager_id customer_id"


def test_two_ids_of_one_source_are_one_customer_and_manager_only_by_alias(company):
    """By hand: 100 + 250 won by Anna under two ids, for one customer under two ids."""
    company.entity("deals", DEALS).entity("customers", "customer_id customer_name")
    company.entity("managers", "manager_id manager_name")
    company.file(
        "deals.csv",
        DEALS.replace(" ", ",") + "\n"
        "1,won,2026-01-01,2026-01-10,100,m1,c1\n2,won,2026-01-01,2026-01-20,250,m2,c2\n",
    )
    company.file("customers.csv", "customer_id,customer_name\nc1,Вектор\nc2,ООО «Вектор»\n")
    company.file("managers.csv", "manager_id,manager_name\nm1,Анна Петрова\nm2,Петрова А.\n")
    apart = company.run()
    assert apart.one("select count(*) from marts.dim_customer") == 2
    proposed = {pair["line"] for pair in likely_pairs(load_workspace(company.directory))}
    assert proposed == {
        'aliases: {manager: {"crm:m2": "crm:m1"}}',
        'aliases: {customer: {"crm:c2": "crm:c1"}}',
    }
    company.settings["aliases"] = {
        "manager": {"crm:m2": "crm:m1"},
        "customer": {"crm:c2": "crm:c1"},
    }
    one = company.run()
    assert one.rows("select customer_id, customer_name from marts.dim_customer") == [
        ("crm:c1", "Вектор")
    ]
    assert one.kpi("booked_revenue", "2026-01-01", scope="manager", who="crm:m1") == 350
    named = "select distinct manager_name from marts.dim_manager where manager_name <> 'not given'"
    assert one.rows(named) == [("Анна Петрова",)]
