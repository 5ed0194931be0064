"""`kpi pull` as a person types it, what may stand under `pull:`, and what is read from there on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from dagster_project import cli
from dagster_project.errors import WorkspaceError
from dagster_project.settings import load_workspace
from tests.conftest import run_all
from tests.pull.portal import Reply


def say(monkeypatch, capsys, *arguments: str) -> tuple[int, str, str]:
    """Run the verb in this process; return exit code, output, errors."""
    monkeypatch.setattr(sys, "argv", ["kpi", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    output = capsys.readouterr()
    return int(ended.value.code or 0), output.out, output.err


def test_the_verb_tells_objects_records_and_files(amo, monkeypatch, capsys):
    amo.world.fill(4)
    amo.write(objects=["leads", "users"], rate_limit_per_second=1000)
    code, out, err = say(monkeypatch, capsys, "pull", "crm", "-w", str(amo.directory))
    assert code == 0
    assert "leads   4        everything" in " ".join(out.split("\n"))
    assert f"4 records in 1 files: {amo.deliveries[0]}" in out
    assert "leads: 4 records" in err


def test_json_tells_the_same_to_a_program(amo, monkeypatch, capsys):
    amo.world.fill(4)
    amo.write(rate_limit_per_second=1000)
    directory = str(amo.directory)
    code, out, err = say(monkeypatch, capsys, "pull", "crm", "--workspace", directory, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["source"], told["system"], told["records"], told["files"]) == (
        "crm",
        "amocrm",
        4,
        1,
    )
    (leads,) = told["objects"]
    covered = datetime.fromisoformat(leads.pop("covered_until"))
    # 12:00:00 by the server, less the moment that the first request took
    assert timedelta(0) <= amo.world.now - covered < timedelta(minutes=1)
    assert leads == {
        "object": "leads",
        "records": 4,
        "changed_since": "everything",
        "file": "leads.ndjson",
    }


def test_full_is_taken_from_the_command_line(amo, monkeypatch, capsys):
    amo.world.fill(4)
    amo.write(rate_limit_per_second=1000)
    amo.pull()
    amo.world.now = amo.world.now.replace(hour=20)
    say(monkeypatch, capsys, "pull", "crm", "--full", "-w", str(amo.directory))
    assert len(amo.values(1)) == 4


def test_pulling_is_off_until_the_source_says_so(amo):
    amo.write({"pull": None})
    with pytest.raises(WorkspaceError, match="off by default") as refused:
        amo.pull()
    assert refused.value.exit_code == 2
    assert amo.world.requests == []


def test_an_unknown_source_names_those_there_are(amo, monkeypatch, capsys):
    code, _, err = say(monkeypatch, capsys, "pull", "sales", "-w", str(amo.directory))
    assert code == 2
    assert "one of: crm" in err


@pytest.mark.parametrize(
    ("pull", "told"),
    [
        ({"pages": 3}, "unknown key `sources.crm.pull.pages`"),
        ({"page_size": 500}, "amocrm takes 1 to 250, not 500"),
        ({"overlap_minutes": 0}, "overlap_minutes"),
        ({"rate_limit_per_second": 0}, "rate_limit_per_second"),
        ({"attempts": 0}, "attempts"),
    ],
)
def test_a_wrong_key_or_value_is_refused_before_anything_is_asked(amo, pull, told):
    amo.write(**pull)
    with pytest.raises(WorkspaceError, match=told):
        amo.pull()
    assert amo.world.requests == []


def test_files_cannot_be_pulled(amo):
    amo.write({"system": "files", "entities": {"deals": {"files": "deals*"}}})
    with pytest.raises(WorkspaceError, match="pull: only for bitrix24, amocrm"):
        load_workspace(amo.directory)


def test_the_size_of_bitrix24_pages_cannot_be_set(portal):
    portal.write(page_size=50)
    with pytest.raises(WorkspaceError, match="bitrix24 fixes the size of its pages itself"):
        portal.pull()


def test_a_missing_secret_says_which_variable_and_which_keyring_entry(amo, portal, monkeypatch):
    for firm, name in ((amo, "KPI_CRM_TOKEN"), (portal, "KPI_CRM_WEBHOOK")):
        firm.write()
        monkeypatch.delenv(name)
        with pytest.raises(WorkspaceError) as refused:
            firm.pull()
        assert name in refused.value.remedy
        assert f'keyring set "kpi {firm.directory.resolve()}" {name}' in refused.value.remedy


def test_an_address_without_https_is_refused(amo):
    amo.write(base_url="http://firma.amocrm.ru")
    with pytest.raises(WorkspaceError, match="https, as secrets travel"):
        amo.pull()


def test_a_missing_address_is_asked_for(amo):
    amo.write(base_url=None)
    with pytest.raises(WorkspaceError, match=r"https://NAME\.amocrm\.ru"):
        amo.pull()


def test_a_pull_that_is_killed_leaves_no_half_file_and_the_next_one_repeats_it(amo, monkeypatch):
    amo.world.fill(8)
    amo.write(rate_limit_per_second=1000, objects=["users", "leads"])
    amo.world.lists["users"] = [{"id": 501}]
    reached, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        reached.set()
        go_on.wait(20)

    amo.world.after(2, amo.world.is_main, hold)
    child = subprocess.Popen(
        [sys.executable, "-m", "dagster_project.cli", "pull", "crm", "-w", str(amo.directory)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ.copy(),
    )
    assert reached.wait(30)
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    go_on.set()
    assert [p.name for p in amo.deliveries[0].rglob("*")] == ["users.ndjson"]
    assert list(amo.state["objects"]) == ["users"]
    amo.hands.ahead = datetime.now(UTC) - amo.world.now  # the killed one went by the true clock
    amo.pull()
    (leads,) = amo.directory.rglob("leads.ndjson")
    numbers = [json.loads(line)["id"] for line in leads.read_text().splitlines()]
    assert sorted(numbers) == list(range(1, 9))
    assert list(amo.state["objects"]) == ["users", "leads"]
    assert [p.name for p in (amo.directory / "raw" / "crm").glob(".*")] == []


def test_what_is_in_place_when_a_later_object_fails_stays_and_is_not_read_again(amo):
    amo.world.fill(4)
    amo.write(objects=["leads", "contacts"])
    about = lambda request: request.path == "/api/v4/contacts"  # noqa: E731
    amo.world.fault(Reply(403, {"title": "Forbidden"}), about)
    with pytest.raises(Exception, match="Forbidden"):
        amo.pull()
    assert len(amo.values(0)) == 4
    amo.world.now = amo.world.now.replace(hour=20)
    summary = amo.pull()
    assert [(p.name, p.since is None) for p in summary.objects] == [
        ("leads", False),
        ("contacts", True),
    ]


@pytest.mark.e2e
def test_what_is_pulled_is_read_as_what_is_delivered(org):
    # five wins of 100 in March, one of them in the bin: 400. Then one becomes 250: 550.
    won = {
        "Name": "Pumps",
        "StageName": "Closed Won",
        "CloseDate": "2026-03-10",
        "IsWon": True,
        "IsClosed": True,
        "OwnerId": "005q00000000001AAA",
        "CreatedDate": "2026-03-01T10:00:00.000+0000",
    }
    org.world.own_fields = [*won, "LastModifiedDate"]

    def save(number: int, value: str, *, deleted: bool = False) -> None:
        org.world.add(number, minutes_ago=30, value=value, deleted=deleted)
        row = org.world.records[number]
        org.world.records[number] = {**row, **won, "LastModifiedDate": row["SystemModstamp"]}

    for number in range(1, 6):
        save(number, "100", deleted=number == 5)
    org.pull()
    org.world.now += timedelta(hours=1)
    save(2, "250")
    org.pull()
    assert [len(org.lines(0)), len(org.lines(1))] == [5, 1]
    published = run_all(org.directory, as_of=date(2026, 3, 31))
    assert published.kpi("booked_revenue", "2026-03-01") == 550
    assert published.kpi("won_deals", "2026-03-01") == 4


@pytest.mark.e2e
def test_a_full_pull_is_as_new_as_its_folder_says_and_not_as_the_newest_record_left_in_it(amo):
    """Three wins of 100 on 6 March and one of 1000 on 26 March; the last is then gone: 300.

    This machine's clock runs three hours ahead, and is put right between the two pulls.
    """
    amo.write({"delivery": "full", "won_date": "crm_close"})
    text = (amo.directory / "workspace.yml").read_text()
    limit = "settings: {full_delivery_shrink_limit: 0.5}\n"
    (amo.directory / "workspace.yml").write_text(text + limit)
    for number, days_ago, price in ((1, 25, 100), (2, 25, 100), (3, 25, 100), (4, 5, 1000)):
        amo.world.add(number, minutes_ago=days_ago * 1440, value=str(price))
        row = amo.world.records[number]
        row |= {"status_id": 142, "pipeline_id": 8, "closed_at": row["updated_at"]}
    amo.pull()
    amo.world.now += timedelta(hours=1)
    amo.hands.ahead = timedelta(0)
    del amo.world.records[4]
    amo.pull()
    published = run_all(amo.directory, as_of=date(2026, 3, 31))
    assert published.kpi("booked_revenue", "2026-03-01") == 300
    gone = published.rows("select deal_id, deleted_on from marts.fct_deal_deletions")
    assert gone == [("crm:4", date(2026, 3, 31))]
