"""The code location: it loads with nothing there, and its job gives what `kpi run` gives."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from dagster_project.cli_run import assets_selected
from dagster_project.defs.raw import files_shown
from dagster_project.errors import WorkspaceError
from dagster_project.lock import writing
from dagster_project.settings import load_workspace, use_dagster_home
from tests.command import kpi
from tests.conftest import run_all
from tests.e2e.test_runs import COLUMNS, content, rows, text

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def defs():
    from dagster_project.definitions import defs

    return defs


def test_the_code_location_loads_without_warehouse_or_network(tmp_path):
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise OSError('no network in this test')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from dagster_project.definitions import defs\n"
        "print(len(list(defs.resolve_asset_graph().get_all_asset_keys())))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"KPI_WORKSPACE": str(tmp_path / "nothing")},
        cwd=tmp_path,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert int(told.stdout) > 120
    assert list(tmp_path.iterdir()) == []


def test_the_graph_leads_from_files_to_the_release_in_groups_by_layer(defs):
    graph = defs.resolve_asset_graph()
    groups = {graph.get(key).group_name for key in graph.materializable_asset_keys}
    assert groups == {"raw", "staging", "intermediate", "marts", "pay", "published"}
    above = graph.get_ancestor_asset_keys(dg.AssetKey(["published", "kpi"]))
    for key in (["raw", "files__deals"], ["staging", "stg_files__deals"], ["marts", "kpi_values"]):
        assert dg.AssetKey(key) in above
    gates = {check.name for check in graph.asset_check_keys if check.name.startswith("gate_")}
    assert gates == {"gate_raw", "gate_refined", "gate_kpi"}


@pytest.mark.parametrize("asked", ["group:((", "kpi_valuse", "key:main/hash_key", "status:failed"])
def test_a_selection_of_nothing_says_what_can_be_selected(defs, asked):
    with pytest.raises(WorkspaceError) as refused:
        assets_selected(None, defs, asked)
    told = str(refused.value)
    assert f"`{asked}`, which selects nothing" in told
    for group in ("raw", "staging", "intermediate", "marts", "pay", "published"):
        assert f"group:{group} (" in told
    assert ("did you mean key:marts/kpi_values" in told) == (asked == "kpi_valuse")
    keys = assets_selected(None, defs, "key:marts/kpi_values")
    assert keys == [dg.AssetKey(["marts", "kpi_values"])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert assets_selected(None, defs, "group:published") == [dg.AssetKey(["published", "kpi"])]


def test_the_page_shows_rejected_files_first_and_any_name_in_one_cell():
    files = [
        {"file_name": f"raw/{n:03}.csv", "entity": "deals", "status": "loaded", "rows_seen": n}
        for n in range(59)
    ]
    files.append({"file_name": "raw/a|b.csv", "entity": "deals", "status": "rejected"})
    lines = files_shown(files).splitlines()
    assert lines[2] == "| raw/a\\|b.csv | deals | rejected |  |"
    assert lines[3] == "| raw/000.csv | deals | loaded | 0 |"
    assert lines[51] == "| raw/048.csv | deals | loaded | 48 |"  # 50 lines below head and rule
    assert lines[-1] == "10 more: `kpi status`"  # of 60


def test_dbts_tests_are_asset_checks(defs):
    names = {check.name for check in defs.resolve_asset_graph().asset_check_keys}
    assert any(name.startswith("unique_kpi_registry") for name in names)


def test_schedule_and_sensor(defs, company, monkeypatch):
    from dagster_project.defs.jobs import new_files

    daily = defs.resolve_schedule_def("daily")
    assert (daily.cron_schedule, daily.execution_timezone) == ("0 3 * * *", "UTC")
    off = dg.DefaultScheduleStatus.STOPPED, dg.DefaultSensorStatus.STOPPED
    assert (daily.default_status, new_files.default_status) == off
    company.entity("deals", COLUMNS)
    company.file("deals.csv", text(rows(0, 20)))
    monkeypatch.setenv("KPI_WORKSPACE", str(company.save()))
    with dg.build_sensor_context() as context:

        def looked(times: int) -> dg.RunRequest | dg.SkipReason:
            return [new_files(context) for _ in range(times)][-1]

        assert isinstance(looked(1), dg.SkipReason)  # it may be still on its way
        asked = looked(1)
        assert isinstance(asked, dg.RunRequest)
        with writing(load_workspace(company.directory), "refresh the KPIs"):
            assert "another run is at work" in looked(1).skip_message
        run_all(company.directory)
        assert "nothing new" in looked(1).skip_message
        more = company.file("deals_2.csv", text(rows(20, 25)))
        assert "when it rests" in looked(1).skip_message
        more.write_text(text(rows(20, 30)))  # the other half of a slow copy
        assert "when it rests" in looked(1).skip_message
        again = looked(1)
        assert isinstance(again, dg.RunRequest)
        assert again.run_key == looked(1).run_key  # Dagster starts it once
        run_all(company.directory)
        more.unlink()
        back = looked(2)  # as before the second file
    assert len({asked.run_key, again.run_key, back.run_key}) == 3


def test_one_table_alone_can_be_asked_for(defs, company, monkeypatch):
    company.entity("deals", COLUMNS)
    company.file("deals.csv", text(rows(0, 20)))
    monkeypatch.setenv("KPI_WORKSPACE", str(company.save()))
    run_all(company.directory)
    for path in ["staging", "stg_files__deals"], ["marts", "kpi_values"]:
        done = defs.resolve_job_def("refresh_kpis").execute_in_process(
            asset_selection=[dg.AssetKey(path)], raise_on_error=False
        )
        told = {event.asset_key.path[-1] for event in done.get_asset_materialization_events()}
        assert (done.success, told) == (True, {path[-1]})


def test_dagster_job_execute_gives_the_tables_of_kpi_run(company, tmp_path, monkeypatch):
    company.entity("deals", COLUMNS)
    company.file("deals.csv", text(rows(0, 60)))
    company.save()
    twin = tmp_path / "twin"
    shutil.copytree(company.directory, twin)
    plain = run_all(company.directory)
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("KPI_WORKSPACE", "")
    home = use_dagster_home(load_workspace(twin))
    dagster = [sys.executable, "-m", "dagster"]
    told = subprocess.run(
        [*dagster, "job", "execute", "-m", "dagster_project.definitions", "-j", "refresh_kpis"],
        capture_output=True,
        text=True,
        env=os.environ | {"KPI_WORKSPACE": str(twin), "DAGSTER_HOME": str(home)},
        check=False,
    )
    assert told.returncode == 0, told.stderr[-3000:]
    assert content((twin / "published").resolve()) == content(plain.folder)
    with duckdb.connect(str(twin / "warehouse" / "warehouse.duckdb")) as warehouse:
        told = warehouse.execute("select status from ops.runs").fetchall()
    assert told == [("published",)]  # one run, which did not fail
    told = subprocess.run(
        [sys.executable, "-m", "dagster", "run", "list"],
        capture_output=True,
        text=True,
        env=os.environ | {"DAGSTER_HOME": str(home)},
        check=False,
    )
    assert "refresh_kpis" in told.stdout


_LAUNCH = """
mutation Launch($asked: ExecutionParams!) {
  launchRun(executionParams: $asked) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""


@contextmanager
def _page(workspace: Path) -> Iterator[tuple[int, Any]]:
    """Open `kpi ui` on a free port of this machine; yield the port and what asks its GraphQL.

    It is started as by `&` in a script, beside the workspace, and ends when it is asked to.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-P", "-m", "dagster_project.cli", "ui", "--port", str(port)]
    server = subprocess.Popen(
        ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command, "--workspace", str(workspace)],
        cwd=workspace.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def ask(query: str, **variables: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    try:
        for _ in range(240):
            try:
                told = ask("{ workspaceOrError { ... on Workspace { locationEntries { name } } } }")
            except (urllib.error.URLError, ConnectionError):
                assert server.poll() is None, "the page ended by itself"
                time.sleep(0.5)
            else:
                assert told["workspaceOrError"]["locationEntries"]
                break
        yield port, ask
    finally:
        server.terminate()
        try:
            server.wait(30)
        finally:
            with contextlib.suppress(ProcessLookupError):  # what it started and left behind
                os.killpg(server.pid, signal.SIGKILL)
            server.wait(30)


def test_a_run_started_on_the_page_gives_the_tables_of_kpi_run(company, tmp_path):
    company.entity("deals", COLUMNS)
    company.file("deals.csv", text(rows(0, 60)))
    company.save()
    twin = tmp_path / "twin"
    shutil.copytree(company.directory, twin)
    plain = run_all(company.directory)
    asked = {
        "selector": {
            "repositoryLocationName": "dagster_project.definitions",
            "repositoryName": "__repository__",
            "jobName": "refresh_kpis",
        },
        "runConfigData": {},
    }
    for module in ("pandas", "gql"):  # among deliveries; Dagster and its runs import these
        (tmp_path / f"{module}.py").write_text("raise ImportError('no part of the program')")
    with _page(twin) as (port, ask):
        second = kpi("ui", "--port", str(port), "--workspace", str(twin))
        assert (second.returncode, f"--port {port + 1}" in second.stderr) == (2, True)
        launched = ask(_LAUNCH, asked=asked)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run = f'{{ runOrError(runId: "{launched["run"]["runId"]}") {{ ... on Run {{ status }} }} }}'
        for _ in range(600):
            status = ask(run)["runOrError"]["status"]
            if status in ("SUCCESS", "FAILURE", "CANCELED"):
                break
            time.sleep(0.5)
    assert status == "SUCCESS"
    assert content((twin / "published").resolve()) == content(plain.folder)
