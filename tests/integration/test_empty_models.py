"""Models that say when they have no row are right, and leaving them out changes nothing."""

from pathlib import Path

import duckdb
import pytest

from dagster_project import empty_models, transform
from dagster_project.settings import set_dbt_environment
from tests.conftest import Company, run_all

MODELS = {
    node.name: node
    for node in transform.parsed_project().nodes.values()
    if node.resource_type == "model"
}
RULES = {name: empty_models.named(node) for name, node in MODELS.items()}
RULES = {name: named for name, named in RULES.items() if named}


@pytest.mark.parametrize("name", RULES)
def test_a_model_names_only_what_it_reads(name):
    read = {unique_id.split(".")[-1] for unique_id in MODELS[name].depends_on.nodes}
    assert set(RULES[name]) <= read


@pytest.fixture(scope="module")
def compiled(demo) -> dict[str, str]:
    """Return the SQL of every model that has a rule, for the demonstration company."""
    workspace = demo.session.workspace
    set_dbt_environment(workspace)
    with transform.warehouse_connection(workspace):
        told = transform._runner().invoke(
            ["--quiet", "compile", "--select", *RULES, *transform._folders(workspace)]
        )
    assert told.success, told.exception
    return {item.node.name: item.node.compiled_code for item in told.result.results}


@pytest.fixture(scope="module")
def warehouse(demo, compiled):
    with transform.warehouse_connection(demo.session.workspace) as connection:
        yield connection


@pytest.mark.parametrize("name", RULES)
def test_without_what_it_names_a_model_of_a_full_company_has_no_row(warehouse, compiled, name):
    sql = compiled[name]
    for named in RULES[name]:
        node = MODELS.get(named)
        place = (node.database, node.schema, node.alias) if node else ("warehouse", "raw", named)
        relation = ".".join(f'"{part}"' for part in place)
        if not named.startswith("stg_"):  # staged tables of systems that nobody has are not read
            assert relation in sql
        sql = sql.replace(relation, f"(select * from {relation} where false)")
    assert warehouse.execute(f"select count(*) from ({sql})").fetchone() == (0,)


def _deals(company: Company) -> None:
    company.entity("deals", "deal_id manager_id amount currency opened_at closed_at stage")
    company.file(
        "deals.csv",
        "deal_id,manager_id,amount,currency,opened_at,closed_at,stage\n"
        "D1,M1,100.50,RUB,2026-01-05,2026-01-20,won\n"
        "D2,M2,200,RUB,2026-02-01,2026-02-11,lost\n"
        "D3,M1,300,RUB,2026-03-01,,open\n",
    )


def _leads_and_spend(company: Company) -> None:
    company.entity("leads", "lead_id created_at manager_id source")
    company.entity("spend", "spent_on source amount currency")
    company.file(
        "leads.csv",
        "lead_id,created_at,manager_id,source\nL1,2026-01-02,M1,site\nL2,2026-02-20,M1,fair\n",
    )
    company.file("spend.csv", "spent_on,source,amount,currency\n2026-01-02,site,50,RUB\n")


def _subscriptions(company: Company) -> None:
    company.entity(
        "subscriptions",
        "subscription_id customer_id started_on ended_on amount billing_months currency",
    )
    company.file(
        "subscriptions.csv",
        "subscription_id,customer_id,started_on,ended_on,amount,billing_months,currency\n"
        "S1,C1,2026-01-05,,100,1,RUB\nS2,C2,2026-01-10,2026-03-01,240,12,RUB\n",
    )


def _content(release: Path) -> dict[str, list]:
    """Return of each published table its columns with their types, and its rows."""
    with duckdb.connect(str(release / "kpi.duckdb"), read_only=True) as reader:
        names = reader.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts' order by all"
        ).fetchall()
        return {
            name: [
                reader.execute(f"describe marts.{name}").fetchall(),
                *sorted(reader.execute(f"select * from marts.{name}").fetchall(), key=repr),
            ]
            for (name,) in names
        }


@pytest.mark.parametrize(
    ("deliver", "left_out"),
    [
        (_deals, {"fct_leads", "fct_spend", "fct_subscriptions", "bonus_lines"}),
        (_leads_and_spend, {"fct_deals", "fct_payments", "fct_pipeline_spans"}),
        (_subscriptions, {"fct_deals", "fct_leads", "int_leads__united"}),
    ],
)
def test_leaving_out_what_has_no_row_publishes_the_same(tmp_path, monkeypatch, deliver, left_out):
    whole, lean = Company(tmp_path / "whole"), Company(tmp_path / "lean")
    deliver(whole)
    deliver(lean)
    with monkeypatch.context() as patched:
        patched.setattr(empty_models, "rowless_models", lambda *_: [])
        expected = run_all(whole.save())  # after it, the columns of all models are known
    built, build = [], transform.build
    monkeypatch.setattr(transform, "build", lambda *a, **k: built.extend(n := build(*a, **k)) or n)
    run = run_all(lean.save())
    assert "assert_mart_keys_stand_once" in {node.name for node in built}  # it reads all marts
    assert left_out <= run.session.left_out
    assert left_out.isdisjoint(expected.session.left_out)
    assert _content(run.folder) == _content(expected.folder)


def test_what_is_no_longer_delivered_leaves_no_row_behind(company):
    _deals(company)
    _leads_and_spend(company)
    first = company.run()
    assert first.one("select count(*), sum(amount) from marts.fct_spend") == (1, 50)
    (company.directory / "raw" / "crm" / "spend.csv").unlink()
    del company.settings["sources"]["crm"]["entities"]["spend"]
    second = company.run()
    assert second.one("select count(*) from marts.fct_spend") == 0
    assert second.one("select count(*) from marts.fct_leads") == 2
