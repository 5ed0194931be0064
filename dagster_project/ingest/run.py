"""One ingestion: discover, choose versions, land what is new, and write raw whole.

What belongs here: the order of the steps and what is remembered of rejected files. What does not:
how a file is read (landing) or which rows are right (staging, gates).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb

from dagster_project.canonical import ROW_ID
from dagster_project.checkpoints import reached
from dagster_project.errors import SourceFileError
from dagster_project.ingest.deliveries import (
    Delivery,
    choose_versions,
    is_declared_full,
    record_deliveries,
)
from dagster_project.ingest.discovery import Discovered, discover, reason_of
from dagster_project.ingest.landing import Landed, land, landing_key, read_landed
from dagster_project.ingest.page_chains import Page, is_whole
from dagster_project.ingest.raw import constant_offset, write_raw
from dagster_project.ingest.versions import keep_version
from dagster_project.settings import Workspace, fingerprint_file


@dataclass
class IngestResult:
    """What one ingestion did.

    Units: counts of files and rows; ``load_id`` names exactly these contents, settings and day.
    """

    load_id: str
    files: list[dict[str, Any]] = field(default_factory=list)
    unclaimed: list[tuple[str, str]] = field(default_factory=list)
    landed_now: int = 0

    @property
    def rejected(self) -> list[dict[str, Any]]:
        """Files that could not be read as what they are mapped to."""
        return [row for row in self.files if row["status"] == "rejected"]

    @property
    def rows_seen(self) -> int:
        """Rows of all files that count."""
        return sum(r["rows_seen"] or 0 for r in self.files if r["status"] in COUNTING)


COUNTING = ("loaded", "superseded")
_TOLD_BY_THE_RUN = ("_loaded_at", "_batch_id")


def inputs_signature(workspace: Workspace, found: Discovered | None = None) -> str:
    """Return the fingerprint of everything that figures depend on, before anything is read.

    The same file contents under the same names, settings, day, code and key of personal data give
    the same signature.
    """
    found = found or discover(workspace)
    key = fingerprint_file(workspace)
    told = {
        "files": sorted(
            (c.source_name, c.table.relation, c.file_name, c.content.sha256) for c in found.claims
        ),
        "rejected": sorted((r.entity, r.file_name, r.reason_code) for r in found.rejected),
        "empty": sorted((source, name) for source, name, _ in found.empty),
        "settings": workspace.settings_hash,
        "as_of": str(workspace.as_of),
        "first_incomplete_on": str(workspace.first_incomplete_on),
        "known_by": str(workspace.known_by),
        "code": workspace.code_version,
        "key": key.read_text(encoding="ascii") if key.exists() else "",
        "pay": pay_files(workspace),
    }
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()  # names of bonus/ may be no UTF-8


def pay_files(workspace: Workspace) -> list[tuple[str, str]]:
    """Return name and fingerprint of what pay depends on beside delivered files."""
    paths = [p for p in workspace.bonus.rglob("*") if p.is_file()]
    paths += workspace.closed.glob("*/r*/manifest.json")
    return [
        (
            path.relative_to(workspace.directory).as_posix(),
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(paths)
    ]


def ingest(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    *,
    full_refresh: bool = False,
) -> IngestResult:
    """Bring every delivered file into raw, or say why not.

    Args:
        workspace: The workspace.
        connection: The warehouse, open for writing.
        full_refresh: Hash and land every file anew.

    Returns:
        One mapping per delivered file and entity, and the load's id.

    Raises:
        OSError: The disk is full or not writable; raw stays as it was.
    """
    found = discover(workspace, rehash=full_refresh)
    signature = inputs_signature(workspace, found)
    seen = record_deliveries(workspace, found)
    deliveries = choose_versions(workspace, found, seen)
    outcome = IngestResult(load_id="", unclaimed=found.unclaimed)
    landings: list[tuple[Delivery, Landed]] = []
    reader = duckdb.connect(config=reader_config(workspace))
    reader.execute("set enable_progress_bar = false")
    try:
        for delivery in deliveries:
            row, landed, is_new = _land_one(workspace, delivery, reader, full_refresh)
            outcome.files.append(row)
            outcome.landed_now += is_new
            if landed is not None:
                landings.append((delivery, landed))
    finally:
        reader.close()
    outcome.files += [
        {
            "source_name": source_name,
            "entity": "unknown",
            "file_name": file_name,
            "file_sha256": content.sha256,
            "size": content.size,
            "status": "empty",
            "reason_code": "no_records",
            "reason": "an empty page: an envelope without any record",
        }
        for source_name, file_name, content in found.empty
    ]
    outcome.files += [
        {
            "source_name": r.source_name,
            "entity": r.entity,
            "file_name": r.file_name,
            "file_sha256": r.sha256,
            "size": r.size,
            "status": "rejected",
            "reason_code": r.reason_code,
            "reason": r.reason,
        }
        for r in found.rejected
    ]
    open_chains = _open_chains(workspace, landings)
    for delivery, landed in landings:
        if _chain_of(delivery) in open_chains:
            _note_open_chain(outcome.files, delivery, landed)
    _remember_last_events(outcome.files)
    reached("landed")
    now = datetime.now(UTC).replace(tzinfo=None)
    outcome.load_id = _load_id(workspace, outcome.files)
    rows = [
        _landed_row(workspace, d, x, outcome.load_id, now)
        | ({"_is_full_delivery": False} if _chain_of(d) in open_chains else {})
        for d, x in landings
    ]
    for row in rows:
        row["landing_key"] = _key_with_lineage(row)
    keys = {(r["table_name"], r["_source_file"], r["_file_sha256"]): r["landing_key"] for r in rows}
    for file in outcome.files:
        if "landing_key" in file:
            file["landing_key"] = keys[file["table_name"], file["file_name"], file["file_sha256"]]
    write_raw(
        connection,
        workspace,
        landed=rows,
        files=outcome.files,
        refused_files=[
            (row["landing_key"], d.entity, workspace.landing / f"{x.landing_key}.refused.parquet")
            for row, (d, x) in zip(rows, landings, strict=True)
            if x.rows_refused
        ],
        load={
            "load_id": outcome.load_id,
            "signature": signature,
            "loaded_at": now,
            "as_of": workspace.as_of,
            "known_by": workspace.known_by,
            "settings_hash": workspace.settings_hash,
            "code_version": workspace.code_version,
        },
    )
    _write_quarantine(workspace, outcome)
    reached("raw_written")
    return outcome


def reader_config(workspace: Workspace) -> dict[str, Any]:
    """Return DuckDB's settings for reading files: no extension is ever fetched."""
    config: dict[str, Any] = {"autoinstall_known_extensions": "false", "threads": "2"}
    if workspace.config.settings.memory_limit:
        config["memory_limit"] = workspace.config.settings.memory_limit
    return config


def _land_one(
    workspace: Workspace,
    delivery: Delivery,
    reader: duckdb.DuckDBPyConnection,
    full_refresh: bool,
) -> tuple[dict[str, Any], Landed | None, int]:
    claim = delivery.claim
    tuning = workspace.config.settings
    row: dict[str, Any] = {
        "source_name": delivery.source_name,
        "entity": delivery.entity,
        "table_name": claim.table.relation,
        "file_name": delivery.file_name,
        "file_sha256": delivery.file_sha256,
        "first_seen": delivery.first_seen,
        "status": {"active": "loaded"}.get(delivery.role, delivery.role),
    }
    if delivery.file_sha256 == claim.content.sha256:
        row["size"] = claim.content.size
    if delivery.role in ("duplicate", "later"):
        return row, None, 0
    key = landing_key(claim, delivery.file_sha256, tuning)
    is_older = delivery.file_sha256 != claim.content.sha256
    landed = None if full_refresh and not is_older else read_landed(workspace.landing, key)
    if is_older:
        landed = keep_version(landed, claim, delivery.file_sha256, workspace)
    is_new = 0
    if landed is None:
        if is_older:
            row |= {
                "status": "superseded_unreadable",
                "reason_code": "version_lost",
                "reason": "found: an earlier content of this file, of which neither the landing "
                "nor the copy in state/versions is left; expected: that its records still count; "
                "do next: deliver that content again under a name of its own",
            }
            return row, None, 0
        try:
            landed, is_new = land(claim, key, tuning, workspace.landing, reader), 1
        except SourceFileError as error:
            row |= {
                "status": "rejected",
                "reason_code": error.reason_code,
                "reason": reason_of(error),
            }
            return row, None, 0
    observed = delivery.path_observed_at or _parsed(landed.last_updated_at) or delivery.first_seen
    row |= {
        "landing_key": landed.landing_key,
        "reader": landed.reader,
        "observed_at": observed,
        "is_order_dependent": not (delivery.path_observed_at or landed.last_updated_at),
        "columns_delivered": landed.columns_delivered,
        "columns_unread": ", ".join(landed.columns_unread) or None,
        "columns_unread_count": len(landed.columns_unread),
        "rows_seen": landed.rows_seen,
        "rows_landed": landed.rows_landed,
        "rows_refused": landed.rows_refused,
        "rows_blank": landed.rows_blank,
        "rows_total_lines": landed.rows_total_lines,
        "amount_seen": landed.amount_seen,
        "amount_total_line": landed.amount_total_line,
        "last_event_on": landed.last_event_on,
    }
    return row, landed, is_new


def _chain_of(delivery: Delivery) -> tuple[str, str, str]:
    return delivery.source_name, delivery.claim.table.relation, delivery.delivery_id


def _open_chains(
    workspace: Workspace, landings: list[tuple[Delivery, Landed]]
) -> set[tuple[str, str, str]]:
    """Return the deliveries that are declared full and whose pages leave something out."""
    chains: dict[tuple[str, str, str], list[Page]] = {}
    for delivery, landed in landings:
        if is_declared_full(workspace, delivery.claim) and delivery.role == "active":
            pages = [Page(**page) for page in landed.pages]
            chains.setdefault(_chain_of(delivery), []).extend(pages)
    return {chain for chain, pages in chains.items() if not is_whole(pages)}


def _note_open_chain(files: list[dict[str, Any]], delivery: Delivery, landed: Landed) -> None:
    for row in files:
        if row.get("landing_key") == landed.landing_key and row["file_name"] == delivery.file_name:
            row["reason_code"] = "pages_missing"
            row["reason"] = (
                "found: pages of a list that leave some of it out; expected: every page of a "
                "delivery that is declared full; its records count, and none is taken for deleted; "
                "do next: deliver the whole list again"
            )


def _parsed(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _remember_last_events(files: list[dict[str, Any]]) -> None:
    """Put beside each file the newest event that an earlier content of its name held."""
    for row in files:
        if row["status"] != "loaded":
            continue
        before = [
            other["last_event_on"]
            for other in files
            if other["file_name"] == row["file_name"]
            and other["entity"] == row["entity"]
            and other["status"] == "superseded"
            and other.get("last_event_on")
            and other["first_seen"] < row["first_seen"]
        ]
        row["last_event_before"] = max(before, default=None)


def _load_id(workspace: Workspace, files: list[dict[str, Any]]) -> str:
    told = [
        sorted(
            [r["source_name"], r["entity"], r["file_name"], r["file_sha256"] or "", r["status"]]
            for r in files
        ),
        workspace.settings_hash,
        str(workspace.as_of),
        str(workspace.first_incomplete_on),
        str(workspace.known_by),
        workspace.code_version,
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:16]


def _landed_row(
    workspace: Workspace, delivery: Delivery, landed: Landed, load_id: str, now: datetime
) -> dict[str, Any]:
    source = workspace.config.sources[delivery.source_name]
    reading = delivery.claim.reading
    is_utc = reading.is_utc and source.timezone is None
    zone = "UTC" if is_utc else workspace.source_timezone(delivery.source_name)
    seconds, valid_from = constant_offset(zone)
    observed = delivery.path_observed_at or _parsed(landed.last_updated_at) or delivery.first_seen
    return {
        "landing_key": landed.landing_key,
        "landing_file": str(workspace.landing / f"{landed.landing_key}.parquet"),
        "entity": delivery.entity,
        "table_name": delivery.claim.table.relation,
        "source_name": delivery.source_name,
        "_timezone": zone,
        "_utc_offset_seconds": seconds,
        "_offset_valid_from": valid_from,
        "_default_currency": workspace.source_currency(delivery.source_name),
        "_money_factor": Decimal(1) / (landed.money_divisor or reading.money_divisor),
        "_won_date": source.won_date,
        "_is_row_id": ROW_ID in reading.columns.values(),
        "_source_file": delivery.file_name,
        "_file_sha256": delivery.file_sha256,
        "_loaded_at": now,
        "_observed_at": observed,
        "_delivery_id": delivery.delivery_id,
        "_is_full_delivery": is_declared_full(workspace, delivery.claim),
        "_batch_id": load_id,
        "row_offset": landed.row_offset,
        "columns": landed.columns,
        "orders": landed.orders,
        "decimals": landed.decimals,
    }


def _key_with_lineage(row: dict[str, Any]) -> str:
    """Return a landing's name with what its rows carry of the delivery.

    Rows are staged by this key: a file that was renamed, or that another delivery brought, is
    staged anew, so that what is staged says where it stands now.
    """
    told = {c: v for c, v in row.items() if c.startswith("_") and c not in _TOLD_BY_THE_RUN}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, default=str)
    return f"{row['landing_key']}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _write_quarantine(workspace: Workspace, outcome: IngestResult) -> None:
    """Keep the reason of each rejected file where its sender can read it."""
    folder = workspace.quarantine
    folder.mkdir(parents=True, exist_ok=True)
    current = set()
    for row in outcome.rejected:
        stem, ending = row["file_name"].replace("/", "__"), f".{row['entity']}.txt"
        if len((stem + ending).encode()) > 255:  # what a file system takes; a mark keeps it apart
            ending = f".{hashlib.sha256(stem.encode()).hexdigest()[:12]}{ending}"
            stem = stem.encode()[: 255 - len(ending)].decode(errors="ignore")
        name = stem + ending
        current.add(name)
        text = f"{row['file_name']} ({row['entity']}): {row['reason_code']}\n{row['reason']}\n"
        (folder / name).write_text(text, encoding="utf-8")
    for path in folder.glob("*.txt"):
        if path.name not in current:
            path.unlink()
