"""A secret is in no file, no line of output, no log, no error and no chain of errors."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import traceback

import pytest

from dagster_project import cli
from dagster_project.errors import PipelineError, WorkspaceError
from dagster_project.settings import load_workspace
from tests.pull.portal import Reply
from tests.pull.systems import Bitrix24


def secrets_of(world) -> list[str]:
    """Return every secret text of a world; Bitrix24's code is the secret part of its address."""
    if isinstance(world, Bitrix24):
        return [world.code]
    return [world.token]


def chain(error: BaseException) -> str:
    """Return all texts that an error carries: traceback, arguments, causes and contexts."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        parts += [repr(seen), str(seen), repr(vars(seen)), *map(str, seen.args)]
        seen = seen.__cause__ or seen.__context__
    return "\n".join([*parts, *traceback.format_exception(error)])


def no_fault(world) -> None:
    """Leave the server as it is."""


def expired(world) -> None:
    world.is_token_expired = True


def echoing_error(world) -> None:
    told = f"refused: {' '.join(secrets_of(world))} {world.url}/rest/1/{secrets_of(world)[0]}/x"
    world.fault(Reply(403, {"error": told, "message": told}), times=99)


def echoing_server_error(world) -> None:
    told = f"<html>{' '.join(secrets_of(world))} at /rest/1/{secrets_of(world)[0]}/</html>"
    world.fault(Reply(500, told.encode()), times=99)


def dropped(world) -> None:
    world.fault(None, times=99)


def no_json(world) -> None:
    world.fault(Reply(200, f"hello {secrets_of(world)[0]}".encode()), times=99)


def moved(world) -> None:
    where = f"https://elsewhere.example/rest/1/{secrets_of(world)[0]}/"
    world.fault(Reply(302, None, {"Location": where}), times=99)


def echoing_records(world) -> None:
    world.records[1]["note"] = f"see {world.url}/rest/1/{secrets_of(world)[0]}/file"


FAULTS = [
    no_fault,
    expired,
    echoing_error,
    echoing_server_error,
    dropped,
    no_json,
    moved,
    echoing_records,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_no_secret_is_seen_however_the_server_answers(firm, fault, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.DEBUG)
    firm.world.fill(2)
    fault(firm.world)
    seen = ""
    if fault in {no_fault, echoing_records}:
        firm.pull()
        assert len(firm.newest()) == 2
    else:
        with pytest.raises(PipelineError) as failed:
            firm.pull()
        assert failed.value.__cause__ is None
        assert failed.value.__context__ is None
        seen += chain(failed.value)
    assert firm.world.requests
    output = capsys.readouterr()
    seen += "\n".join([*firm.told, caplog.text, output.out, output.err])
    written = firm.all_bytes()
    for secret in secrets_of(firm.world):
        assert secret not in seen
        assert secret.encode() not in written


def kpi(firm, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "dagster_project.cli", *arguments, "-w", str(firm.directory)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
        timeout=60,
    )


def test_debug_shows_a_traceback_without_the_secret(portal):
    portal.world.fill(1)
    portal.write(attempts=1)
    echoing_error(portal.world)
    told = kpi(portal, "pull", "crm", "--debug")
    assert told.returncode == 1
    assert "Traceback" in told.stderr
    assert "PullFailed" in told.stderr
    assert portal.world.code not in told.stdout + told.stderr
    assert portal.world.code.encode() not in portal.all_bytes()


def test_a_refused_connection_names_the_host_and_not_the_webhook(portal, monkeypatch):
    address = f"http://127.0.0.1:9/rest/1/{portal.world.code}/"
    portal.write(attempts=1)
    told = kpi(portal, "pull", "crm", "--debug", KPI_CRM_WEBHOOK=address)
    assert told.returncode == 1
    assert "bitrix24 at 127.0.0.1" in told.stderr
    assert portal.world.code not in told.stdout + told.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "tok-5ecret-in-the-file"},
        {"base_url": "https://x.bitrix24.ru/rest/1/tok-5ecret-in-the-file/"},
        {"base_url": "https://user:tok-5ecret-in-the-file@x.amocrm.ru"},
        {"overlap_minutes": "tok-5ecret-in-the-file"},
        {"api_version": "tok-5ecret-in-the-file"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_secret_pasted_into_the_settings_is_refused_and_not_repeated(
    amo, wrong, monkeypatch, capsys
):
    amo.write(**wrong)
    for options in ([], ["--debug"]):
        monkeypatch.setattr(sys, "argv", ["kpi", "pull", "crm", "-w", str(amo.directory), *options])
        monkeypatch.setenv("KPI_DEBUG", "")
        with pytest.raises((SystemExit, WorkspaceError)) as ended:
            cli.main()
        if isinstance(ended.value, SystemExit):
            assert ended.value.code == 2
        output = capsys.readouterr()
        assert "5ecret" not in output.out + output.err
        assert "5ecret" not in chain(ended.value)
    assert amo.world.requests == []


@pytest.mark.parametrize("secret", ["tok 5ecret", "tok-5ecret\r\nX-Other: 1", "ток-5ecret"])
def test_a_secret_that_no_header_can_carry_is_refused_and_not_shown(amo, monkeypatch, secret):
    monkeypatch.setenv("KPI_CRM_TOKEN", secret)
    with pytest.raises(WorkspaceError, match="KPI_CRM_TOKEN") as refused:
        amo.pull()
    assert "5ecret" not in chain(refused.value)
    assert amo.world.requests == []


def test_a_line_end_around_a_secret_is_passed_over(amo, monkeypatch):
    amo.world.fill(1)
    monkeypatch.setenv("KPI_CRM_TOKEN", f" {amo.world.token}\n")
    amo.pull()
    assert len(amo.newest()) == 1


def test_a_secret_comes_from_the_keyring_where_the_environment_has_none(amo, monkeypatch):
    import keyring

    from tests.pull.test_amocrm import Memory

    memory = Memory()
    keyring.set_keyring(memory)
    monkeypatch.delenv("KPI_CRM_TOKEN")
    amo.world.fill(1)
    with pytest.raises(WorkspaceError, match="KPI_CRM_TOKEN"):
        amo.pull()
    memory.kept[f"kpi {amo.directory.resolve()}", "KPI_CRM_TOKEN"] = amo.world.token
    amo.pull()
    assert len(amo.newest()) == 1
    assert load_workspace(amo.directory).config.sources["crm"].pull is not None
