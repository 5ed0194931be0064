"""The benchmark's hand-written script computes what the product publishes: each holds the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from benchmarks import limit
from benchmarks.company import write_company
from tests.conftest import run_all

pytestmark = pytest.mark.e2e
KEYS = "kpi_code, scope_type, scope_id, period_grain, period_start"
FIGURES = [
    "numerator",
    "denominator",
    "value",
    "maturity",
    "value_previous",
    "value_year_ago",
    "value_previous_to_date",
    "value_year_ago_to_date",
    "value_previous_to_date_working_day",
    "value_year_ago_to_date_working_day",
]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection with `published` and `limit`, the same company's figures."""
    directory = tmp_path_factory.mktemp("company")
    write_company(directory, 3000)
    release = run_all(directory)
    limit.run(directory)
    yield of(release.file, directory / "limit.parquet")


def of(release: Path, figures: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"attach '{release}' as release (read_only)")
    # a KPI that has no value anywhere is not known of this company
    connection.execute(
        "create table published as select * from release.marts.kpi_values "
        "qualify count(value) over (partition by kpi_code) > 0"
    )
    connection.execute(f"create table \"limit\" as select * from '{figures}'")
    return connection


def test_every_published_kpi_is_in_the_limit_and_no_other(both):
    assert codes(both, '"limit"') == codes(both, "published")


def codes(both: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    found = both.execute(f"select distinct kpi_code from {table} order by 1").fetchall()
    return [code for (code,) in found]


def test_the_limit_has_the_published_rows_each_once(both):
    repeated = both.execute(f'select {KEYS} from "limit" group by all having count(*) > 1 limit 5')
    assert not repeated.fetchall()
    for left, right in [("published", '"limit"'), ('"limit"', "published")]:
        lone = both.execute(
            f"select kpi_code, period_grain, scope_type, count(*) as row_count, "
            f"min(scope_id || ' ' || period_start) as first_of_them "
            f"from (select {KEYS} from {left} except select {KEYS} from {right}) "
            f"group by all order by all limit 20"
        ).fetchall()
        assert not lone, f"only {left} has\n" + "\n".join(map(str, lone))


@pytest.mark.parametrize("figure", FIGURES)
def test_the_figures_are_the_published_ones(both, figure):
    joined = (
        f"select {KEYS}, cast(published.{figure} as double) as theirs, mine.{figure} as ours "
        f'from published inner join "limit" as mine using ({KEYS})'
    )
    assert both.execute(f"select count(theirs) from ({joined})").fetchone() > (0,)
    differing = both.execute(
        f"select * from ({joined}) where (ours is null) <> (theirs is null) "
        f"or not abs(ours - theirs) <= 1e-9 * abs(theirs) order by all limit 10"
    ).fetchall()
    assert not differing, f"{figure}: {KEYS}, published, limit\n" + "\n".join(
        " ".join(map(str, row)) for row in differing
    )
