"""A workspace with one pulled source, and the system it pulls from."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dagster_project.settings import load_workspace
from tests.pull.portal import Hands
from tests.pull.systems import WORLDS, AmoCrm, Bitrix24, HubSpot, Salesforce, World

if TYPE_CHECKING:
    from dagster_project.pull.run import Summary

HAS_EXTRA = all(importlib.util.find_spec(name) for name in ("httpx", "tenacity", "keyring"))
collect_ignore = (
    []
    if HAS_EXTRA
    else [p.name for p in Path(__file__).parent.glob("test_*.py") if p.name != "test_extra.py"]
)


class Firm:
    """A workspace whose source `crm` is pulled from a world."""

    def __init__(self, directory: Path, world: World) -> None:
        self.directory, self.world = directory, world
        self.hands = Hands(world)
        self.told: list[str] = []
        self.write()

    def write(self, source: dict[str, Any] | None = None, **pull: Any) -> None:
        """Write workspace.yml; what is given is laid over the usual."""
        told = {"system": self.world.system, "pull": self.world.pull_settings() | pull}
        settings = {
            "company": "Test",
            "reporting_currency": "RUB",
            "timezone": "Europe/Moscow",
            "sources": {"crm": told | (source or {})},
        }
        self.directory.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(settings, allow_unicode=True)
        (self.directory / "workspace.yml").write_text(text, encoding="utf-8")

    def pull(self, *, full: bool = False) -> Summary:
        from dagster_project.pull.run import pull_source

        return pull_source(
            load_workspace(self.directory),
            "crm",
            is_full=full,
            tell=self.told.append,
            clock=self.hands,
        )

    @property
    def deliveries(self) -> list[Path]:
        folder = self.directory / "raw" / "crm"
        return sorted(p for p in folder.glob("*") if not p.name.startswith("."))

    def lines(self, delivery: int, file: str | None = None) -> list[dict[str, Any]]:
        """Return the records of one delivery."""
        path = self.deliveries[delivery] / (file or self.world.file)
        text = path.read_text(encoding="utf-8")
        assert text.endswith("\n")
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def values(self, delivery: int) -> list[tuple[int, str]]:
        """Return (id, value) of each line of one delivery."""
        return [self.world.read(line) for line in self.lines(delivery)]

    def newest(self) -> dict[int, str]:
        """Return what all deliveries say together: the last line of a record wins."""
        return {
            number: value
            for delivery in range(len(self.deliveries))
            for number, value in self.values(delivery)
        }

    @property
    def state(self) -> dict[str, Any]:
        path = self.directory / "state" / "pull" / "crm.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def all_bytes(self) -> bytes:
        """Return the names and contents of every file below the workspace."""
        parts = []
        for path in sorted(self.directory.rglob("*")):
            parts.append(str(path.relative_to(self.directory)).encode())
            if path.is_file():
                parts.append(path.read_bytes())
        return b"\n".join(parts)


@pytest.fixture
def no_secrets_yet(monkeypatch) -> None:
    """Keep the machine's own variables and keyring out of the tests."""
    import keyring
    from keyring.backends.fail import Keyring

    for kind in ("TOKEN", "WEBHOOK", "CLIENT_SECRET", "REFRESH_TOKEN"):
        monkeypatch.delenv(f"KPI_CRM_{kind}", raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def make_firm(tmp_path, monkeypatch, no_secrets_yet) -> Iterator[Any]:
    """Return what starts a world's server and a workspace that pulls from it."""
    import contextlib

    with contextlib.ExitStack() as stack:

        def make(kind: type[World]) -> Firm:
            world = kind()
            stack.enter_context(world.serve())
            for name, value in world.environment.items():
                monkeypatch.setenv(name, value)
            return Firm(tmp_path / "firm", world)

        yield make


@pytest.fixture(params=WORLDS, ids=lambda kind: kind.system)
def firm(request, make_firm) -> Firm:
    return make_firm(request.param)


@pytest.fixture
def portal(make_firm) -> Firm:
    return make_firm(Bitrix24)


@pytest.fixture
def amo(make_firm) -> Firm:
    return make_firm(AmoCrm)


@pytest.fixture
def org(make_firm) -> Firm:
    return make_firm(Salesforce)


@pytest.fixture
def hub(make_firm) -> Firm:
    return make_firm(HubSpot)
