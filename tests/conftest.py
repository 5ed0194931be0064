"""Workspaces made for one test, and the run that every test of figures uses."""

from __future__ import annotations

import gc
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from filelock import FileLock

from dagster_project.quality.gates import raise_if_failed
from dagster_project.session import Session, open_session, silent
from dagster_project.settings import load_workspace, silence_telemetry

silence_telemetry()
gc.set_threshold(100_000, 50, 100)  # as the command `kpi` does
SHARED = Path(__file__).resolve().parents[2] / "shared"
EXAMPLES = SHARED / "examples"


def needs(folder: Path) -> pytest.MarkDecorator:
    """Skip, visibly, where other people's files are not beside the checkout."""
    return pytest.mark.skipif(not folder.exists(), reason=f"{folder.name} is not beside")


class Company:
    """A workspace in the making: settings as a mapping, files as text."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.settings: dict[str, Any] = {
            "company": "Test",
            "reporting_currency": "RUB",
            "timezone": "Europe/Moscow",
            "as_of": "2026-03-31",
            "sources": {},
            "stages": [
                {"stage": "open", "outcome": "open", "position": 10},
                {"stage": "offer", "outcome": "open", "position": 20},
                {"stage": "won", "outcome": "won"},
                {"stage": "lost", "outcome": "lost"},
            ],
        }

    def entity(
        self,
        entity: str,
        columns: str,
        *,
        source: str = "crm",
        files: str | None = None,
        **more: Any,
    ) -> Company:
        """Map an entity's columns under their own names."""
        origin = self.settings["sources"].setdefault(source, {"system": "files", "entities": {}})
        mapped = {name: name for name in columns.split()}
        mapped |= more.pop("headers", {})
        origin["entities"][entity] = {"files": files or f"{entity}*", "columns": mapped, **more}
        return self

    def source(self, source: str = "crm", **more: Any) -> Company:
        """Set options of a source."""
        self.settings["sources"].setdefault(source, {"system": "files", "entities": {}})
        self.settings["sources"][source] |= more
        return self

    def file(self, name: str, content: str | bytes, *, source: str = "crm") -> Path:
        """Deliver a file."""
        path = self.directory / "raw" / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else content.encode()
        path.write_bytes(data)
        return path

    def save(self) -> Path:
        """Write workspace.yml."""
        self.directory.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(self.settings, allow_unicode=True, sort_keys=False)
        text = text.replace(
            f"as_of: '{self.settings['as_of']}'", f"as_of: {self.settings['as_of']}"
        )
        (self.directory / "workspace.yml").write_text(text, encoding="utf-8")
        return self.directory

    def run(self, **options: Any) -> Published:
        """Run everything; raise what a gate refuses."""
        self.save()
        return run_all(self.directory, **options)


class Published:
    """A release to ask for figures."""

    def __init__(self, folder: Path, session: Session) -> None:
        self.folder, self.session = folder, session
        self.file = folder / "kpi.duckdb"

    def rows(self, sql: str, values: list[Any] | None = None) -> list[tuple]:
        """Query the published file."""
        with duckdb.connect(str(self.file), read_only=True) as release:
            return release.execute(sql, values or []).fetchall()

    def one(self, sql: str, values: list[Any] | None = None) -> Any:
        """Return the single value of a query."""
        (row,) = self.rows(sql, values)
        return row[0] if len(row) == 1 else row

    def kpi(
        self,
        code: str,
        period: str,
        *,
        grain: str = "month",
        scope: str = "company",
        who: str = "all",
    ) -> float | None:
        """Return a KPI's value; no row is an error."""
        (row,) = self.rows(
            "select value from marts.kpi_values where kpi_code = ? and period_grain = ? and "
            "period_start = cast(? as date) and scope_type = ? "
            "and (scope_id = ? or scope_name = ?)",
            [code, grain, period, scope, who, who],
        )
        return row[0]


def run_all(directory: Path, **options: Any) -> Published:
    """Take a workspace from files to a release, without Dagster, as its job does."""
    as_of, known_by = options.pop("as_of", None), options.pop("known_by", None)
    workspace = load_workspace(directory, as_of=as_of, known_by=known_by)
    with open_session(workspace, "test", **options) as session:
        try:
            session.ingest()
            raise_if_failed(session.gate("raw"))
            session.build("staging")
            session.build("intermediate")
            raise_if_failed(session.gate("refined"))
            session.build("marts")
            session.pay()
            session.build("pay")
            raise_if_failed(session.gate("kpi"))
            release = session.publish()
        finally:
            if session.release is None:
                session.record("failed")
    return Published(release.folder, session)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Return an empty workspace to fill."""
    return Company(tmp_path / "ws")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Published:
    """Return the demonstration company's release: computed once, a copy for each process."""
    directory = tmp_path_factory.mktemp("demo") / "Ромашка и ко"
    mine = tmp_path_factory.getbasetemp()
    shared = mine if worker_id == "master" else mine.parent
    with FileLock(shared / "demo.lock"):
        if not (shared / "demo made" / "published").exists():
            _run_demo(shared / "demo made")
    shutil.copytree(shared / "demo made", directory, symlinks=True)
    workspace = load_workspace(directory)
    return Published(workspace.published.resolve(), Session(workspace, None, "demo", silent))


def _run_demo(directory: Path) -> None:
    from dagster_project.demo.company import write_company
    from dagster_project.settings import project_root

    directory.mkdir()
    shutil.copy(project_root() / "data" / "demo" / "workspace.yml", directory / "workspace.yml")
    write_company(directory)
    run_all(directory)


@pytest.fixture(scope="session")
def maven(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Return the release of the Maven CRM example, computed once."""
    return run_all(maven_workspace(tmp_path_factory.mktemp("maven")))


def maven_workspace(directory: Path) -> Path:
    """Lay the Maven CRM example out as a workspace; skip where it is not beside the checkout."""
    origin = EXAMPLES / "maven_crm"
    if not origin.exists():
        pytest.skip("maven_crm is not beside the checkout")
    shutil.copy(origin / "workspace.yml", directory / "workspace.yml")
    (directory / "raw" / "crm").mkdir(parents=True)
    for path in origin.glob("*.csv"):
        shutil.copy(path, directory / "raw" / "crm" / path.name)
    return directory
