"""Dagster's event log is kept by our storage, which keeps its connections open."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.event_log import PooledSqliteEventLogStorage
from dagster_project.settings import load_workspace, use_dagster_home
from dagster_project.templates import make_workspace


def test_the_instance_of_a_workspace_has_the_pooled_event_log_and_reads_back_what_it_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_workspace(tmp_path / "w", "en", date(2026, 3, 15))
    for name in ("DAGSTER_HOME", "KPI_WORKSPACE"):
        monkeypatch.setenv(name, "")  # put back after the test, whatever use_dagster_home sets
    use_dagster_home(load_workspace(tmp_path / "w"))

    @dg.asset
    def counted() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"rows": 7})

    with dg.DagsterInstance.get() as instance:
        assert type(instance.event_log_storage) is PooledSqliteEventLogStorage
        assert dg.materialize([counted], instance=instance).success
        event = instance.get_latest_materialization_event(dg.AssetKey("counted"))
    assert event.asset_materialization.metadata["rows"].value == 7
