"""The marts' file is whole before a release copies it, whatever connection still lingers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dagster_project.publish.release import settle


@pytest.fixture
def marts(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{tmp_path / 'kpi.duckdb'}' as kpi")
        connection.execute("create schema kpi.ops")
        connection.execute("create table kpi.ops.reconciliation as select 1 as files")
        yield connection


def _reads_while_another_writes(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Leave a committed write that an older reader keeps DuckDB from cleaning up after."""
    reader = connection.cursor()
    reader.execute("begin")
    reader.execute("select * from kpi.ops.reconciliation").fetchall()
    connection.execute("update kpi.ops.reconciliation set files = 2")
    with pytest.raises(duckdb.TransactionException):
        connection.execute("checkpoint kpi")
    return reader


def test_the_file_is_settled_as_soon_as_a_lingering_reader_ends(
    marts: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    reader = _reads_while_another_writes(marts)
    ending = threading.Thread(target=lambda: (time.sleep(0.3), reader.execute("commit")))
    ending.start()
    settle(marts)
    ending.join()
    wal = tmp_path / "kpi.duckdb.wal"
    assert not wal.exists() or wal.stat().st_size == 0
    assert marts.execute("select files from kpi.ops.reconciliation").fetchone() == (2,)


def test_a_reader_that_does_not_end_is_told_and_not_waited_for_without_end(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    reader = _reads_while_another_writes(marts)
    with pytest.raises(duckdb.TransactionException, match="other write transactions"):
        settle(marts, patience=0.2)
    reader.execute("rollback")
    settle(marts, patience=0)
