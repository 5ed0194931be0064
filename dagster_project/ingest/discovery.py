"""What lies in raw/: which file holds which entity, and a fingerprint of each file's content.

What belongs here: walking the sources' folders, matching patterns, hashing. What does not: opening
a file as a table (readers, landing) or deciding which version counts (deliveries).
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.configuration import EntityMapping
from dagster_project.errors import PipelineError
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
    """One delivered file that holds one entity of a source."""

    source_name: str
    entity: str
    mapping: EntityMapping
    path: Path
    file_name: str
    content: Content
    stamp: tuple[int, int]


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
    """All that was found: claimed files, refused ones, and files no pattern names."""

    claims: list[Claim] = field(default_factory=list)
    rejected: list[RejectedFile] = field(default_factory=list)
    unclaimed: list[tuple[str, str]] = field(default_factory=list)


def discover(workspace: Workspace, *, rehash: bool = False) -> Discovered:
    """Find and fingerprint every delivered file of every source.

    Args:
        workspace: The workspace.
        rehash: Do not trust the remembered fingerprints of files with unchanged size and time.

    Returns:
        Claims in the order of sources and file names.

    Raises:
        PipelineError: A source's folder cannot be read.
    """
    cache_path = workspace.warehouse / "file_hashes.json"
    cache = {} if rehash else _read_cache(cache_path)
    fresh: dict[str, list] = {}
    found = Discovered()
    for source_name, source in workspace.config.sources.items():
        folder = workspace.source_folder(source_name)
        for path in _files_below(folder):
            file_name = _shown(path, workspace.directory)
            within = path.relative_to(folder).as_posix()
            entities = [
                (entity, mapping)
                for entity, mapping in source.entities.items()
                if any(_matches(within, pattern) for pattern in mapping.files)
            ]
            if not entities:
                found.unclaimed.append((source_name, file_name))
                continue
            refusal = _refusal(path, workspace.directory)
            if refusal:
                found.rejected += [
                    RejectedFile(source_name, entity, file_name, "", 0, *refusal)
                    for entity, _ in entities
                ]
                continue
            status = path.stat()
            stamp = (status.st_size, status.st_mtime_ns)
            known = cache.get(file_name)
            if known and tuple(known[0]) == stamp:
                content = Content(*known[1])
            else:
                content = fingerprint(path)
            fresh[file_name] = [stamp, list(vars(content).values())]
            found.claims += [
                Claim(source_name, entity, mapping, path, file_name, content, stamp)
                for entity, mapping in entities
            ]
    if fresh != cache:
        _write_cache(cache_path, fresh)
    return found


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


def _matches(within: str, pattern: str) -> bool:
    """Match case-insensitively; a pattern without a slash matches the name in any folder."""
    name = within if "/" in pattern else within.rsplit("/", 1)[-1]
    return fnmatch.fnmatchcase(name.casefold(), pattern.casefold())


def _refusal(path: Path, directory: Path) -> tuple[str, str] | None:
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
    return path.relative_to(directory).as_posix() if path.is_relative_to(directory) else str(path)


def _read_cache(path: Path) -> dict[str, list]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _write_cache(path: Path, cache: dict[str, list]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(cache, ensure_ascii=False), encoding="utf-8")
    beside.replace(path)
