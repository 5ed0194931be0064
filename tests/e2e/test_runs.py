"""Runs that die, meet, repeat and look back: the published state is always one complete state."""

from __future__ import annotations

import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from dagster_project.checkpoints import POINTS
from dagster_project.errors import WarehouseBusy
from dagster_project.lock import writing
from dagster_project.settings import load_workspace
from tests.conftest import Company, run_all

pytestmark = pytest.mark.e2e
COLUMNS = "deal_id stage opened_at closed_at amount currency manager_name updated_at"
HEADER = COLUMNS.replace(" ", ",") + "\n"
KPI_RUN = [sys.executable, "-m", "dagster_project.cli", "run", "-w"]
LINEAGE = {"_source_file", "_source_row"}


def rows(first: int, last: int, amount: int = 10) -> list[str]:
    return [
        f"d{n},{'won' if n % 3 else 'lost'},2026-01-{1 + n % 20:02d},2026-02-{1 + n % 27:02d},"
        f"{n * amount}.50,RUB,Seller {n % 5},2026-02-28 10:00:00"
        for n in range(first, last)
    ]


def text(lines: list[str]) -> str:
    return HEADER + "\n".join(lines) + "\n"


@pytest.fixture
def sold(company: Company) -> Company:
    company.entity("deals", COLUMNS)
    company.file("deals_1.csv", text(rows(0, 60)))
    company.file("deals_2.csv", text(rows(60, 90)))
    company.save()
    return company


def content(folder: Path, *, without: set[str] = frozenset()) -> dict[str, list]:
    """Return every row of every mart, in an order of its own."""
    with duckdb.connect(str(folder / "kpi.duckdb"), read_only=True) as release:
        tables = release.execute(
            "select table_name from information_schema.tables where table_schema = 'marts' "
            "and table_type = 'BASE TABLE' order by 1"
        ).fetchall()
        told = {}
        for (name,) in tables:
            columns = [
                column
                for (column,) in release.execute(
                    "select column_name from information_schema.columns where table_schema = "
                    "'marts' and table_name = ? order by ordinal_position",
                    [name],
                ).fetchall()
                if column not in without
            ]
            picked = ", ".join(f'"{column}"' for column in columns)
            told[name] = sorted(
                release.execute(f"select {picked} from marts.{name}").fetchall(), key=repr
            )
        return told


def kpi(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [*KPI_RUN, str(directory), *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, check=False
    )


@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_a_named_point_leaves_no_trace_in_the_next(sold, tmp_path, point):
    before = sold.run()
    kept = content(before.folder)
    sold.file("deals_3.csv", text(rows(90, 120)))
    died = kpi(sold.directory, KPI_DIE_AT=point)
    assert died.returncode == -signal.SIGKILL, died.stderr
    published = (sold.directory / "published").resolve()
    if point == "swapped":
        assert len(content(published)["fct_deals"]) == 120
    else:
        assert content(published) == kept
    after = run_all(sold.directory)
    clean = tmp_path / "clean"
    shutil.copytree(sold.directory / "raw", clean / "raw")
    shutil.copy(sold.directory / "workspace.yml", clean)
    assert content(after.folder) == content(run_all(clean).folder)
    assert not [p for p in (sold.directory / ".releases").iterdir() if p.name.startswith(".")]


@pytest.mark.kill
def test_twenty_kills_at_random_moments(sold, tmp_path):
    sold.run()
    rng = random.Random(20)
    for attempt in range(20):
        sold.file(f"deals_k{attempt}.csv", text(rows(1000 + attempt * 10, 1010 + attempt * 10)))
        run = subprocess.Popen(
            [sys.executable, "-m", "dagster_project.cli", "run", "-w", str(sold.directory)],
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0.5, 25))
        run.kill()
        run.wait()
        content((sold.directory / "published").resolve())
    after = run_all(sold.directory)
    clean = tmp_path / "clean"
    shutil.copytree(sold.directory / "raw", clean / "raw")
    shutil.copy(sold.directory / "workspace.yml", clean)
    assert content(after.folder) == content(run_all(clean).folder)


def test_of_two_runs_at_once_the_second_says_who_holds_the_warehouse(sold):
    workspace = load_workspace(sold.directory)
    with writing(workspace, "refresh the KPIs"):
        with pytest.raises(WarehouseBusy, match=f"process {os.getpid()} on"):
            run_all(sold.directory)
        second = kpi(sold.directory)
        assert second.returncode == 1
        assert f"process {os.getpid()}" in second.stderr
        assert "--wait" in second.stderr
        waiting = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "dagster_project.cli",
                "run",
                "-w",
                str(sold.directory),
                "--wait",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(6)
        assert waiting.poll() is None
    _, told = waiting.communicate(timeout=120)
    assert waiting.returncode == 0, told.decode()


def test_delivered_twice_in_another_order_split_and_renamed_gives_the_same_marts(sold, tmp_path):
    first = content(sold.run().folder, without=LINEAGE)

    def other(name: str, files: dict[str, list[str]]) -> dict[str, list]:
        company = Company(tmp_path / name)
        company.entity("deals", COLUMNS)
        for file_name, lines in files.items():
            company.file(file_name, text(lines))
        return content(company.run().folder, without=LINEAGE)

    everything = rows(0, 90)
    shuffled = random.Random(4).sample(everything, len(everything))
    assert other("one", {"deals.csv": everything}) == first
    assert other("shuffled", {"deals.csv": shuffled}) == first
    assert other("twice", {"deals_a.csv": everything, "deals_b.csv": everything}) == first
    assert other("split", {f"deals_{n}.csv": everything[n::3] for n in range(3)}) == first


def test_the_newest_version_of_a_record_wins_whatever_the_order_of_files(sold, tmp_path):
    newer = rows(0, 5, amount=999)
    newer = [line.replace("2026-02-28 10", "2026-03-05 10") for line in newer]
    sold.file("deals_0.csv", text(newer))  # sorts before the older ones
    published = sold.run()
    assert (
        published.one("select amount from marts.fct_deals where deal_id = 'crm:d4'")
        == 4 * 999 + 0.5
    )
    assert published.one("select count(*) from marts.fct_deals") == 90


def test_a_second_run_changes_nothing_and_an_old_day_swaps_nothing(sold):
    first = sold.run()
    again = run_all(sold.directory)
    assert content(first.folder) == content(again.folder)
    link = (sold.directory / "published").resolve()
    from datetime import date

    old = run_all(sold.directory, as_of=date(2026, 2, 10))
    assert (sold.directory / "published").resolve() == link
    assert old.folder == sold.directory / "published_asof" / "2026-02-10"
    # d36 and the others closed on 10 February are lost
    assert old.one("select max(won_on) from marts.fct_deals") == date(2026, 2, 9)
    assert old.one("select max(lost_on) from marts.fct_deals") == date(2026, 2, 10)
    newest = "select as_of from ops.runs order by finished_at desc limit 1"
    assert old.one(newest) == date(2026, 2, 10)


def test_an_old_day_known_by_an_old_instant_equals_what_was_published_then(sold):
    first = sold.run()
    known_by = datetime.now(UTC)
    time.sleep(0.01)
    sold.file("deals_3.csv", text(rows(90, 120)))
    sold.file("deals_1.csv", text([*rows(0, 30, amount=77), *rows(30, 60)]))
    second = sold.run()
    assert content(second.folder) != content(first.folder)
    link = (sold.directory / "published").resolve()
    back = run_all(sold.directory, known_by=known_by)
    assert content(back.folder) == content(first.folder)
    assert (sold.directory / "published").resolve() == link


def test_a_withdrawn_file_takes_its_rows_along(sold):
    sold.run()
    (sold.directory / "raw" / "crm" / "deals_2.csv").unlink()
    sold.settings["settings"] = {"revenue_drop_limit": 1.0}
    assert sold.run().one("select count(*) from marts.fct_deals") == 60


def test_readers_keep_what_they_opened_and_three_releases_stay(sold):
    first = sold.run()
    with duckdb.connect(str(first.file), read_only=True) as reader:
        for n in range(4):
            sold.file(f"deals_x{n}.csv", text(rows(200 + n, 201 + n)))
            latest = sold.run()
        assert reader.execute("select count(*) from marts.fct_deals").fetchone() == (90,)
    assert latest.one("select count(*) from marts.fct_deals") == 94
    releases = [p for p in (sold.directory / ".releases").iterdir() if p.is_dir()]
    assert len(releases) == 3
    assert (sold.directory / "published").resolve() in releases


def test_a_full_disk_leaves_the_published_state_and_says_so(sold):
    kept = content(sold.run().folder)
    sold.file("deals_3.csv", text(rows(90, 120)))
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); "
        "from dagster_project.cli import main; "
        f"sys.argv = ['kpi', 'run', '-w', {str(sold.directory)!r}]; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", limited], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "do next" in run.stderr
    assert "published" in run.stderr
    assert content((sold.directory / "published").resolve()) == kept
    assert run_all(sold.directory).one("select count(*) from marts.fct_deals") == 120


def test_a_folder_that_may_not_be_written(sold):
    """Take the right away from a user; from root, who has every right, by a read-only mount."""
    command = [*KPI_RUN, str(sold.directory)]
    if os.geteuid() == 0:
        here = shlex.quote(str(sold.directory))
        mount = f"mount --bind {here} {here} && mount -o remount,bind,ro {here}"
        inside = ["unshare", "--mount", "sh", "-c"]
        if subprocess.run([*inside, mount], capture_output=True, check=False).returncode:
            pytest.skip("this machine lets nobody mount")
        command = [*inside, f"{mount} && exec {shlex.join(command)}"]
    else:
        sold.directory.chmod(0o500)
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        sold.directory.chmod(0o700)
    assert run.returncode == 1
    assert "do next" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (sold.directory / "published").exists()


def test_a_changed_key_of_personal_data_is_refused_without_rekey(sold):
    sold.entity("customers", "customer_id phone")
    sold.file("customers.csv", "customer_id,phone\nc1,+7 999 123-45-67\n")
    sold.run()
    refused = kpi(sold.directory, "--full-refresh", KPI_HASH_KEY="another")
    assert refused.returncode == 2
    assert "--rekey" in refused.stderr
    assert "another" not in refused.stderr
