"""Runs that die, meet, repeat and look back: the published state is always one complete state."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
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
from dagster_project.cli_run import is_nothing_new
from dagster_project.errors import PipelineError, PublishFailed, WarehouseBusy
from dagster_project.lock import writing
from dagster_project.session import open_session
from dagster_project.settings import load_workspace
from dagster_project.summary import last_run
from tests.command import kpi
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


def selling(directory: Path) -> Company:
    """Return a company whose 90 deals came in two files."""
    company = Company(directory)
    company.entity("deals", COLUMNS)
    company.file("deals_1.csv", text(rows(0, 60)))
    company.file("deals_2.csv", text(rows(60, 90)))
    company.save()
    return company


@pytest.fixture
def sold(tmp_path: Path) -> Company:
    return selling(tmp_path / "ws")


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list]]:
    """Return a workspace that has been run, not to be touched, and what it published."""
    company = selling(tmp_path_factory.mktemp("sold") / "ws")
    return company.directory, content(company.run().folder)


@pytest.fixture
def published(tmp_path: Path, run_once: tuple[Path, dict[str, list]]) -> Company:
    """Return a copy of it, moved to a folder of its own, to go on from."""
    shutil.copytree(run_once[0], tmp_path / "ws", symlinks=True)
    return selling(tmp_path / "ws")


@pytest.fixture(scope="module")
def one_more_file(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    """Return what one clean run on the two files and a third publishes."""
    company = selling(tmp_path_factory.mktemp("clean") / "ws")
    company.file("deals_3.csv", text(rows(90, 120)))
    return content(company.run().folder)


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


@pytest.mark.parametrize("point", POINTS)
def test_a_run_killed_at_a_named_point_leaves_no_trace_in_the_next(
    published, run_once, one_more_file, point
):
    published.file("deals_3.csv", text(rows(90, 120)))
    died = kpi("run", "-w", str(published.directory), KPI_DIE_AT=point)
    assert died.returncode == -signal.SIGKILL, died.stderr
    word = last_run(load_workspace(published.directory))
    assert (word and word["status"]) == (None if point == "swapped" else "died")
    release = (published.directory / "published").resolve()
    assert content(release) == (one_more_file if point == "swapped" else run_once[1])
    after = run_all(published.directory)
    assert content(after.folder) == one_more_file
    assert not [p for p in (published.directory / ".releases").iterdir() if p.name[0] == "."]
    told = after.one("select count(*) from ops.runs where status = 'published'")
    assert told == (3 if point == "swapped" else 2)


def test_a_run_that_is_asked_to_end_ends_in_a_sentence(published, one_more_file):
    published.file("deals_3.csv", text(rows(90, 120)))
    run = subprocess.Popen(
        [*KPI_RUN, str(published.directory)], stderr=subprocess.PIPE, encoding="utf-8"
    )
    for line in run.stderr:
        if "models of marts" in line:
            break
    time.sleep(0.3)
    assert last_run(load_workspace(published.directory))["status"] == "running"
    run.send_signal(signal.SIGINT)
    _, told = run.communicate()
    assert last_run(load_workspace(published.directory))["status"] == "failed"
    assert run.returncode == 130, told
    assert "what is published stays as it was" in told
    seen = kpi("status", "-w", str(published.directory)).stdout
    assert re.search(r"^run \S+, begun at \S+ \S+ UTC, failed$", seen, re.MULTILINE)
    assert content(published.run().folder) == one_more_file
    assert last_run(load_workspace(published.directory)) is None


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
        second = kpi("run", "-w", str(sold.directory))
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


def test_delivered_twice_in_another_order_split_and_renamed_gives_the_same_marts(
    run_once, tmp_path
):
    first = content((run_once[0] / "published").resolve(), without=LINEAGE)

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


def test_a_second_run_changes_nothing_and_an_old_day_swaps_nothing(published, run_once):
    again = run_all(published.directory)
    assert content(again.folder) == run_once[1]
    link = (published.directory / "published").resolve()
    from datetime import date

    old = run_all(published.directory, as_of=date(2026, 2, 10))
    assert (published.directory / "published").resolve() == link
    assert old.folder == published.directory / "published_asof" / "2026-02-10"
    # d36 and the others closed on 10 February are lost
    assert old.one("select max(won_on) from marts.fct_deals") == date(2026, 2, 9)
    assert old.one("select max(lost_on) from marts.fct_deals") == date(2026, 2, 10)
    newest = "select as_of from ops.runs order by finished_at desc limit 1"
    assert old.one(newest) == date(2026, 2, 10)


def test_a_file_that_arrives_while_a_run_is_going_is_new_to_the_next(published):
    published.file("deals_3.csv", text(rows(90, 100)))
    with open_session(load_workspace(published.directory), "test") as session:
        session.ingest()
        session.gate("raw")
        session.build("staging")
        session.build("intermediate")
        session.gate("refined")
        published.file("deals_4.csv", text(rows(100, 120)))
        session.build("marts")
        session.pay()
        session.build("pay")
        session.gate("kpi")
        session.publish()
    assert not is_nothing_new(load_workspace(published.directory))
    assert published.run().one("select sum(rows_seen) from ops.reconciliation") == 120


def test_an_old_day_known_by_an_old_instant_equals_what_was_published_then(published, run_once):
    known_by = datetime.now(UTC)
    time.sleep(0.01)
    published.file("deals_3.csv", text(rows(90, 120)))
    published.file("deals_1.csv", text([*rows(0, 30, amount=77), *rows(30, 60)]))
    second = published.run()
    assert content(second.folder) != run_once[1]
    link = (published.directory / "published").resolve()
    back = run_all(published.directory, known_by=known_by)
    assert content(back.folder) == run_once[1]
    assert (published.directory / "published").resolve() == link


def test_a_withdrawn_file_takes_its_rows_along(published):
    (published.directory / "raw" / "crm" / "deals_2.csv").unlink()
    published.settings["settings"] = {"revenue_drop_limit": 1.0}
    assert published.run().one("select count(*) from marts.fct_deals") == 60


def test_readers_keep_what_they_opened_and_three_releases_stay(published):
    first = (published.directory / "published").resolve()
    with duckdb.connect(str(first / "kpi.duckdb"), read_only=True) as reader:
        for n in range(3):
            published.file(f"deals_x{n}.csv", text(rows(200 + n, 201 + n)))
            latest = published.run()
        assert not first.exists()
        assert reader.execute("select count(*) from marts.fct_deals").fetchone() == (90,)
    assert latest.one("select count(*) from marts.fct_deals") == 93
    releases = [p for p in (published.directory / ".releases").iterdir() if p.is_dir()]
    assert len(releases) == 3
    assert (published.directory / "published").resolve() in releases


def test_a_full_disk_leaves_the_published_state_and_says_so(published, run_once, one_more_file):
    published.file("deals_3.csv", text(rows(90, 120)))
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); "
        "from dagster_project.cli import main; "
        f"sys.argv = ['kpi', 'run', '-w', {str(published.directory)!r}]; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", limited], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "do next" in run.stderr
    assert "published" in run.stderr
    assert content((published.directory / "published").resolve()) == run_once[1]
    assert content(run_all(published.directory).folder) == one_more_file


def test_a_folder_that_may_not_be_written(sold):
    """Take the right away from a user; from root, who has every right, by a read-only mount."""
    run = read_only(sold.directory, [*KPI_RUN, str(sold.directory)])
    assert run.returncode == 1
    assert "do next" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (sold.directory / "published").exists()
    looking = [sys.executable, "-m", "dagster_project.cli", "check", "--sources", "--workspace"]
    looked = read_only(sold.directory, [*looking, str(sold.directory)])
    assert looked.returncode == 0, looked.stderr
    assert "raw/crm/deals_1.csv\n    files__deals -> deals" in looked.stdout


def read_only(folder: Path, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command while a folder may not be written."""
    if os.geteuid() == 0:
        here = shlex.quote(str(folder))
        mount = f"mount --bind {here} {here} && mount -o remount,bind,ro {here}"
        inside = ["unshare", "--mount", "sh", "-c"]
        if subprocess.run([*inside, mount], capture_output=True, check=False).returncode:
            pytest.skip("this machine lets nobody mount")
        command = [*inside, f"{mount} && exec {shlex.join(command)}"]
    else:
        folder.chmod(0o500)
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(
    ("damaged", "held", "words"),
    [
        ("published/kpi.duckdb", b"junk", "remove the folder"),
        ("warehouse/warehouse.duckdb", b"junk", "remove the file and run"),
        ("warehouse/kpi.duckdb", b"junk", "remove the file and run"),
        ("state/deliveries/*.parquet", b"", "restore it from a backup"),
        ("state/hash_key", b"", "restore it from a backup"),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(published, damaged, held, words):
    (path,) = published.directory.glob(damaged)
    path.write_bytes(held)
    with pytest.raises(PipelineError, match=words) as caught:
        published.run()
    assert caught.value.where == str(path.resolve())


def test_what_can_be_found_anew_is_where_it_is_damaged(published, one_more_file):
    published.file("deals_3.csv", text(rows(90, 120)))
    landing = published.directory / "warehouse" / "landing"
    one, other = landing.glob("*.json")
    one.write_bytes(b"junk")
    other.with_suffix(".parquet").write_bytes(b"junk")
    (landing.parent / "file_hashes.json").write_bytes(b"[]")
    (landing.parent / "warehouse.duckdb").unlink()
    (published.directory / "published" / "manifest.json").write_bytes(b"[]")
    assert content(published.run().folder) == one_more_file


def test_a_release_without_its_file_is_not_nothing_new(published):
    published.run()
    assert is_nothing_new(load_workspace(published.directory))
    (published.directory / "published" / "kpi.duckdb").unlink()
    done = kpi("run", "-w", str(published.directory), "--json")
    assert (done.returncode, json.loads(done.stdout)["nothing_new"]) == (0, False), done.stderr


def test_a_published_folder_that_is_no_link_is_named(published):
    link = published.directory / "published"
    folder = link.resolve()
    link.unlink()
    shutil.copytree(folder, link)
    published.file("deals_3.csv", text(rows(90, 120)))
    releases = sorted((published.directory / ".releases").iterdir())
    with pytest.raises(PublishFailed, match="remove that folder"):
        published.run()
    assert sorted((published.directory / ".releases").iterdir()) == releases  # none piles up
    shutil.rmtree(link)
    assert published.run().one("select count(*) from marts.fct_deals") == 120


def test_a_new_key_hashes_anew_even_where_the_run_that_took_it_died(sold, monkeypatch):
    """The hash is SHA-256 of the key, a colon and the digits of the phone."""
    sold.entity("customers", "customer_id phone")
    sold.file("customers.csv", "customer_id,phone\nc1,+7 999 123-45-67\n")
    sold.run()
    rekey = ("run", "--rekey", "-w", str(sold.directory))
    died = kpi(*rekey, KPI_HASH_KEY="another", KPI_DIE_AT="landed")
    assert died.returncode == -signal.SIGKILL
    monkeypatch.setenv("KPI_HASH_KEY", "another")
    assert not is_nothing_new(load_workspace(sold.directory))
    sold.run()
    with duckdb.connect(str(sold.directory / "warehouse" / "warehouse.duckdb")) as warehouse:
        after = warehouse.execute("select phone from staging.stg_files__customers").fetchall()
    assert after == [(hashlib.sha256(b"another:79991234567").hexdigest(),)]


def test_a_changed_key_of_personal_data_is_refused_without_rekey(sold):
    sold.entity("customers", "customer_id phone")
    sold.file("customers.csv", "customer_id,phone\nc1,+7 999 123-45-67\n")
    sold.run()
    anew = ("run", "--full-refresh", "-w", str(sold.directory))
    refused = kpi(*anew, KPI_HASH_KEY="another")
    assert refused.returncode == 2
    assert "--rekey" in refused.stderr
    assert "another" not in refused.stderr
