"""What a pull leaves behind: whole files under raw/, and how far each object was read.

What belongs here: writing records as lines, moving a whole file in place, the cursor in
state/pull. What does not: asking for records.

Source: a file is written beside and moved in place when whole; the cursor follows only then, so a
pull that dies repeats the object and loses nothing. The cursor holds no secret.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from dagster_project.errors import WorkspaceError
from dagster_project.pull.transport import Number, Secrets

_STAMP = "%Y%m%dT%H%M%SZ"
_SECOND = timedelta(seconds=1)
_BREAKS = {"\u2028": "\\u2028", "\u2029": "\\u2029", "\x85": "\\u0085"}


@dataclass
class Delivery:
    """The files of one pull: ``<source folder>/<instant>/<object>.ndjson``.

    The folder appears with its first file; unfinished files stand in a hidden folder beside it,
    which ingestion passes over and the next pull empties.
    """

    folder: Path
    pulled_at: datetime
    secrets: Secrets
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        """Choose a name after those of all earlier deliveries and drop what a killed pull left.

        The name says which delivery is the newer, also where the clock was put back.

        Raises:
            WorkspaceError: A delivery is dated a day ahead; what is deleted would stay till then.
        """
        before = [instant for path in self.folder.glob("*Z") if (instant := _instant_of(path.name))]
        newest = max(before, default=self.pulled_at - _SECOND)
        if newest > self.pulled_at + timedelta(days=1):
            raise WorkspaceError(
                "choosing a folder for a pull",
                found=f"a delivery of a later day than this machine's clock, {newest:{_STAMP}}",
                expected="a clock that is right, and was",
                where=str(self.folder),
                remedy="put the clock right, or rename that folder to when it was pulled",
            )
        stamp = max(self.pulled_at, newest + _SECOND).strftime(_STAMP)
        self.path = self.folder / stamp
        self.drop_unfinished()

    @property
    def _beside(self) -> Path:
        return self.folder / ".pulling"

    def drop_unfinished(self) -> None:
        """Remove files that were not finished."""
        shutil.rmtree(self._beside, ignore_errors=True)

    @contextlib.contextmanager
    def file(self, name: str) -> Iterator[Lines]:
        """Yield a writer; move its file in place when the block ends well and there are lines."""
        self._beside.mkdir(parents=True, exist_ok=True)
        unfinished = self._beside / f"{name}.ndjson"
        with unfinished.open("w", encoding="utf-8", newline="\n") as handle:
            lines = Lines(handle, self.secrets)
            yield lines
            handle.flush()
            os.fsync(handle.fileno())
        if lines.count:
            self.path.mkdir(parents=True, exist_ok=True)
            unfinished.replace(self.path / unfinished.name)
            _sync_folder(self.path)
            lines.path = self.path / unfinished.name
        else:
            unfinished.unlink()


def _instant_of(name: str) -> datetime | None:
    """Return when the delivery of a folder was asked for; None: the folder is somebody else's."""
    try:
        return datetime.strptime(name, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None


class Lines:
    """Records as lines. A line that the page before held unchanged is not written again."""

    def __init__(self, handle: TextIO, secrets: Secrets) -> None:
        self._handle, self._secrets = handle, secrets
        self._before: set[str] = set()
        self.count = 0
        self.path: Path | None = None

    def write(self, records: list[dict[str, Any]]) -> None:
        """Write a page of records as the API gave them, less secrets that it echoes."""
        lines = dict.fromkeys(self._secrets.clean(line_of(record)) for record in records)
        for line in lines:
            if line not in self._before:
                self._handle.write(line + "\n")
                self.count += 1
        self._before = set(lines)


def line_of(record: dict[str, Any]) -> str:
    """Return a record as one line of JSON, numbers as the server wrote them."""
    line = _encode(record)
    for character, escaped in _BREAKS.items():
        line = line.replace(character, escaped)
    # half of a cut emoji is legal JSON as an escape, and no UTF-8 otherwise
    return line.encode("utf-8", "backslashreplace").decode("utf-8")


def _encode(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        parts = (f"{json.dumps(k, ensure_ascii=False)}:{_encode(v)}" for k, v in value.items())
        return "{" + ",".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_encode, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@dataclass
class Cursor:
    """How far each object of a source was read, in ``state/pull/<source>.json``.

    Shape: ``{"account": host, "objects": {object: {"covered_until": instant, "whole": file,
    "fields": names}}}``; ``covered_until`` is the server's instant at which the last reading BEGAN;
    ``whole`` is the file of the last reading of everything, which later ones add to (None: nothing
    came), and ``fields`` what workspace.yml asked for then (None: the object's own list).
    """

    path: Path
    account: str
    objects: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, path: Path, account: str, *, is_full: bool) -> Cursor:
        """Read the cursor of a source; none yet is an empty one.

        Raises:
            WorkspaceError: It belongs to another account, or is damaged.
        """
        if is_full or not path.exists():
            return cls(path, account, {})
        doing = "reading how far a source was pulled"
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            objects = {name: dict(entry) for name, entry in told["objects"].items()}
            for entry in objects.values():
                datetime.fromisoformat(entry["covered_until"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise WorkspaceError(
                doing,
                found="a damaged file",
                where=str(path),
                remedy="pull everything once with --full; the file is then written anew",
            ) from None
        if told.get("account") != account:
            raise WorkspaceError(
                doing,
                found=f"that the last pull was from {told.get('account')}, not from {account}",
                expected="the same account of the system",
                where=str(path),
                remedy="give the new account a source of its own, or pull it once with --full",
            )
        return cls(path, account, objects)

    def covered_until(self, name: str, folder: Path, fields: list[str] | None) -> datetime | None:
        """Return the instant up to which an object is in the source's folder; None: it is not.

        Where the file that later ones add to is gone, changes alone would pass for everything;
        where other fields were asked for, records that did not change would lack the new ones.
        """
        entry = self.objects.get(name)
        if entry is None or (entry.get("whole") and not (folder / entry["whole"]).is_file()):
            return None
        if entry.get("fields") != fields:
            return None
        return datetime.fromisoformat(entry["covered_until"])

    def advance(
        self,
        name: str,
        covered_until: datetime,
        *,
        is_whole: bool,
        file: str | None,
        fields: list[str] | None,
    ) -> None:
        """Note that an object was read, in one step on the disk."""
        whole = file if is_whole else self.objects[name].get("whole")
        covered = covered_until.isoformat()
        self.objects[name] = {"covered_until": covered, "whole": whole, "fields": fields}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        told = {"account": self.account, "objects": self.objects}
        with beside.open("w", encoding="utf-8") as handle:
            json.dump(told, handle, ensure_ascii=False, indent=2)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(self.path)
        _sync_folder(self.path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
