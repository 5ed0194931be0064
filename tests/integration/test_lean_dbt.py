"""The shortcuts through dbt change nothing but its time, and a breach of contract still stops."""

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from dagster_project import transform
from dagster_project.canonical import ENTITIES
from dagster_project.errors import PipelineError
from dagster_project.settings import load_workspace
from tests.conftest import Company, run_all

_PLAIN_RUN = """
import sys
from dagster_project import transform
transform.make_lean = lambda templates: None
transform.drop_idle_macros = lambda manifest: None
from tests.conftest import run_all
from pathlib import Path
run_all(Path(sys.argv[1]))
"""


def _delivered(company: Company) -> Path:
    company.entity("deals", "deal_id manager_id amount currency opened_at closed_at stage lead_id")
    company.entity("leads", "lead_id created_at manager_id source")
    company.file(
        "deals.csv",
        "deal_id,manager_id,amount,currency,opened_at,closed_at,stage,lead_id\n"
        "D1,M1,100.50,RUB,2026-01-05,2026-01-20,won,L1\n"
        "D2,M2,200,RUB,2026-02-01,2026-02-11,lost,\n"
        "D3,M1,300,RUB,2026-03-01,,open,L2\n",
    )
    company.file(
        "leads.csv",
        "lead_id,created_at,manager_id,source\nL1,2026-01-02,M1,site\nL2,2026-02-20,M1,fair\n",
    )
    return company.save()


def _tables(published: Path) -> dict[str, list[tuple]]:
    with duckdb.connect(str(published / "kpi.duckdb"), read_only=True) as reader:
        names = reader.execute(
            "select table_name from duckdb_tables() where schema_name = 'marts' order by all"
        ).fetchall()
        return {
            name: sorted(reader.execute(f"select * from marts.{name}").fetchall(), key=repr)
            for (name,) in names
        }


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace that has been run twice: the second run asks dbt for other macros."""
    delivered = _delivered(Company(tmp_path_factory.mktemp("lean") / "ws"))
    run_all(delivered)
    run_all(delivered)
    return delivered


def test_a_run_through_plain_dbt_publishes_the_same_tables(directory: Path, tmp_path: Path):
    lean = _tables(directory / "published")
    again = Company(tmp_path / "plain")
    _delivered(again)
    subprocess.run(
        [sys.executable, "-c", _PLAIN_RUN, str(again.directory)],
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    plain = _tables(again.directory / "published")
    assert sum(row[0] == "booked_revenue" for row in lean["kpi_values"]) > 0
    assert lean == plain


def test_a_mart_that_breaks_its_contract_stops_and_keeps_the_former_table(directory: Path):
    workspace = load_workspace(directory)
    node = transform.parsed_project().nodes["model.sales_kpi_warehouse.dim_date"]
    node.columns["day"].data_type = "varchar"
    try:
        with transform.warehouse_connection(workspace) as connection:
            before = connection.execute("select count(*) from kpi.marts.dim_date").fetchone()
            with pytest.raises(PipelineError, match="dim_date"):
                transform.build(workspace, "marts", select="dim_date")
            after = connection.execute("select count(*) from kpi.marts.dim_date").fetchone()
            kind = connection.execute(
                "select data_type from duckdb_columns() where database_name = 'kpi' "
                "and table_name = 'dim_date' and column_name = 'day'"
            ).fetchone()
    finally:
        node.columns["day"].data_type = "date"
    assert before == after
    assert kind == ("DATE",)


def test_what_nobody_delivers_has_the_columns_that_staging_would_give_it(directory: Path):
    workspace = load_workspace(directory)

    def described(connection: duckdb.DuckDBPyConnection, kind: str) -> dict[str, list[tuple]]:
        names = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'staging' "
            "and table_name like 'stg\\_files\\_\\_%' escape '\\' and table_type = ?",
            [kind],
        ).fetchall()
        return {
            name: connection.execute(f"describe staging.{name}").fetchall() for (name,) in names
        }

    with transform.warehouse_connection(workspace) as connection:
        stand_ins = described(connection, "VIEW")
        assert len(stand_ins) == len(ENTITIES) - 2  # deals and leads are delivered
        transform.build(workspace, "staging", select="stg_files__*")
        staged = described(connection, "BASE TABLE")
    assert {name: staged[name] for name in stand_ins} == stand_ins
