"""Dagster's event log is kept by our storage, which keeps its connections open."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.event_log import PooledSqliteEventLogStorage, forget_old_runs
from dagster_project.settings import load_workspace, use_dagster_home
from dagster_project.templates import make_workspace


@dg.asset
def counted() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 7})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a workspace's Dagster keeps its record, pointed at."""
    make_workspace(tmp_path / "w", "en", date(2026, 3, 15))
    for name in ("DAGSTER_HOME", "KPI_WORKSPACE"):
        monkeypatch.setenv(name, "")  # put back after the test, whatever use_dagster_home sets
    return use_dagster_home(load_workspace(tmp_path / "w"))


def test_the_instance_of_a_workspace_has_the_pooled_event_log_and_reads_back_what_it_stored(
    home: Path,
) -> None:
    with dg.DagsterInstance.get() as instance:
        assert type(instance.event_log_storage) is PooledSqliteEventLogStorage
        assert dg.materialize([counted], instance=instance).success
        event = instance.get_latest_materialization_event(dg.AssetKey("counted"))
    assert event.asset_materialization.metadata["rows"].value == 7


def test_the_newest_runs_are_remembered_and_the_files_of_the_others_are_gone(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        runs = [dg.materialize([counted], instance=instance).run_id for _ in range(4)]
        forget_old_runs(instance, keep=2)
        assert instance.get_run_ids() == [runs[3], runs[2]]
        assert instance.all_logs(runs[3])
        told = instance.fetch_materializations(dg.AssetKey("counted"), limit=9).records
        assert [record.run_id for record in told] == [runs[3], runs[2]]
        files = {path.name for path in home.rglob("*.db*")}
        assert dg.materialize([counted], instance=instance).success
    assert not {name for name in files if name.startswith((runs[0], runs[1]))}
    assert {f"{runs[2]}.db", f"{runs[3]}.db"} <= files
