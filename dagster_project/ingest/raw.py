"""The raw schema: landings as views with lineage, what is known of files, and the settings.

What belongs here: writing ``raw`` in one transaction, so that models see one whole load. What does
not: types and rules (models), reading delivered files (landing).

**Shape**: ``raw.<system>__<table>`` one row per landed row, empty and typed where nothing was
delivered; ``raw.files`` one row per delivered file and table; ``raw.landed`` one row per landing
that counts; ``raw.load`` one row.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from dagster_project.canonical import BELONGS_TO, NUMBER_KINDS, TIME_KINDS
from dagster_project.configuration import SourceConfig
from dagster_project.database_files import opened_published
from dagster_project.ingest.contracts import CONTRACTS, TABLES, Table
from dagster_project.ingest.contracts.shape import OWN
from dagster_project.ingest.landing import glob_free
from dagster_project.settings import Workspace

LANDED_COLUMNS = {
    "landing_key": "varchar",
    "landing_file": "varchar",
    "entity": "varchar",
    "table_name": "varchar",
    "source_name": "varchar",
    "_timezone": "varchar",
    "_utc_offset_seconds": "bigint",
    "_offset_valid_from": "timestamp",
    "_default_currency": "varchar",
    "_money_factor": "decimal(18, 8)",
    "_won_date": "varchar",
    "_is_row_id": "boolean",
    "_source_file": "varchar",
    "_file_sha256": "varchar",
    "_loaded_at": "timestamp",
    "_observed_at": "timestamp",
    "_delivery_id": "varchar",
    "_is_full_delivery": "boolean",
    "_batch_id": "varchar",
    "row_offset": "bigint",
}
FILE_COLUMNS = {
    "source_name": "varchar",
    "entity": "varchar",
    "table_name": "varchar",
    "file_name": "varchar",
    "file_sha256": "varchar",
    "size": "bigint",
    "status": "varchar",
    "reason_code": "varchar",
    "reason": "varchar",
    "first_seen": "timestamp",
    "observed_at": "timestamp",
    "is_order_dependent": "boolean",
    "landing_key": "varchar",
    "reader": "varchar",
    "columns_delivered": "bigint",
    "columns_unread_count": "bigint",
    "columns_unread": "varchar",
    "rows_seen": "bigint",
    "rows_landed": "bigint",
    "rows_refused": "bigint",
    "rows_blank": "bigint",
    "rows_total_lines": "bigint",
    "amount_seen": "decimal(38, 4)",
    "amount_total_line": "decimal(38, 4)",
    "last_event_on": "date",
    "last_event_before": "date",
}
REJECT_COLUMNS = {
    "landing_key": "varchar",
    "_source_file": "varchar",
    "_source_row": "bigint",
    "entity": "varchar",
    "reason_code": "varchar",
    "reason": "varchar",
    "value": "varchar",
}
_MODE_COLUMNS = {
    "workspace__stages": ("source", "pipeline", "stage", "outcome", "position", "counts_as"),
    "workspace__aliases": ("subject", "spelling", "name"),
    "workspace__loss_reasons": ("reason", "eligible"),
    "workspace__lead_statuses": ("source", "status", "outcome", "counts_as"),
    "workspace__activity_types": ("source", "type", "kind"),
}
_TYPES = {"position": "integer", "eligible": "boolean"}


def constant_offset(zone: str) -> tuple[int | None, datetime | None]:
    """Return a zone's offset in seconds and the time from which it no longer changes.

    Returns:
        (None, None) for zones whose clocks still change.
    """
    info = ZoneInfo(zone)

    def offset(instant: datetime) -> int:
        return int(instant.replace(tzinfo=UTC).astimezone(info).utcoffset().total_seconds())

    latest = datetime(2037, 12, 31, tzinfo=UTC)
    final, instant = offset(latest), latest
    while instant.year >= 1970:
        if offset(instant) != final:
            break
        instant -= timedelta(days=10)
    if instant.year >= 2030:
        return None, None
    return final, instant.replace(tzinfo=None) + timedelta(days=12)


def settings_row(workspace: Workspace) -> dict[str, Any]:
    """Return what models read of the settings, one value per column."""
    config = workspace.config
    seconds, valid_from = constant_offset(config.timezone)
    start, end = workspace.working_minutes
    row = {
        "company": config.company,
        "reporting_currency": config.reporting_currency,
        "timezone": config.timezone,
        "utc_offset_seconds": seconds,
        "offset_valid_from": valid_from,
        "fiscal_year_start_month": config.fiscal_year_start_month,
        "language": config.language,
        "as_of": workspace.as_of,
        "first_incomplete_on": workspace.first_incomplete_on,
        "known_by": workspace.known_by,
        "strategy": config.strategy,
        "country": config.country,
        "work_start_minute": start,
        "work_end_minute": end,
    }
    tuning = config.settings.model_dump(exclude={"subscriptions_from_payments", "memory_limit"})
    tuning["ltv_basis"] = config.settings.ltv_basis or (
        "mrr" if config.strategy == "subscription" else "deals"
    )
    recurring = config.settings.subscriptions_from_payments
    tuning |= {
        "recurring_payment_kind": recurring.kind if recurring else None,
        "recurring_min_payments": recurring.min_payments if recurring else 0,
        "recurring_gap_days": recurring.gap_days if recurring else 0,
    }
    return row | tuning | {"history_start": workspace.history_start}


def calendar_rows(workspace: Workspace) -> list[tuple[date, bool]]:
    """Return each day from the history's start to a year and a bit ahead, and whether it works."""
    import holidays

    first, last = workspace.history_start, workspace.as_of + timedelta(days=400)
    years = range(first.year, last.year + 1)
    country = workspace.config.country
    off = holidays.country_holidays(country, years=years) if country else {}
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [(day, day.weekday() < 5 and day not in off) for day in days]


def write_raw(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    *,
    landed: list[dict[str, Any]],
    files: list[dict[str, Any]],
    refused_files: list[tuple[str, str, Path]],
    load: dict[str, Any],
) -> None:
    """Replace the whole raw schema in one transaction.

    Args:
        connection: The warehouse, open for writing.
        workspace: The workspace.
        landed: One mapping per landing that counts, of ``LANDED_COLUMNS`` beside ``orders`` and
            ``decimals`` by column, and ``columns``, the names that it holds.
        files: One mapping per delivered file and entity, of ``FILE_COLUMNS``.
        refused_files: (landing key, entity, path) of the Parquet of refused rows.
        load: The one row of ``raw.load``.
    """
    connection.execute("begin")
    try:
        connection.execute("create schema if not exists raw")
        _table(connection, "files", FILE_COLUMNS, files)
        _table(connection, "landed", LANDED_COLUMNS, landed)
        _raw_tables(connection, landed)
        _rejects(connection, refused_files, landed)
        _landing_counts(connection, landed)
        _full_deliveries(connection, landed)
        _settings(connection, workspace, landed)
        columns = {"load_id": "varchar", "signature": "varchar"}
        columns |= {"loaded_at": "timestamp", "as_of": "date"}
        columns |= {"known_by": "timestamp", "settings_hash": "varchar", "code_version": "varchar"}
        _table(connection, "load", columns, [load])
        _published_before(connection, workspace)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: dict[str, str],
    rows: list[dict[str, Any]],
) -> None:
    spelled = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    connection.execute(f"create or replace table raw.{name} ({spelled})")
    if rows:
        marks = ", ".join("?" for _ in columns)
        values = [[row.get(column) for column in columns] for row in rows]
        connection.executemany(f"insert into raw.{name} values ({marks})", values)


def _raw_tables(connection: duckdb.DuckDBPyConnection, landed: list[dict[str, Any]]) -> None:
    """Write one view per table of every contract; those without files in one go."""
    empty = []
    for name, table in TABLES.items():
        rows = [row for row in landed if row["table_name"] == name]
        if rows:
            _landed_view(connection, table, rows)
        else:
            empty.append(f"create or replace view raw.{name} as {_empty(table)}")
    connection.execute("; ".join(empty))


def _notes(table: Table) -> dict[str, str]:
    """Columns that tell how a whole column is written, and where the landing keeps that."""
    notes = {f"{n}__order": "orders" for n, kind in table.kinds.items() if kind in TIME_KINDS}
    return notes | {
        f"{n}__decimal": "decimals" for n, kind in table.kinds.items() if kind in NUMBER_KINDS
    }


def _empty(table: Table) -> str:
    texts = ("source_name", *table.kinds, *_notes(table))
    lineage = {c: kind for c, kind in LANDED_COLUMNS.items() if c.startswith("_")}
    typed = dict.fromkeys(texts, "varchar") | lineage
    typed |= {"_landing_key": "varchar", "_source_row": "bigint"}
    told = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in typed.items())
    return f"select {told} where false"


def _landed_view(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: list[dict[str, Any]]
) -> None:
    name, notes = table.relation, _notes(table)
    told = [
        row | {note: row[origin].get(note.rsplit("__", 1)[0]) for note, origin in notes.items()}
        for row in rows
    ]
    _table(connection, f"landed__{name}", LANDED_COLUMNS | dict.fromkeys(notes, "varchar"), told)
    paths = ", ".join(_quoted(glob_free(row["landing_file"])) for row in rows)
    there = {column for row in rows for column in row["columns"]}
    is_alike = all(there == set(row["columns"]) for row in rows)
    by_name = "" if is_alike else ", union_by_name=true"
    origin = f"read_parquet([{paths}], filename=true, file_row_number=true{by_name})"
    lineage = [c for c in LANDED_COLUMNS if c.startswith("_")]
    connection.execute(
        f"create or replace view raw.{name} as select landed.source_name, "
        + "".join(
            f"rows_.{c}, " if c in there else f"cast(null as varchar) as {c}, " for c in table.kinds
        )
        + "".join(f"landed.{note}, " for note in notes)
        + "".join(f"landed.{column}, " for column in lineage)
        + "landed.landing_key as _landing_key, "
        "coalesce(rows_._row, rows_.file_row_number + landed.row_offset) as _source_row "
        f"from {origin} as rows_ inner join raw.landed__{name} as landed "
        "on rows_.filename = landed.landing_file"
    )


def _rejects(
    connection: duckdb.DuckDBPyConnection,
    refused_files: list[tuple[str, str, Path]],
    landed: list[dict[str, Any]],
) -> None:
    spelled = ", ".join(f"{column} {kind}" for column, kind in REJECT_COLUMNS.items())
    connection.execute(f"create or replace table raw.file_rejects ({spelled})")
    names = {row["landing_key"]: row["_source_file"] for row in landed}
    for key, entity, path in refused_files:
        connection.execute(
            "insert into raw.file_rejects select ?, ?, _source_row, ?, reason_code, reason, value "
            f"from read_parquet({_quoted(glob_free(path))})",
            [key, names[key], entity],
        )


def _landing_counts(connection: duckdb.DuckDBPyConnection, landed: list[dict[str, Any]]) -> None:
    """Count the rows of each landing anew, from the file itself: gate 1 compares."""
    import pyarrow.parquet as pq

    columns = {"landing_key": "varchar", "row_count": "bigint"}
    counted = [
        {"landing_key": key, "row_count": pq.read_metadata(path).num_rows}
        for key, path in sorted({(row["landing_key"], row["landing_file"]) for row in landed})
    ]
    _table(connection, "landing_counts", columns, counted)


def _full_deliveries(connection: duckdb.DuckDBPyConnection, landed: list[dict[str, Any]]) -> None:
    """Compare each full delivery with the one before it: which share of its ids is gone."""
    connection.execute(
        "create or replace table raw.full_deliveries (source_name varchar, entity varchar, "
        "delivery_id varchar, observed_at timestamp, ids_before bigint, ids_gone bigint)"
    )
    full = sorted({r["table_name"] for r in landed if r["_is_full_delivery"]})
    for table in (TABLES[name] for name in full):
        key = table.key or BELONGS_TO.get(table.name)
        if key is None:
            continue  # what such a table lacks is not deleted
        connection.execute(
            f"""
            insert into raw.full_deliveries
            with ids as (
                select distinct source_name, _delivery_id as delivery_id, trim({key}) as id
                from raw.{table.relation} where _is_full_delivery and {key} is not null
            ),
            placed as (
                select source_name, _delivery_id as delivery_id, min(_observed_at) as observed_at,
                    lag(_delivery_id) over (
                        partition by source_name order by min(_observed_at), _delivery_id) as before
                from raw.landed__{table.relation} where _is_full_delivery
                group by source_name, _delivery_id
            )
            select placed.source_name, ?, placed.delivery_id, placed.observed_at,
                count(*), count(*) filter (current_ids.id is null)
            from placed
            inner join ids on placed.source_name = ids.source_name
                and placed.before = ids.delivery_id
            left join ids as current_ids on placed.source_name = current_ids.source_name
                and placed.delivery_id = current_ids.delivery_id and ids.id = current_ids.id
            group by placed.source_name, placed.delivery_id, placed.observed_at
            """,
            [table.entity],
        )


def _leads_from_deals(name: str, source: SourceConfig, landed: list[dict[str, Any]]) -> bool:
    """Tell whether each deal of a source is a lead too: as said, else as its contract says."""
    if source.leads_from_deals is not None:
        return source.leads_from_deals
    rule = CONTRACTS[source.system].leads_from_deals
    tables = [TABLES[r["table_name"]] for r in landed if r["source_name"] == name]
    has_leads = any("leads" in table.feeds for table in tables)
    return rule in {"always", "staged"} or (rule == "when_no_leads" and not has_leads)


def _tells_won_date(name: str, source: SourceConfig, landed: list[dict[str, Any]]) -> bool:
    """Tell whether what a source delivers can date a win at all, by the rule of its contract."""
    dated_by = CONTRACTS[source.system].wins_dated_by
    if not dated_by or source.won_date == "crm_close":
        return True
    delivered = set()
    for row in (r for r in landed if r["source_name"] == name):
        table = TABLES[row["table_name"]]
        delivered |= {table.name} | {f"{table.name}.{column}" for column in row["orders"]}
        if f"{OWN}closed_at" in row["orders"]:
            return True
    return bool(delivered & set(dated_by))


def _with_defaults(
    workspace: Workspace, rules: list[dict[str, Any]], word: str, meaning: str
) -> list[dict[str, Any]]:
    """Lay the workspace's rules over those of its systems' contracts."""

    def compared(text: str) -> str:
        return " ".join(text.lower().replace("ё", "е").split())

    given = {(rule["source"], compared(rule[word])) for rule in rules}
    laid = list(rules)
    for name, source in workspace.config.sources.items():
        contract = CONTRACTS[source.system]
        defaults = contract.lead_statuses if word == "status" else contract.activity_types
        laid += [
            {"source": name, word: spelled, meaning: told}
            for spelled, told in defaults.items()
            if not {(name, compared(spelled)), ("*", compared(spelled))} & given
        ]
    return laid


def _settings(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, landed: list[dict[str, Any]]
) -> None:
    config = workspace.config
    row = settings_row(workspace)
    kinds = {name: _sql_type(name, value) for name, value in row.items()}
    _table(connection, "workspace__settings", kinds, [row])
    columns = {
        "source_name": "varchar",
        "system": "varchar",
        "source_order": "integer",
        "timezone": "varchar",
        "currency": "varchar",
        "won_date": "varchar",
        "tells_won_date": "boolean",
        "leads_from_deals": "boolean",
        "are_leads_staged": "boolean",
        "lead_converted_means": "varchar",
        "delivery": "varchar",
        "amounts_include_vat": "boolean",
        "is_vat_in_doubt": "boolean",
    }
    sources = [
        {
            "source_name": name,
            "system": source.system,
            "source_order": order,
            "timezone": workspace.source_timezone(name),
            "currency": workspace.source_currency(name),
            "won_date": source.won_date or CONTRACTS[source.system].won_date,
            "tells_won_date": _tells_won_date(name, source, landed),
            "leads_from_deals": _leads_from_deals(name, source, landed),
            "are_leads_staged": CONTRACTS[source.system].leads_from_deals == "staged",
            "lead_converted_means": source.lead_converted_means
            or CONTRACTS[source.system].lead_converted_means,
            "delivery": source.delivery,
            "amounts_include_vat": source.amounts_include_vat,
            "is_vat_in_doubt": CONTRACTS[source.system].is_vat_in_doubt,
        }
        for order, (name, source) in enumerate(config.sources.items(), start=1)
    ]
    _table(connection, "workspace__sources", columns, sources)
    aliases = [
        {"subject": subject, "spelling": spelling, "name": name}
        for subject, pairs in config.aliases.items()
        for spelling, name in pairs.items()
    ]
    given = {
        "workspace__stages": [rule.model_dump() for rule in config.stages],
        "workspace__aliases": aliases,
        "workspace__loss_reasons": [rule.model_dump() for rule in config.loss_reasons],
        "workspace__lead_statuses": _with_defaults(
            workspace, [rule.model_dump() for rule in config.lead_statuses], "status", "outcome"
        ),
        "workspace__activity_types": _with_defaults(
            workspace, [rule.model_dump() for rule in config.activity_types], "type", "kind"
        ),
    }
    for name, rows in given.items():
        kinds = {column: _TYPES.get(column, "varchar") for column in _MODE_COLUMNS[name]}
        _table(connection, name, kinds, rows)
    import pyarrow as pa

    days = calendar_rows(workspace)
    calendar = pa.table(  # noqa: F841 - DuckDB reads it by its name
        {"day": [day for day, _ in days], "is_working": [is_working for _, is_working in days]}
    )
    connection.execute(
        "create or replace table raw.workspace__calendar as select day, is_working from calendar"
    )


def _sql_type(name: str, value: Any) -> str:
    if name in {"offset_valid_from", "known_by"}:
        return "timestamp"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or name == "utc_offset_seconds":
        return "bigint"
    if isinstance(value, float):
        return "double"
    return "date" if isinstance(value, date) else "varchar"


def _published_before(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    """Remember what is published: the revenue of each complete period of the company."""
    connection.execute(
        "create or replace table raw.published_before "
        "(as_of date, period_grain varchar, period_start date, period_end date, "
        "booked_revenue decimal(38, 4))"
    )
    path = workspace.published / "kpi.duckdb"
    if not path.exists():
        return
    with opened_published(path.resolve()) as published:
        rows = published.execute(
            "select (select max(as_of) from ops.runs), period_grain, period_start, "
            "period_end, cast(numerator as decimal(38, 4)) from marts.kpi_values "
            "where scope_type = 'company' and kpi_code = 'booked_revenue' "
            "and is_complete and period_grain <> 'day'"
        ).fetchall()
    if rows:
        connection.executemany("insert into raw.published_before values (?, ?, ?, ?, ?)", rows)


def _quoted(value: Path | str) -> str:
    return "'" + str(value).replace("'", "''") + "'"
