"""What lies in raw/: which file holds which entity, and a fingerprint of each file's content.

What belongs here: walking the sources' folders, matching patterns, hashing. What does not: opening
a file as a table (readers, landing) or deciding which version counts (deliveries).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster_project.configuration import SourceConfig
from dagster_project.errors import PipelineError, SourceFileError, WorkspaceError
from dagster_project.ingest.contracts import CONTRACTS, TABLES, Contract, Table
from dagster_project.ingest.reading import Reading
from dagster_project.ingest.recognition import (
    check_overlays,
    matches,
    overlay_of,
    plain_reading,
    recognise,
)
from dagster_project.ingest.target_sheets import target_sheet
from dagster_project.masks import without_contacts
from dagster_project.settings import Workspace

_CHUNK = 1 << 22


@dataclass(frozen=True)
class Content:
    """A file's content as counted while it was hashed.

    Units: ``size`` in bytes; ``newlines`` counts LF; ``ends_open`` tells a last line without LF.
    """

    sha256: str
    size: int
    newlines: int
    returns: int
    nuls: int
    ends_open: bool


@dataclass(frozen=True)
class Claim:
    """One delivered file that holds one table of a source.

    ``reading`` is how this content is read; ``recipe`` what decides that for every content of the
    path: the table's contract and what workspace.yml lays over it.
    """

    source_name: str
    table: Table
    reading: Reading
    recipe: dict[str, Any]
    path: Path
    file_name: str
    content: Content
    stamp: tuple[int, int]

    @property
    def entity(self) -> str:
        """What its rows are counted as."""
        return self.table.entity


@dataclass(frozen=True)
class RejectedFile:
    """One file that cannot be used, and why, in words for its sender."""

    source_name: str
    entity: str
    file_name: str
    sha256: str
    size: int
    reason_code: str
    reason: str


@dataclass
class Discovered:
    """All that was found: claimed files, refused ones, and those that nobody reads."""

    claims: list[Claim] = field(default_factory=list)
    rejected: list[RejectedFile] = field(default_factory=list)
    unclaimed: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    empty: list[tuple[str, str, Content]] = field(default_factory=list)


def discover(workspace: Workspace, *, rehash: bool = False) -> Discovered:
    """Find and fingerprint every delivered file of every source.

    Args:
        workspace: The workspace.
        rehash: Do not trust the remembered fingerprints of files with unchanged size and time.

    Returns:
        Claims in the order of sources and file names.

    Raises:
        PipelineError: A source's folder cannot be read.
        WorkspaceError: Two sources read one file as the same entity.
    """
    cache_path = workspace.warehouse / "file_hashes.json"
    cache = {} if rehash else _read_cache(cache_path)
    fresh: dict[str, list] = {}
    recognised_path = workspace.warehouse / "recognised_files.json"
    recognised = {} if rehash else _read_cache(recognised_path)
    known: dict[str, Any] = {}
    found = Discovered()
    for source_name, source in workspace.config.sources.items():
        contract = CONTRACTS[source.system]
        if contract.system != "files":
            check_overlays(
                source_name, source, contract, str(workspace.directory / "workspace.yml")
            )
        folder = workspace.source_folder(source_name)
        for path in _files_below(folder):
            file_name = _shown(path, workspace.directory)
            within = path.relative_to(folder).as_posix()
            is_ignored = any(matches(within, pattern) for pattern in source.ignore)
            tables = [] if is_ignored else _pinned_tables(source, contract, within)
            if is_ignored:
                found.ignored.append((source_name, file_name))
                continue
            if contract.system == "files" and not tables:
                found.unclaimed.append((source_name, file_name))
                continue
            refusal = _refusal(path, workspace.directory)
            if refusal:
                names = [table.entity for table in tables] or ["unknown"]
                found.rejected += [
                    RejectedFile(source_name, name, file_name, "", 0, *refusal) for name in names
                ]
                continue
            status = path.stat()
            stamp = (status.st_size, status.st_mtime_ns)
            hashed = cache.get(file_name)
            if hashed and tuple(hashed[0]) == stamp:
                content = Content(*hashed[1])
            else:
                content = fingerprint(path)
            fresh[file_name] = [stamp, list(vars(content).values())]
            if contract.system == "files":
                for table in tables:
                    try:
                        claim = _plain_claim(
                            source_name, source, table, path, file_name, content, stamp
                        )
                    except SourceFileError as error:
                        reason = (content.sha256, content.size, error.reason_code, reason_of(error))
                        found.rejected.append(
                            RejectedFile(source_name, table.entity, file_name, *reason)
                        )
                    else:
                        found.claims.append(claim)
                continue
            key = f"{source_name}/{within}/{content.sha256}/{_recipe_mark(workspace, source)}"
            told = recognised.get(key) or _told(path, within, source, contract, file_name)
            known[key] = told
            _take(found, told, source_name, source, contract, path, file_name, content, stamp)
    _refuse_twice_read(found.claims, str(workspace.directory / "workspace.yml"))
    if fresh != cache:
        _write_cache(cache_path, fresh)
    if known != recognised:
        _write_cache(recognised_path, known)
    return found


def _refuse_twice_read(claims: list[Claim], where: str) -> None:
    """Refuse a file that two sources read as one entity: its records would count twice."""
    readers: dict[tuple[Path, str], str] = {}
    for claim in claims:
        path = claim.path.resolve()
        for entity in claim.table.feeds:
            other = readers.setdefault((path, entity), claim.source_name)
            if other != claim.source_name:
                raise WorkspaceError(
                    "looking for delivered files",
                    found=f"{claim.file_name}, read as {entity} by the sources {other} and "
                    f"{claim.source_name}",
                    expected="one source for a file, else its records count twice",
                    where=f"{where}: sources.{claim.source_name}",
                    remedy="give each source a folder of its own, or patterns that do not meet",
                )


def _pinned_tables(source: SourceConfig, contract: Contract, within: str) -> list[Table]:
    """Return the tables of the user's own files whose patterns match; any system's pins aside."""
    if contract.system != "files":
        return []
    return [
        contract.table(entity)
        for entity, mapping in source.entities.items()
        if any(matches(within, pattern) for pattern in mapping.files)
    ]


def _plain_claim(
    source_name: str,
    source: SourceConfig,
    table: Table,
    path: Path,
    file_name: str,
    content: Content,
    stamp: tuple[int, int],
) -> Claim:
    mapping = source.entities[table.name]
    recipe = {"entity": table.name, "mapping": mapping.model_dump(exclude={"files", "delivery"})}
    if table.entity == "targets":
        mapping = target_sheet(mapping, path, file_name)
    reading = plain_reading(mapping)
    return Claim(source_name, table, reading, recipe, path, file_name, content, stamp)


def _recipe_mark(workspace: Workspace, source: SourceConfig) -> str:
    """Return what recognition depends on beside the file: the code and the source's settings."""
    told = workspace.code_version + source.model_dump_json()
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _told(
    path: Path, within: str, source: SourceConfig, contract: Contract, file_name: str
) -> dict[str, Any]:
    """Recognise a file; the answer is plain data, so that it is remembered for its content."""
    try:
        found = recognise(path, within, source, contract, file_name)
    except SourceFileError as error:
        return {"reason_code": error.reason_code, "reason": reason_of(error)}
    if found is None:
        return {"is_empty": True}
    return {"table": found.table.relation, "reading": found.reading.model_dump()}


def _take(
    found: Discovered,
    told: dict[str, Any],
    source_name: str,
    source: SourceConfig,
    contract: Contract,
    path: Path,
    file_name: str,
    content: Content,
    stamp: tuple[int, int],
) -> None:
    if "reason_code" in told:
        found.rejected.append(
            RejectedFile(
                source_name,
                "unknown",
                file_name,
                content.sha256,
                content.size,
                told["reason_code"],
                told["reason"],
            )
        )
    elif "is_empty" in told:
        found.empty.append((source_name, file_name, content))
    else:
        table = TABLES[told["table"]]
        overlay = overlay_of(source, contract, table)
        recipe = {"entity": table.relation, "contract": repr(table), "overlay": vars(overlay)}
        if table.may_be_micros:
            recipe["money_in_micros"] = source.money_in_micros
        reading = Reading(**told["reading"])
        found.claims.append(
            Claim(source_name, table, reading, recipe, path, file_name, content, stamp)
        )


def reason_of(error: SourceFileError) -> str:
    """Return why a file cannot be used, in one line for its sender; a header may hold anything."""
    parts = [f"found: {error.found}"]
    parts += [f"expected: {error.expected}"] if error.expected else []
    parts += [f"do next: {error.remedy}"] if error.remedy else []
    return without_contacts("; ".join(parts))


def fingerprint(path: Path) -> Content:
    """Hash a file and count its lines in one pass."""
    digest = hashlib.sha256()
    size = newlines = returns = nuls = 0
    last = b"\n"
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            newlines += chunk.count(b"\n")
            returns += chunk.count(b"\r")
            nuls += chunk.count(b"\0")
            last = chunk[-1:]
    return Content(digest.hexdigest(), size, newlines, returns, nuls, last != b"\n")


def is_unchanged(claim: Claim) -> bool:
    """Tell whether a file still has the size and time it had when it was hashed."""
    try:
        status = claim.path.stat()
    except FileNotFoundError:
        return False
    return (status.st_size, status.st_mtime_ns) == claim.stamp


def _files_below(folder: Path) -> list[Path]:
    if not folder.exists():
        return []

    def refuse(error: OSError) -> None:
        raise PipelineError(
            "looking for delivered files",
            found=f"a folder that cannot be read: {error.strerror}",
            expected="a folder this user may list",
            where=str(error.filename),
            remedy="give this user the right to read it",
        ) from error

    found = []
    for current, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        linked = [f for f in folders if (Path(current) / f).is_symlink()]
        found += [Path(current) / name for name in [*names, *linked] if _is_delivery(name)]
    return sorted(found)


def _is_delivery(name: str) -> bool:
    """Leave out what systems and editors drop beside deliveries."""
    is_droppings = name.startswith((".", "~$")) or name.lower() in {"thumbs.db", "desktop.ini"}
    return not is_droppings and not name.endswith((".part", ".crdownload", ".tmp"))


def _refusal(path: Path, directory: Path) -> tuple[str, str] | None:
    if not _is_utf8(path):
        return (
            "name_not_utf8",
            "found: a name of file or folder whose bytes are no UTF-8, as an archive of another "
            "system leaves them; expected: a name in UTF-8; do next: rename it",
        )
    target = path.resolve()
    if path.is_symlink() and not target.is_relative_to(directory.resolve()):
        return (
            "link_out_of_workspace",
            "a link that leads out of the workspace; put the file itself there",
        )
    if not target.is_file():
        return "no_file", "a link that leads nowhere, or to something that is no file"
    if not os.access(target, os.R_OK):
        return "unreadable_file", "this user may not read the file"
    return None


def _shown(path: Path, directory: Path) -> str:
    """Return a file's path below the workspace, bytes that are no UTF-8 as ``\\xcc``."""
    within = path.relative_to(directory) if path.is_relative_to(directory) else path
    return os.fsencode(within).decode("utf-8", "backslashreplace")


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _read_cache(path: Path) -> dict[str, Any]:
    """Return what an earlier run noted; nothing where it cannot be read, as it is found anew."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _write_cache(path: Path, cache: dict[str, Any]) -> None:
    """Note what was found, for the next time; who may not write finds it anew.

    Who looks takes no lock, so each process writes beside under a name of its own.
    """
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(cache, ensure_ascii=False), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
