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
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dagster_project.errors import WorkspaceError

PACKAGE = Path(__file__).resolve().parent
Entity = Literal[
    "managers",
    "customers",
    "products",
    "leads",
    "deals",
    "deal_items",
    "deal_stages",
    "deal_changes",
    "deal_splits",
    "payments",
    "activities",
    "spend",
    "subscriptions",
    "partners",
    "fx_rates",
    "calendar",
]
ALIAS_SUBJECTS = ("product", "channel", "manager", "customer", "team", "currency", "partner")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _as_text(value: Any) -> Any:
    """Return a scalar of YAML as the text a file would hold (``true`` for booleans)."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Unpivot(_Strict):
    """Turn a sheet with a column per period into one row per period."""

    columns: str
    name_to: str
    value_to: str
    names: dict[str, str] = Field(default_factory=dict)

    @field_validator("columns")
    @classmethod
    def _is_regex(cls, value: str) -> str:
        return _checked_regex(value)

    @field_validator("names", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return {str(k): _as_text(v) for k, v in value.items()} if isinstance(value, dict) else value


class EntityMapping(_Strict):
    """Say which files hold an entity of a source and what their columns mean."""

    files: list[str] = Field(min_length=1)
    sheet: str | int | None = None
    columns: dict[str, str | int] = Field(default_factory=dict)
    constants: dict[str, str | None] = Field(default_factory=dict)
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    decimal: Literal[".", ","] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    has_header: bool = True
    skip_top: int = Field(default=0, ge=0)
    stop_at: str | None = None
    drop: str | None = None
    unpivot: Unpivot | None = None
    delivery: Literal["full", "delta"] | None = None
    records: str | None = None

    @field_validator("files", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("constants", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        return {str(k): _as_text(v) for k, v in value.items()} if isinstance(value, dict) else value

    @field_validator("stop_at", "drop")
    @classmethod
    def _is_regex(cls, value: str | None) -> str | None:
        return None if value is None else _checked_regex(value)


def _checked_regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return value


class SourceConfig(_Strict):
    """One system that delivers files, under a name of the user's own."""

    system: Literal["files"]
    path: str | None = None
    delivery: Literal["full", "delta"] = "delta"
    timezone: str | None = None
    currency: str | None = None
    won_date: Literal["history", "crm_close"] | None = None
    leads_from_deals: bool = False
    lead_converted_means: Literal["won"] | None = None
    observed_at: str | None = None
    entities: dict[Entity, EntityMapping] = Field(default_factory=dict)

    @field_validator("observed_at")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if value is not None and re.compile(_checked_regex(value)).groups != 1:
            raise ValueError("needs exactly one group (...) around the date in the path")
        return value

    @model_validator(mode="after")
    def _has_entities(self) -> SourceConfig:
        if self.system == "files" and not self.entities:
            raise ValueError("a source of system `files` must say what its files hold: entities")
        return self


class StageRule(_Strict):
    """Give a (pipeline, stage) its outcome; ``*`` stands for every source or pipeline."""

    source: str = "*"
    pipeline: str = "*"
    stage: str
    outcome: Literal["open", "won", "lost"]
    position: int | None = None
    counts_as: Literal["proposal", "meeting", "qualified"] | None = None


class LossReason(_Strict):
    """Say whether a close for this reason was a contest at all."""

    reason: str
    eligible: bool = True


class LeadStatus(_Strict):
    """Give a lead's status its meaning."""

    source: str = "*"
    status: str
    outcome: Literal["new", "working", "qualified", "converted", "junk"]
    counts_as: Literal["proposal", "meeting", "qualified"] | None = None

    @field_validator("status", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return _as_text(value)


class ActivityType(_Strict):
    """Give a system's activity type its kind."""

    source: str = "*"
    type: str
    kind: Literal["call", "meeting", "proposal", "email", "other"]

    @field_validator("type", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        return _as_text(value)


class SubscriptionsFromPayments(_Strict):
    """Read recurring payments as subscriptions by a declared rule."""

    kind: str
    min_payments: int = 2
    gap_days: int = 45


class Tuning(_Strict):
    """Every default that a workspace may override, under ``settings:``.

    Units: ``*_days``, ``*_minutes``, ``*_seconds`` as named; limits are shares 0..1.
    """

    conversion_window_days: int = Field(default=60, ge=1)
    maturity_horizon_days: int = Field(default=180, ge=1)
    low_sample_below: int = Field(default=20, ge=0)
    connected_call_seconds: int = Field(default=30, ge=0)
    sla_minutes: int = Field(default=15, ge=1)
    lead_dedupe_days: int = Field(default=30, ge=0)
    fx_max_age_days: int = Field(default=10, ge=0)
    row_error_limit: float = Field(default=0.01, ge=0, le=1)
    full_delivery_shrink_limit: float = Field(default=0.05, ge=0, le=1)
    revenue_drop_limit: float = Field(default=0.60, gt=0, le=1)
    undated_wins_limit: float = Field(default=0.01, ge=0, le=1)
    shared_value_limit: int = Field(default=3, ge=1)
    tolerate_rejected_files: bool = False
    ltv_basis: Literal["deals", "payments", "mrr"] = "deals"
    subscriptions_from_payments: SubscriptionsFromPayments | None = None
    history_start: date | None = None
    memory_limit: str | None = None
    max_cell_bytes: int = Field(default=1_048_576, ge=1024)
    max_columns: int = Field(default=10_000, ge=1)

    @field_validator("memory_limit")
    @classmethod
    def _is_size(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\d+(\.\d+)?\s*[KMGT]i?B", value):
            raise ValueError("is no size such as 2GiB or 800MB")
        return value


class WorkspaceConfig(_Strict):
    """The whole of workspace.yml."""

    company: str
    reporting_currency: str = Field(pattern=r"^[A-Z]{3}$")
    timezone: str
    fiscal_year_start_month: int = Field(default=1, ge=1, le=12)
    language: Literal["ru", "en"] = "en"
    as_of: date | None = None
    strategy: Literal["mass", "large", "subscription", "partner"] = "mass"
    country: str | None = "RU"
    working_hours: str = "09:00-18:00"
    sources: dict[str, SourceConfig] = Field(min_length=1)
    aliases: dict[str, dict[str, str]] = Field(default_factory=dict)
    stages: list[StageRule] = Field(default_factory=list)
    loss_reasons: list[LossReason] = Field(default_factory=list)
    lead_statuses: list[LeadStatus] = Field(default_factory=list)
    activity_types: list[ActivityType] = Field(default_factory=list)
    settings: Tuning = Field(default_factory=Tuning)

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        return _checked_zone(value)

    @field_validator("country")
    @classmethod
    def _is_country(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Z]{2}", value):
            raise ValueError("is no ISO code of a country, such as RU (null: no public holidays)")
        return value

    @field_validator("working_hours")
    @classmethod
    def _is_span(cls, value: str) -> str:
        start, end = _working_minutes(value)
        if not 0 <= start < end <= 24 * 60:
            raise ValueError("must be a span within one day, such as 09:00-18:00")
        return value

    @field_validator("aliases", mode="before")
    @classmethod
    def _subjects(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for subject in value:
            if subject not in ALIAS_SUBJECTS:
                raise ValueError(f"`{subject}` is none of: {', '.join(ALIAS_SUBJECTS)}")
        return {
            subject: {str(spelling): _as_text(name) for spelling, name in (pairs or {}).items()}
            for subject, pairs in value.items()
        }

    @model_validator(mode="after")
    def _refers_to_known_sources(self) -> WorkspaceConfig:
        for name, source in self.sources.items():
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
                raise ValueError(f"source name `{name}`: letters, digits and _ only")
            if source.timezone:
                _checked_zone(source.timezone)
            if source.currency and not re.fullmatch(r"[A-Z]{3}", source.currency):
                raise ValueError(f"sources.{name}.currency: `{source.currency}` is no ISO code")
        for key in ("stages", "lead_statuses", "activity_types"):
            for rule in getattr(self, key):
                if rule.source != "*" and rule.source not in self.sources:
                    raise ValueError(
                        f"{key}: source `{rule.source}` is none of: {', '.join(self.sources)}"
                    )
        return self


def _checked_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError) as error:
        raise ValueError(f"`{value}` is no time zone name such as Europe/Moscow") from error
    return value


def _working_minutes(span: str) -> tuple[int, int]:
    """Return the start and end of ``HH:MM-HH:MM`` in minutes since midnight."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", span.replace(" ", ""))
    if not match:
        raise ValueError("must be a span within one day, such as 09:00-18:00")
    h1, m1, h2, m2 = (int(part) for part in match.groups())
    if m1 > 59 or m2 > 59:
        raise ValueError("must be a span within one day, such as 09:00-18:00")
    return h1 * 60 + m1, h2 * 60 + m2


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
    def warehouse_file(self) -> Path:
        """The working database: one writer."""
        return self.warehouse / "warehouse.duckdb"

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
        return _working_minutes(self.config.working_hours)

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
    _check_columns(config, path, doing)
    now = datetime.now(UTC)
    today = now.astimezone(ZoneInfo(config.timezone)).date()
    day = as_of or config.as_of or today
    if day > today:
        raise WorkspaceError(
            doing,
            found=f"as_of {day}, which is not here yet",
            expected=f"a day up to today ({today})",
            where=f"{path}: as_of",
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


class _UniqueKeys(yaml.SafeLoader):
    """Refuse a key that stands twice: YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping after looking for repeated keys."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key}` stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


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
            shown = "" if isinstance(given, dict | list) else f" (found: {given!r})"
            lines.append(f"`{key}`: {message}{shown}")
    return WorkspaceError(
        doing,
        found="; ".join(lines),
        expected="the keys and values that README describes under workspace.yml",
        where=f"{path}: {', '.join(keys)}",
        remedy="correct or remove what is named above; nothing was read or changed",
    )


def _check_columns(config: WorkspaceConfig, path: Path, doing: str) -> None:
    """Refuse mappings of columns that an entity does not have, or without its required ones."""
    from dagster_project.canonical import ENTITIES, missing_required

    for source_name, source in config.sources.items():
        for entity, mapping in source.entities.items():
            where = f"{path}: sources.{source_name}.entities.{entity}"
            known = ENTITIES[entity]
            given = {**mapping.columns, **mapping.constants}
            if mapping.unpivot:
                given |= {mapping.unpivot.name_to: "", mapping.unpivot.value_to: ""}
            for column in given:
                if column not in known:
                    raise WorkspaceError(
                        doing,
                        found=f"unknown column `{column}` of {entity}",
                        expected=f"one of: {', '.join(known)}",
                        where=where,
                        remedy="correct the name on the left of the colon",
                    )
            doubled = sorted(set(mapping.columns) & set(mapping.constants))
            if doubled:
                raise WorkspaceError(
                    doing,
                    found=f"`{doubled[0]}` both as a column and as a constant",
                    expected="one of the two",
                    where=where,
                )
            lacking = missing_required(entity, set(given))
            if lacking:
                raise WorkspaceError(
                    doing,
                    found=f"no {' and no '.join(lacking)}",
                    expected=f"{entity} need it, as a column or as a constant",
                    where=where,
                    remedy=f'add a line such as {lacking[0].split(" or ")[0]}: "Its header"',
                )


def default_workspace() -> Path:
    """Return the demonstration company's folder: in a checkout ``data/demo``."""
    return project_root() / "data" / "demo" if is_checkout() else Path.cwd() / "demo"


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
    given = os.environ.get("KPI_HASH_KEY")
    path = workspace.state / "hash_key"
    mark = workspace.state / "hash_key.fingerprint"
    if given is None and not path.exists():
        workspace.state.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(secrets.token_hex(32))
    key = given if given is not None else path.read_text(encoding="ascii").strip()
    fingerprint = hashlib.sha256(b"fingerprint:" + key.encode()).hexdigest()[:16]
    if mark.exists() and mark.read_text(encoding="ascii").strip() != fingerprint:
        raise WorkspaceError(
            "reading the key that personal data is hashed with",
            found="a key that differs from the one used before",
            expected="the same key as long as hashes made with it are kept",
            where=str(path if given is None else "environment: KPI_HASH_KEY"),
            remedy="restore the former key, or run `kpi run --rekey` to hash everything anew",
        )
    if not mark.exists():
        workspace.state.mkdir(parents=True, exist_ok=True)
        mark.write_text(fingerprint + "\n", encoding="ascii")
    return key


def forget_hash_key_fingerprint(workspace: Workspace) -> None:
    """Allow another key from now on (``--rekey``); staging must then be rebuilt whole."""
    (workspace.state / "hash_key.fingerprint").unlink(missing_ok=True)


def silence_telemetry() -> None:
    """Switch off what dbt, Dagster and Great Expectations would send home, for this process."""
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    os.environ["GX_ANALYTICS_ENABLED"] = "false"


_DAGSTER_YAML = """\
telemetry:
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
    """Return the environment for a process that this one starts."""
    return dict(os.environ)
