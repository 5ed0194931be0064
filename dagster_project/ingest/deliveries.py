"""Which delivery of a file counts: what was seen first when, and what replaces what.

What belongs here: the append-only record in state/deliveries and the choice of active versions.
What does not: reading files.

Source: the same content loads once, as its newest delivery where paths tell a time; the same path
with new content is a new version, which upserts keyed records and replaces rows without a key; a
path that vanished withdraws its rows. A path whose earlier content comes back is delivered again.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.canonical import ROW_ID
from dagster_project.errors import PipelineError
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
    after ``known_by``). ``first_seen``: since when the path has had this content.
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


Sightings = dict[tuple[str, str, str], list[datetime]]
"""(source, file name, sha256) -> instants, UTC, at which the path came to have this content."""


def sightings(workspace: Workspace) -> Sightings:
    """Return what was ever seen, each content's instants in their order."""
    folder = workspace.state / "deliveries"
    seen: Sightings = {}
    if folder.is_dir():
        for path in sorted(folder.glob("*.parquet")):
            for row in _kept(path):
                key = (row["source_name"], row["file_name"], row["file_sha256"])
                seen.setdefault(key, []).append(row["first_seen"])
    return {key: sorted(set(times)) for key, times in seen.items()}


def record_deliveries(workspace: Workspace, found: Discovered) -> Sightings:
    """Append what is new to state/deliveries: a path's content that it did not have before.

    Returns:
        All that was ever seen, each content's instants in their order.
    """
    seen = sightings(workspace)
    now = datetime.now(UTC).replace(tzinfo=None)
    standing = _standing(seen)
    new = {
        key: c.content.size
        for c in found.claims
        for key in [_key(c)]
        if standing.get(key[:2]) != key[2]
    }
    if new:
        rows = [
            dict(zip(SCHEMA.names, (*key, size, now), strict=True)) for key, size in new.items()
        ]
        folder = workspace.state / "deliveries"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{now:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:6]}.parquet"
        beside = folder / f".{name}.new"
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), beside)
        beside.rename(folder / name)
        for key in new:
            seen.setdefault(key, []).append(now)
    return seen


def _kept(path: Path) -> list[dict[str, Any]]:
    try:
        return pq.read_table(path).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise PipelineError(
            "reading when which content was first seen",
            found=f"a record that cannot be read: {error}",
            expected="a file of state/ as a run wrote it",
            where=str(path),
            remedy="restore it from a backup of state/; without one remove this file: the "
            "contents that it told of then count as first seen by the next run",
        ) from error


def _standing(seen: Sightings) -> dict[tuple[str, str], str]:
    """Return the content that each path had last."""
    newest: dict[tuple[str, str], tuple[datetime, str]] = {}
    for (source, name, sha), times in seen.items():
        newest[source, name] = max((times[-1], sha), newest.get((source, name), (times[-1], sha)))
    return {path: sha for path, (_, sha) in newest.items()}


def choose_versions(workspace: Workspace, found: Discovered, seen: Sightings) -> list[Delivery]:
    """Decide which version of which file counts in this run.

    Returns:
        Deliveries, also of files that are left out, each with its role.
    """
    by_then = {
        key: known
        for key, times in seen.items()
        if (known := [t for t in times if not workspace.known_by or t <= workspace.known_by])
    }
    standing = _standing(by_then)
    chosen: list[Delivery] = []
    counted = _one_of_each_content(workspace, found, by_then)
    loaded = set(counted)
    for claim in sorted(found.claims, key=lambda c: (_since(c, seen), *_name_order(c))):
        key = _key(claim)
        table = claim.table.relation
        is_standing = standing.get(key[:2]) == key[2]
        if key not in by_then:
            role = "later"
        elif counted[_content(claim)] is not claim:
            role = "duplicate"
        elif is_standing:
            role = "active"
        else:  # the path had another content by then
            role = "superseded" if _keeps(workspace, claim) else "later"
        chosen.append(_delivery(workspace, claim, *key, _since(claim, by_then, seen), role))
        if not _keeps(workspace, claim):
            if not is_standing:
                chosen += _last_known(workspace, claim, by_then, loaded)
            continue
        for (source, name, sha), times in by_then.items():
            is_older = (source, name) == (claim.source_name, claim.file_name)
            if not is_older or sha == claim.content.sha256 or (source, table, sha) in loaded:
                continue
            loaded.add((source, table, sha))
            chosen.append(_delivery(workspace, claim, source, name, sha, times[-1], "superseded"))
    return chosen


def _key(claim: Claim) -> tuple[str, str, str]:
    return claim.source_name, claim.file_name, claim.content.sha256


def _content(claim: Claim) -> tuple[str, str, str]:
    return claim.source_name, claim.table.relation, claim.content.sha256


def _name_order(claim: Claim) -> tuple[int, str]:
    return len(claim.file_name), claim.file_name


def _since(claim: Claim, *known: Sightings) -> datetime:
    """Return since when the path has had its content, by the first record that knows it."""
    return next(seen[_key(claim)][-1] for seen in known if _key(claim) in seen)


def _keeps(workspace: Workspace, claim: Claim) -> bool:
    return keeps_older_versions(claim, is_full=is_declared_full(workspace, claim))


def is_declared_full(workspace: Workspace, claim: Claim) -> bool:
    """Tell whether a file is part of a delivery that lacks no record of its entity."""
    source = workspace.config.sources[claim.source_name]
    return (claim.reading.delivery or source.delivery) == "full"


def _one_of_each_content(
    workspace: Workspace, found: Discovered, by_then: Sightings
) -> dict[tuple[str, str, str], Claim]:
    """Return, of files with the same content, the one that counts.

    The newest by the time in its path, so that a state which comes back is the newest again. Where
    no path tells a time, a copy changes nothing: the first seen; of full deliveries the last seen,
    since a delivery without one of its files would lack that file's records.
    """
    alike: dict[tuple[str, str, str], list[Claim]] = {}
    for claim in sorted(found.claims, key=_name_order):
        if _key(claim) in by_then:
            alike.setdefault(_content(claim), []).append(claim)
    return {content: _newest(workspace, claims, by_then) for content, claims in alike.items()}


def _newest(workspace: Workspace, claims: list[Claim], by_then: Sightings) -> Claim:
    pattern = workspace.config.sources[claims[0].source_name].observed_pattern
    told = {id(c): str(_instant_in(pattern, c.file_name) or "") for c in claims}
    newest = [c for c in claims if told[id(c)] == max(told.values())]
    wanted = max if is_declared_full(workspace, claims[0]) else min
    return wanted(newest, key=lambda c: _since(c, by_then))


def _last_known(
    workspace: Workspace, claim: Claim, by_then: Sightings, loaded: set
) -> list[Delivery]:
    """Return the version of a path that counted at ``known_by``, where its landing remains."""
    older = [
        (times[-1], sha)
        for (source, name, sha), times in by_then.items()
        if (source, name) == (claim.source_name, claim.file_name) and sha != claim.content.sha256
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
    pattern = workspace.config.sources[source_name].observed_pattern
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
    text = match.group(1) if match else None
    if not text:  # no match, or one whose group took no part
        return None
    for form in ("%Y-%m-%d", "%Y%m%d", "%Y-%m-%dT%H%M%S", "%Y-%m-%dT%H:%M:%S", "%Y%m%dT%H%M%S"):
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None
