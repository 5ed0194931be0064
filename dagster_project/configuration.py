"""The shape of workspace.yml: its keys, their types and defaults.

What belongs here: what may stand in the file. What does not: where the file is, the environment,
or what was delivered (settings, ingest).

Source: README describes the keys; unknown keys raise.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dagster_project.ingest.contracts import CONTRACTS

Entity = Literal[
    "managers",
    "customers",
    "products",
    "leads",
    "deals",
    "deal_items",
    "deal_stages",
    "deal_changes",
    "stages",
    "deal_splits",
    "payments",
    "activities",
    "spend",
    "subscriptions",
    "partners",
    "fx_rates",
    "calendar",
    "targets",
]
_COUNTRIES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ
EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW
GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY
KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV
MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG
TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UK UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT
ZA ZM ZW
"""
COUNTRIES = frozenset(_COUNTRIES.split())
"""Countries whose public holidays are known. The library that knows them takes 50 ms to import, so
its codes stand here; a test holds one against the other."""
ALIAS_SUBJECTS = ("product", "channel", "manager", "customer", "team", "currency", "partner")


PULLED_SYSTEMS = ("bitrix24", "amocrm", "salesforce", "hubspot")
PULLED_AT = r"/(\d{8}T\d{6})Z/"
"""Where the path of a pulled file says when it was asked for."""
_PAGE_SIZES = {"amocrm": (1, 250), "salesforce": (200, 2000), "hubspot": (1, 100)}


class _Strict(BaseModel):
    # inputs stay out of error texts: somebody may have pasted a token into the wrong key
    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _yes_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        annotation = cls.model_fields[str(info.field_name)].annotation
        kinds = {annotation, *get_args(annotation)}
        if isinstance(value, bool) and bool not in kinds and kinds & {int, float}:
            raise ValueError("must be a number, not yes or no")
        return value


def _as_text(value: Any) -> Any:
    """Return a scalar of YAML as the text a file would hold (``true`` for booleans)."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        raise ValueError("must be one word or number, not a list or a mapping")
    return str(value)


Counted = Annotated[int, Field(ge=1, strict=True)]
"""The number of a sheet or a column, as a person counts: from 1."""


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

    files: list[str] = Field(default_factory=list)
    sheet: str | Counted | None = None
    columns: dict[str, str | Counted] = Field(default_factory=dict)
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

    @field_validator("delimiter")
    @classmethod
    def _is_one_sign(cls, value: str | None) -> str | None:
        if value is None or value in ("tab", "\\t"):
            return value
        if len(value) != 1 or value in '"\r\n\0':
            raise ValueError('must be one character, such as ";", or tab')
        return value

    @field_validator("encoding")
    @classmethod
    def _is_encoding(cls, value: str | None) -> str | None:
        try:
            is_of_text = value is None or isinstance("".encode(value), bytes)
        except (LookupError, UnicodeError):
            is_of_text = False
        if not is_of_text:
            raise ValueError("is no encoding such as utf-8, cp1251 or cp866")
        return value

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


class PullConfig(_Strict):
    """Say what ``kpi pull`` asks of a system's API; never a secret (environment or keyring).

    ``objects`` and ``fields`` are named as the API names them; without them each system has its
    own list. ``client_id``, ``redirect_uri`` belong to OAuth, ``api_version`` to Salesforce.
    Units: ``*_minutes``, ``*_seconds`` as named; ``page_size`` in records.
    """

    base_url: str | None = None
    objects: list[str] = Field(default_factory=list)
    fields: dict[str, list[str]] = Field(default_factory=dict)
    overlap_minutes: int = Field(default=10, ge=1)
    page_size: int | None = None
    rate_limit_per_second: float | None = Field(default=None, gt=0)
    timeout_seconds: float = Field(default=60, gt=0)
    attempts: int = Field(default=6, ge=1, le=20)
    client_id: str | None = None
    redirect_uri: str | None = None
    api_version: str | None = Field(default=None, pattern=r"^v\d+\.0$")


class SourceConfig(_Strict):
    """One system that delivers files, under a name of the user's own."""

    system: str
    path: str | None = None
    ignore: list[str] = Field(default_factory=list)
    delivery: Literal["full", "delta"] = "delta"
    timezone: str | None = None
    currency: str | None = None
    won_date: Literal["history", "crm_close"] | None = None
    leads_from_deals: bool | None = None
    lead_converted_means: Literal["won"] | None = None
    observed_at: str | None = None
    money_in_micros: bool | None = None
    amounts_include_vat: bool | None = None
    entities: dict[str, EntityMapping] = Field(default_factory=dict)
    pull: PullConfig | None = None

    @field_validator("system")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in CONTRACTS:
            raise ValueError(f"is none of: {', '.join(CONTRACTS)}")
        return value

    @field_validator("ignore", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("observed_at")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if value is not None and re.compile(_checked_regex(value)).groups != 1:
            raise ValueError("needs exactly one group (...) around the date in the path")
        return value

    @property
    def observed_pattern(self) -> str | None:
        """Return what finds the time of observation in a path: as said, else as a pull says it."""
        return self.observed_at or (PULLED_AT if self.pull else None)

    @model_validator(mode="after")
    def _has_entities(self) -> SourceConfig:
        if self.system != "files":
            return (
                self  # its contract knows what its files hold; ingestion checks what is laid over
            )
        if not self.entities:
            raise ValueError("a source of system `files` must say what its files hold: entities")
        for name, mapping in self.entities.items():
            if name not in get_args(Entity):
                raise ValueError(f"entities: `{name}` is none of: {', '.join(get_args(Entity))}")
            if not mapping.files:
                raise ValueError(f"entities.{name}: `files` must name at least one pattern")
        return self

    @model_validator(mode="after")
    def _can_be_pulled(self) -> SourceConfig:
        if self.pull is None:
            return self
        if self.system not in PULLED_SYSTEMS:
            raise ValueError(f"pull: only for {', '.join(PULLED_SYSTEMS)}, not `{self.system}`")
        size = self.pull.page_size
        if size is not None and self.system not in _PAGE_SIZES:
            raise ValueError(f"pull.page_size: {self.system} fixes the size of its pages itself")
        low, high = _PAGE_SIZES.get(self.system, (1, 1))
        if size is not None and not low <= size <= high:
            raise ValueError(f"pull.page_size: {self.system} takes {low} to {high}, not {size}")
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
    min_payments: int = Field(default=2, ge=1)
    gap_days: int = Field(default=45, ge=1, le=36_500)


_LEAST_MEMORY = 128_000_000
"""Bytes that DuckDB needs for the smallest workspace; with half of it no run comes to its end."""


class Tuning(_Strict):
    """Every default that a workspace may override, under ``settings:``.

    Units: ``*_days``, ``*_minutes``, ``*_seconds`` as named; limits are shares 0..1. Without
    ``ltv_basis`` it is ``mrr`` for the subscription strategy and ``deals`` for the others.
    """

    conversion_window_days: int = Field(default=60, ge=1, le=36_500)
    maturity_horizon_days: int = Field(default=180, ge=1, le=36_500)
    low_sample_below: int = Field(default=20, ge=0)
    win_prior_deals: int = Field(default=10, ge=0)
    connected_call_seconds: int = Field(default=30, ge=0, le=86_400)
    sla_minutes: int = Field(default=15, ge=1, le=525_600)
    lead_dedupe_days: int = Field(default=30, ge=0, le=36_500)
    fx_max_age_days: int = Field(default=10, ge=0, le=36_500)
    row_error_limit: float = Field(default=0.01, ge=0, le=1)
    full_delivery_shrink_limit: float = Field(default=0.05, ge=0, le=1)
    revenue_drop_limit: float = Field(default=0.60, gt=0)
    undated_wins_limit: float = Field(default=0.01, ge=0, le=1)
    shared_value_limit: int = Field(default=3, ge=1)
    personal_data: Literal["hashed", "clear"] = "hashed"
    tolerate_rejected_files: bool = False
    ltv_basis: Literal["deals", "payments", "mrr"] | None = None
    subscriptions_from_payments: SubscriptionsFromPayments | None = None
    history_start: date | None = None
    pace_ahead: float = Field(default=1.05, gt=0)
    pace_on_track: float = Field(default=0.95, gt=0)
    pace_at_risk: float = Field(default=0.80, gt=0)
    goal_sum_tolerance: float = Field(default=0.005, ge=0, le=1)
    memory_limit: str | None = "1152MiB"
    max_cell_bytes: int = Field(default=1_048_576, ge=1024)
    max_columns: int = Field(default=10_000, ge=1)

    @model_validator(mode="after")
    def _paces_rise(self) -> Tuning:
        if not self.pace_at_risk <= self.pace_on_track <= self.pace_ahead:
            raise ValueError(
                f"pace_at_risk ({self.pace_at_risk}), pace_on_track ({self.pace_on_track}) and "
                f"pace_ahead ({self.pace_ahead}) must rise in this order"
            )
        return self

    @field_validator("memory_limit")
    @classmethod
    def _is_size(cls, value: str | None) -> str | None:
        if value is None:
            return None
        size = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT])(i?)B", value)
        if not size:
            raise ValueError("is no size such as 2GiB or 800MB")
        number, unit, binary = size.groups()
        step = 1024 if binary else 1000
        if float(number) * step ** ("KMGT".index(unit) + 1) < _LEAST_MEMORY:
            raise ValueError(f"is too little to compute in: at least {_LEAST_MEMORY // 10**6}MB")
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
        if value is not None and value not in COUNTRIES:
            raise ValueError(
                "is a country whose public holidays are not known (null: no public holidays; a "
                f"`calendar` of your own says them); known are {', '.join(sorted(COUNTRIES))}"
            )
        return value

    @field_validator("working_hours")
    @classmethod
    def _is_span(cls, value: str) -> str:
        start, end = working_minutes_of(value)
        if not 0 <= start < end <= 24 * 60:
            raise ValueError("must be a span within one day, such as 09:00-18:00")
        return value

    @field_validator("aliases", mode="before")
    @classmethod
    def _subjects(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for subject, pairs in value.items():
            if subject not in ALIAS_SUBJECTS:
                raise ValueError(f"`{subject}` is none of: {', '.join(ALIAS_SUBJECTS)}")
            if pairs is not None and not isinstance(pairs, dict):
                raise ValueError(
                    f"aliases.{subject}: must say which spelling means which name, such as "
                    "{GTXPro: GTX Pro}"
                )
        return {
            subject: {str(spelling): _as_text(name) for spelling, name in (pairs or {}).items()}
            for subject, pairs in value.items()
        }

    @model_validator(mode="after")
    def _refers_to_known_sources(self) -> WorkspaceConfig:
        for name, source in self.sources.items():
            if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
                raise ValueError(f"source name `{name}`: letters, digits and _ only")
            if source.timezone is not None:
                _checked_zone(source.timezone)
            if source.currency is not None and not re.fullmatch(r"[A-Z]{3}", source.currency):
                raise ValueError(f"sources.{name}.currency: `{source.currency}` is no ISO code")
        for key in ("stages", "lead_statuses", "activity_types"):
            for rule in getattr(self, key):
                if rule.source != "*" and rule.source not in self.sources:
                    raise ValueError(
                        f"{key}: source `{rule.source}` is none of: {', '.join(self.sources)}"
                    )
        return self


_ZONES_OF_THE_MACHINE = ("", "localtime", "posixrules", "Factory")


def _checked_zone(value: str) -> str:
    try:
        if value in _ZONES_OF_THE_MACHINE:
            raise ValueError
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError) as error:
        raise ValueError(f"`{value}` is no time zone name such as Europe/Moscow") from error
    return value


def working_minutes_of(span: str) -> tuple[int, int]:
    """Return the start and end of ``HH:MM-HH:MM`` in minutes since midnight."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", span.replace(" ", ""))
    if not match:
        raise ValueError("must be a span within one day, such as 09:00-18:00")
    h1, m1, h2, m2 = (int(part) for part in match.groups())
    if m1 > 59 or m2 > 59:
        raise ValueError("must be a span within one day, such as 09:00-18:00")
    return h1 * 60 + m1, h2 * 60 + m2
