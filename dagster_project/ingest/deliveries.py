"""Which delivery of a file counts: what was seen first when, and what replaces what.

What belongs here: the append-only record in state/deliveries and the choice of active versions.
What does not: reading files.

Source: the same content loads once; the same path with new content is a new version, which
upserts keyed records and replaces rows without a key; a path that vanished withdraws its rows.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.canonical import ROW_ID
from dagster_project.ingest.discovery import Claim, Discovered
from dagster_project.settings import Workspace

SCHEMA = pa.schema(
    [
        ("source_name", pa.string()),
        ("file_name", pa.string()),
        ("file_sha256", pa.string()),
        ("size", pa.int64()),
        ("first_seen", pa.timestamp("us")),
    ]
)


@dataclass(frozen=True)
class Delivery:
    """One version of one file for one entity, and its part in this run.

    ``role``: ``active`` (loaded), ``superseded`` (an earlier content of the path whose records
    still count), ``duplicate`` (the same content under another name), ``later`` (first seen
    after ``known_by``).
    """

    claim: Claim | None
    source_name: str
    entity: str
    file_name: str
    file_sha256: str
    first_seen: datetime
    delivery_id: str
    role: str
    path_observed_at: datetime | None


def record_deliveries(workspace: Workspace, found: Discovered) -> dict[tuple, datetime]:
    """Append what is seen for the first time to state/deliveries; return when each was.

    Returns:
        (source, file name, sha256) -> instant first seen, UTC.
    """
    folder = workspace.state / "deliveries"
    seen: dict[tuple, datetime] = {}
    if folder.is_dir():
        for path in sorted(folder.glob("*.parquet")):
            for row in pq.read_table(path).to_pylist():
                key = (row["source_name"], row["file_name"], row["file_sha256"])
                seen[key] = min(row["first_seen"], seen.get(key, row["first_seen"]))
    now = datetime.now(UTC).replace(tzinfo=None)
    new = {
        (c.source_name, c.file_name, c.content.sha256): c.content.size
        for c in found.claims
        if (c.source_name, c.file_name, c.content.sha256) not in seen
    }
    if new:
        rows = [
            dict(zip(SCHEMA.names, (*key, size, now), strict=True)) for key, size in new.items()
        ]
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{now:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:6]}.parquet"
        beside = folder / f".{name}.new"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), beside)
        beside.rename(folder / name)
        seen |= dict.fromkeys(new, now)
    return seen


def choose_versions(
    workspace: Workspace, found: Discovered, seen: dict[tuple, datetime]
) -> list[Delivery]:
    """Decide which version of which file counts in this run.

    Returns:
        Deliveries, also of files that are left out, each with its role.
    """
    chosen: list[Delivery] = []
    loaded: set[tuple[str, str, str]] = set()
    for claim in sorted(
        found.claims,
        key=lambda c: (
            seen[c.source_name, c.file_name, c.content.sha256],
            len(c.file_name),
            c.file_name,
        ),
    ):
        key = (claim.source_name, claim.file_name, claim.content.sha256)
        is_later = workspace.known_by is not None and seen[key] > workspace.known_by
        table = claim.table.relation
        content_key = (claim.source_name, table, claim.content.sha256)
        role = "later" if is_later else "duplicate" if content_key in loaded else "active"
        if role == "active":
            loaded.add(content_key)
        chosen.append(_delivery(workspace, claim, *key, seen[key], role))
        source = workspace.config.sources[claim.source_name]
        is_full = (claim.reading.delivery or source.delivery) == "full"
        if not keeps_older_versions(claim, is_full=is_full):
            if is_later:
                chosen += _last_known(workspace, claim, seen, loaded)
            continue
        for (source, name, sha), first_seen in seen.items():
            is_older = (source, name) == (claim.source_name, claim.file_name)
            if not is_older or sha == claim.content.sha256:
                continue
            if (source, table, sha) in loaded:
                continue
            if workspace.known_by is not None and first_seen > workspace.known_by:
                continue
            loaded.add((source, table, sha))
            chosen.append(_delivery(workspace, claim, source, name, sha, first_seen, "superseded"))
    return chosen


def _last_known(
    workspace: Workspace, claim: Claim, seen: dict[tuple, datetime], loaded: set
) -> list[Delivery]:
    """Return the version of a path that counted at ``known_by``, where its landing remains."""
    older = [
        (first_seen, sha)
        for (source, name, sha), first_seen in seen.items()
        if (source, name) == (claim.source_name, claim.file_name)
        and first_seen <= workspace.known_by
    ]
    if not older:
        return []
    first_seen, sha = max(older)
    loaded.add((claim.source_name, claim.table.relation, sha))
    return [
        _delivery(
            workspace, claim, claim.source_name, claim.file_name, sha, first_seen, "superseded"
        )
    ]


def keeps_older_versions(claim: Claim, *, is_full: bool = False) -> bool:
    """Tell whether records of an earlier content of a path still count.

    Keyed records do: a later content upserts and never removes. Rows without a key of their own
    and spend are replaced whole. Targets are not forgotten: a goal that was changed is a new
    version of it, and both stay readable; only where they are declared full does a later content
    remove.
    """
    if claim.entity == "targets":
        return not is_full
    key = claim.table.key
    return key is not None and claim.reading.columns.get(key) not in (None, ROW_ID)


def _delivery(
    workspace: Workspace,
    claim: Claim,
    source_name: str,
    file_name: str,
    sha: str,
    first_seen: datetime,
    role: str,
) -> Delivery:
    folder = workspace.source_folder(source_name)
    within = claim.path.relative_to(folder).parts
    group = within[0] if len(within) > 1 else f"{first_seen:%Y-%m-%dT%H:%M:%S.%f}"
    pattern = workspace.config.sources[source_name].observed_at
    return Delivery(
        claim=claim,
        source_name=source_name,
        entity=claim.entity,
        file_name=file_name,
        file_sha256=sha,
        first_seen=first_seen,
        delivery_id=f"{source_name}/{group}",
        role=role,
        path_observed_at=_instant_in(pattern, file_name),
    )


def _instant_in(pattern: str | None, file_name: str) -> datetime | None:
    match = re.search(pattern, file_name) if pattern else None
    if not match:
        return None
    text = match.group(1)
    for form in ("%Y-%m-%d", "%Y%m%d", "%Y-%m-%dT%H%M%S", "%Y-%m-%dT%H:%M:%S", "%Y%m%dT%H%M%S"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None
