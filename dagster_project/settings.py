"""The only reader of the environment and of workspace.yml.

What belongs here: where a workspace keeps what, what its settings mean and which defaults they
have, and the few environment variables. What does not: opening files of data, databases or
anything that depends on what was delivered.

Source: the shape of workspace.yml is described in README; every default may be overridden there.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import ValidationError

from dagster_project.configuration import SourceConfig, WorkspaceConfig, working_minutes_of
from dagster_project.configuration_checks import check_configuration
from dagster_project.errors import WorkspaceError

PACKAGE = Path(__file__).resolve().parent
TARGET_SHEETS = ["*.csv", "*.tsv", "*.xlsx", "*.xls", "*.ods"]
"""What is read of the folder ``targets/`` of a workspace."""


@dataclass(frozen=True)
class Workspace:
    """One company's folder, its settings, and the day that a run looks from.

    Units: ``as_of`` is a whole business day in the company's zone, included. ``known_by`` is an
    instant in UTC; deliveries first seen later are left out. ``first_incomplete_on`` is the first
    day that is not over (tomorrow of ``as_of``, or ``as_of`` itself where it is today).
    """

    directory: Path
    config: WorkspaceConfig
    as_of: date
    is_as_of_given: bool
    known_by: datetime | None
    first_incomplete_on: date
    settings_hash: str
    code_version: str
    files: tuple[Path, ...] = field(default=())

    @property
    def raw(self) -> Path:
        """Delivered files, never edited or moved by the program."""
        return self.directory / "raw"

    @property
    def warehouse(self) -> Path:
        """What can be rebuilt: the working database, the landing, Dagster's own records."""
        return self.directory / "warehouse"

    @property
    def landing(self) -> Path:
        """One Parquet per delivered file and entity, named by content."""
        return self.warehouse / "landing"

    @property
    def last_run_file(self) -> Path:
        """Word of the run that was begun last, and of how it ended."""
        return self.warehouse / "last_run.json"

    @property
    def warehouse_file(self) -> Path:
        """The working database: one writer."""
        return self.warehouse / "warehouse.duckdb"

    @property
    def marts_file(self) -> Path:
        """The tables that a release copies, apart from what only the program needs."""
        return self.warehouse / "kpi.duckdb"

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps the record of runs."""
        return self.warehouse / "dagster"

    @property
    def quarantine(self) -> Path:
        """Reasons of rejected files."""
        return self.directory / "quarantine"

    @property
    def reports(self) -> Path:
        """Verdicts of the gates and their Data Docs."""
        return self.directory / "reports"

    @property
    def state(self) -> Path:
        """What cannot be rebuilt from raw/: back it up."""
        return self.directory / "state"

    @property
    def bonus(self) -> Path:
        """Bonus plans and who is assigned to them."""
        return self.directory / "bonus"

    @property
    def closed(self) -> Path:
        """Closed periods: written once, never altered."""
        return self.state / "closed"

    @property
    def releases(self) -> Path:
        """Complete releases, newest and the ones readers may still hold."""
        return self.directory / ".releases"

    @property
    def published(self) -> Path:
        """The link that people and BI tools follow."""
        return self.directory / "published"

    @property
    def published_asof(self) -> Path:
        """Releases of runs for an earlier day."""
        return self.directory / "published_asof"

    def source_folder(self, source_name: str) -> Path:
        """Return the folder in which a source's files are delivered."""
        path = self.config.sources[source_name].path
        return (self.directory / path) if path else self.raw / source_name

    def source_timezone(self, source_name: str) -> str:
        """Return the zone of naive timestamps in a source's files."""
        return self.config.sources[source_name].timezone or self.config.timezone

    def source_currency(self, source_name: str) -> str:
        """Return the currency of amounts without one."""
        return self.config.sources[source_name].currency or self.config.reporting_currency

    @cached_property
    def working_minutes(self) -> tuple[int, int]:
        """Start and end of the working day, in minutes since midnight."""
        return working_minutes_of(self.config.working_hours)

    @cached_property
    def staging_mark(self) -> str:
        """Fingerprint of what staged rows depend on beside their files: clocks, sources, code.

        What a source pulls, and how, changes no delivered file.
        """
        sources = {
            name: source.model_dump_json(exclude={"pull"})
            for name, source in self.config.sources.items()
        }
        people = f"{self.config.country} {self.config.settings.personal_data}"
        told = f"{self.config.timezone} {sources} {self.config.reporting_currency} {people}"
        return hashlib.sha256(f"{told} {self.code_version}".encode()).hexdigest()[:16]

    @property
    def history_start(self) -> date:
        """First day of the date spine; earlier events are listed, not counted."""
        given = self.config.settings.history_start
        return given or date(self.as_of.year - 10, 1, 1)


def load_workspace(
    directory: Path | str | None = None,
    *,
    as_of: date | None = None,
    known_by: datetime | None = None,
) -> Workspace:
    """Read and validate a workspace's settings before anything else is read.

    Args:
        directory: The workspace; default ``KPI_WORKSPACE``, else ``data/demo``.
        as_of: Look from this day instead of the settings' or today.
        known_by: Leave out deliveries first seen after this instant.

    Returns:
        The workspace, with ``as_of`` decided.

    Raises:
        WorkspaceError: The file is absent, is no YAML, has an unknown key or a bad value.
    """
    folder = Path(directory or os.environ.get("KPI_WORKSPACE") or default_workspace()).resolve()
    require_usable_path(folder)
    path = folder / "workspace.yml"
    doing = "reading the settings of the workspace"
    if not path.is_file():
        raise WorkspaceError(
            doing,
            found="no such file" if folder.is_dir() else "no such folder",
            expected="a file workspace.yml in the workspace's folder",
            where=str(path),
            remedy=f"make a workspace there with `kpi init {folder}`, or name another one "
            "with --workspace DIR",
        )
    text = path.read_bytes()
    try:
        loaded = yaml.load(text.decode("utf-8-sig"), Loader=_UniqueKeys)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise WorkspaceError(
            doing,
            found=" ".join(str(error).split()),
            expected="YAML in UTF-8, every key once",
            where=str(path),
            remedy="mend the line named above",
        ) from error
    try:
        config = WorkspaceConfig.model_validate(loaded or {})
    except ValidationError as error:
        raise _settings_error(doing, path, error) from error
    check_configuration(config, path, doing)
    config = _with_targets(config, folder)
    today = today_in(config.timezone)
    day = as_of or config.as_of or today
    if day > today:
        raise WorkspaceError(
            doing,
            found=f"as_of {day}, which is not here yet",
            expected=f"a day up to today ({today} in {config.timezone})",
            where="--as-of" if as_of else f"{path}: as_of",
            remedy="give an earlier day, or none for today",
        )
    start = config.settings.history_start
    if start is not None and not date(1900, 1, 1) <= start <= day:
        place = f"after the day that the run looks from ({day})" if start > day else "too early"
        raise WorkspaceError(
            doing,
            found=f"history_start {start}, {place}",
            expected=f"a day from 1900-01-01 to {day}, from which history is counted",
            where=f"{path}: settings.history_start",
            remedy="give history another start, or look from a later day (as_of, --as-of)",
        )
    return Workspace(
        directory=folder,
        config=config,
        as_of=day,
        is_as_of_given=as_of is not None,
        known_by=known_by.astimezone(UTC).replace(tzinfo=None) if known_by else None,
        first_incomplete_on=today if day == today else day + timedelta(days=1),
        settings_hash=hashlib.sha256(text).hexdigest(),
        code_version=code_version(),
        files=(path,),
    )


def is_taken(folder: Path) -> bool:
    """Tell whether a file, or a folder with content, is where a new workspace is to be."""
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def require_usable_path(folder: Path) -> None:
    """Refuse a folder whose path Dagster's SQLite takes for another: ``?`` and ``%41`` in it.

    Dagster puts the path into a URL as it is, so what follows a ``?`` would be cut off, and the
    record of runs would be written outside the workspace.

    Raises:
        WorkspaceError: The path holds such a sign, or bytes that are no UTF-8.
    """
    text = str(folder)
    signs = re.findall(r"\?|%[0-9A-Fa-f]{2}|[\ud800-\udfff]", text)
    if not signs:
        return
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    told = sorted({f"`{s}`" if s.isascii() else "bytes that are no UTF-8" for s in signs})
    raise WorkspaceError(
        "opening the workspace's folder",
        found=f"{' and '.join(told)} in its path, which the record of runs cannot be kept under",
        expected="a path in UTF-8 without ? and without % before two hexadecimal digits",
        where=shown,
        remedy="rename or move the folder; nothing was written",
    )


class _UniqueKeys(yaml.SafeLoader):
    """Refuse a key that stands twice (YAML would silently keep the last) or that is no word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping after looking for repeated keys and for keys that are no words."""
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key that is a list or a mapping, not a word", key_node.start_mark
                )
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key}` stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        """Build a day or an instant; name the line of one that does not exist."""
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError as error:
            raise yaml.constructor.ConstructorError(
                None, None, f"`{node.value}`: {error}", node.start_mark
            ) from error


_UniqueKeys.add_constructor("tag:yaml.org,2002:timestamp", _UniqueKeys.construct_yaml_timestamp)


def _settings_error(doing: str, path: Path, error: ValidationError) -> WorkspaceError:
    """Turn pydantic's findings into the recipe, one line for each key."""
    lines, keys = [], []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"]) or "(the whole file)"
        keys.append(key)
        if item["type"] == "extra_forbidden":
            lines.append(f"unknown key `{key}`")
        elif item["type"] == "missing":
            lines.append(f"the key `{key}` is missing")
        else:
            message = item["msg"].removeprefix("Value error, ")
            given = item.get("input")
            is_hidden = isinstance(given, dict | list) or "pull" in item["loc"]
            shown = "" if is_hidden else f" (found: {given!r})"
            lines.append(f"`{key}`: {message}{shown}")
    return WorkspaceError(
        doing,
        found="; ".join(lines),
        expected="the keys and values that README describes under workspace.yml",
        where=f"{path}: {', '.join(keys)}",
        remedy="correct or remove what is named above; nothing was read or changed",
    )


def _with_targets(config: WorkspaceConfig, folder: Path) -> WorkspaceConfig:
    """Read the folder ``targets/`` of a workspace whose settings do not speak of targets."""
    is_said = "targets" in config.sources or any(
        "targets" in source.entities for source in config.sources.values()
    )
    if is_said or not (folder / "targets").is_dir():
        return config
    source = SourceConfig.model_validate(
        {"system": "files", "path": "targets", "entities": {"targets": {"files": TARGET_SHEETS}}}
    )
    return config.model_copy(update={"sources": {**config.sources, "targets": source}})


def today_in(timezone: str) -> date:
    """Return the day that the machine's clock has now in a zone, such as ``Europe/Moscow``."""
    return datetime.now(ZoneInfo(timezone)).date()


def default_workspace() -> Path:
    """Return the demonstration company's folder: in a checkout ``data/demo``."""
    return project_root() / "data" / "demo" if is_checkout() else Path.cwd() / "demo"


def demo_settings() -> str:
    """Return the text of the demonstration company's workspace.yml."""
    folder = project_root() / ("data/demo" if is_checkout() else "demo")
    return (folder / "workspace.yml").read_text(encoding="utf-8")


def option_of(folder: Path) -> str:
    """Return what a command needs beside its verb to find a workspace, with a space before it."""
    path = str(folder)
    if path == str(default_workspace().resolve()):
        return ""
    return f' --workspace "{path}"' if " " in path else f" --workspace {path}"


def is_checkout() -> bool:
    """Tell a source checkout from an installed package."""
    return (PACKAGE.parent / "dbt" / "dbt_project.yml").is_file()


def project_root() -> Path:
    """Return the folder that holds dbt/ and expectations/."""
    return PACKAGE.parent if is_checkout() else PACKAGE / "bundled"


def code_version() -> str:
    """Return a fingerprint of the code that makes figures: Python, models, suites.

    Two runs with the same code version, files, settings and day give the same tables.
    """
    digest = hashlib.sha256()
    folders = [PACKAGE, project_root() / "dbt", project_root() / "expectations"]
    wanted = {".py", ".sql", ".yml", ".csv", ".json"}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.suffix not in wanted or {"target", "logs", "__pycache__"} & set(relative.parts):
                continue
            if folder == PACKAGE and relative.parts[0] == "bundled":
                continue
            digest.update(relative.as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def hash_key(workspace: Workspace) -> str:
    """Return the key under which personal data is hashed; make one on the first use.

    ``KPI_HASH_KEY`` wins; else ``state/hash_key`` (mode 0600), random, made once.

    Raises:
        WorkspaceError: The key differs from the one that earlier hashes were made with.
    """
    given = os.environ.get("KPI_HASH_KEY") or None  # set to nothing is not set
    path = workspace.state / "hash_key"
    mark = fingerprint_file(workspace)
    if not given and not path.exists():
        workspace.state.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")  # whole under its name, or not there
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(secrets.token_hex(32))
        beside.rename(path)
    key = given or path.read_text(encoding="utf-8", errors="replace").strip()
    if not key:
        raise WorkspaceError(
            "reading the key that personal data is hashed with",
            found="an empty file",
            expected="the key that an earlier run wrote there",
            where=str(path),
            remedy="restore it from a backup of state/, or remove it and run `kpi run --rekey`, "
            "which makes a new one and hashes everything anew",
        )
    fingerprint = key_fingerprint(key)
    if mark.exists() and mark.read_text(encoding="ascii").strip() != fingerprint:
        raise WorkspaceError(
            "reading the key that personal data is hashed with",
            found="a key that differs from the one used before",
            expected="the same key as long as hashes made with it are kept",
            where="environment: KPI_HASH_KEY" if given else str(path),
            remedy="restore the former key, or run `kpi run --rekey` to hash everything anew",
        )
    if not mark.exists():
        workspace.state.mkdir(parents=True, exist_ok=True)
        mark.write_text(fingerprint + "\n", encoding="ascii")
    return key


def key_fingerprint(key: str) -> str:
    """Return what tells two keys of personal data apart without telling them."""
    return hashlib.sha256(b"fingerprint:" + key.encode()).hexdigest()[:16]


def forget_hash_key_fingerprint(workspace: Workspace) -> None:
    """Allow another key from now on (``--rekey``); staging must then be rebuilt whole."""
    fingerprint_file(workspace).unlink(missing_ok=True)


def fingerprint_file(workspace: Workspace) -> Path:
    """Return where it is kept which key hashes are made with."""
    return workspace.state / "hash_key.fingerprint"


def secret_name(source_name: str, kind: str) -> str:
    """Return the variable that holds a secret of a pulled source, such as ``KPI_CRM_TOKEN``."""
    return f"KPI_{source_name.upper()}_{kind}"


def secret_service(workspace: Workspace) -> str:
    """Return the name under which a keyring keeps the secrets of this workspace."""
    return f"kpi {workspace.directory}"


def pull_secret(workspace: Workspace, source_name: str, kind: str) -> str | None:
    """Return a secret of a pulled source: from the environment, else from the keyring.

    Args:
        workspace: The workspace.
        source_name: The source, as workspace.yml names it.
        kind: ``TOKEN``, ``WEBHOOK``, ``CLIENT_SECRET`` or ``REFRESH_TOKEN``.

    Returns:
        The secret, or None where there is none.

    Raises:
        WorkspaceError: It holds characters that no header can carry; its text is never shown.
    """
    name = secret_name(source_name, kind)
    found = os.environ.get(name) or kept_secret(workspace, source_name, kind)
    secret = found.strip() if found else ""
    if not secret:
        return None
    if not (secret.isascii() and secret.isprintable() and " " not in secret):
        raise WorkspaceError(
            "reading a secret",
            found="spaces, line ends or letters that no token has",
            expected="the secret as the system shows it, on one line",
            where=f"environment or keyring: {name}",
            remedy="copy it anew",
        )
    return secret


def kept_secret(workspace: Workspace, source_name: str, kind: str) -> str | None:
    """Return what the keyring of this machine holds; None without a keyring."""
    keyring = _keyring()
    if keyring is None:
        return None
    try:
        return keyring.get_password(secret_service(workspace), secret_name(source_name, kind))
    except keyring.errors.KeyringError:
        return None


def keep_secret(workspace: Workspace, source_name: str, kind: str, secret: str) -> bool:
    """Put a secret into the keyring of this machine; tell whether it took it."""
    keyring = _keyring()
    if keyring is None:
        return False
    name = secret_name(source_name, kind)
    try:
        keyring.set_password(secret_service(workspace), name, secret)
    except keyring.errors.KeyringError:
        return False
    return True


def _keyring() -> Any:
    try:
        import keyring
        import keyring.errors
    except ModuleNotFoundError:
        return None
    return keyring


def silence_telemetry() -> None:
    """Switch off what dbt, Dagster and Great Expectations would send home, for this process."""
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    os.environ["GX_ANALYTICS_ENABLED"] = "false"


_DAGSTER_YAML = """\
telemetry:
  enabled: false
nux:
  enabled: false
event_log_storage:
  module: dagster_project.event_log
  class: PooledSqliteEventLogStorage
  config:
    base_dir:
      env: DAGSTER_HOME
"""


def use_dagster_home(workspace: Workspace) -> Path:
    """Point Dagster at the workspace's own records, for this process and its children."""
    workspace.dagster_home.mkdir(parents=True, exist_ok=True)
    config = workspace.dagster_home / "dagster.yaml"
    if not config.exists():
        config.write_text(_DAGSTER_YAML, encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(workspace.dagster_home)
    os.environ["KPI_WORKSPACE"] = str(workspace.directory)
    return workspace.dagster_home


def is_debug() -> bool:
    """Tell whether tracebacks are wanted (``KPI_DEBUG``)."""
    return bool(os.environ.get("KPI_DEBUG"))


def set_debug() -> None:
    """Ask for tracebacks, for this process and its children."""
    os.environ["KPI_DEBUG"] = "1"


def die_at() -> str | None:
    """Return the point at which a test wants this process killed (``KPI_DIE_AT``)."""
    return os.environ.get("KPI_DIE_AT")


def set_dbt_environment(workspace: Workspace | None) -> None:
    """Tell dbt's profile where the warehouse is; without one, as for parsing only."""
    path = workspace.warehouse_file if workspace else Path("warehouse.duckdb")
    os.environ["KPI_WAREHOUSE_FILE"] = str(path)


def child_environment() -> dict[str, str]:
    """Return the environment for a Python that this process starts.

    It imports nothing from the folder that the command happens to be given in: a file that lies
    among deliveries, such as ``pandas.py``, is no part of the program.
    """
    return dict(os.environ) | {"PYTHONSAFEPATH": "1"}
