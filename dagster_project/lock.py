"""One writer of a workspace at a time, and who it is.

What belongs here: the lock file. What does not: DuckDB's own lock, which this one stands before so
that the second process gets a sentence instead of an I/O error.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.errors import WarehouseBusy
from dagster_project.settings import Workspace


@contextlib.contextmanager
def writing(workspace: Workspace, doing: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the workspace for writing.

    Args:
        workspace: The workspace.
        doing: What the holder does, shown to whoever comes second.
        wait: Wait for the other writer instead of refusing.

    Raises:
        WarehouseBusy: Another process holds it; says which, since when and what it does.
    """
    with holding(workspace.warehouse / "writer.lock", "the warehouse", doing, wait=wait):
        yield


def is_written(workspace: Workspace) -> bool:
    """Tell whether a process holds the workspace for writing now; takes nothing itself."""
    path = workspace.warehouse / "writer.lock"
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open(encoding="utf-8") as handle:  # what a killed process left is no hold
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextlib.contextmanager
def holding(path: Path, what: str, doing: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock file.

    Args:
        path: The lock file.
        what: What it stands for, shown to whoever comes second.
        doing: What the holder does, shown likewise.
        wait: Wait for the other holder instead of refusing.

    Raises:
        WarehouseBusy: Another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not wait:
                    raise _busy(path, what, doing) from None
                time.sleep(0.2)
        handle.truncate(0)
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "doing": doing,
        }
        handle.write(json.dumps(holder))
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)
            fcntl.flock(handle, fcntl.LOCK_UN)


def _busy(path: Path, what: str, doing: str) -> WarehouseBusy:
    try:
        with path.open(encoding="utf-8") as handle:
            holder = json.loads(handle.read() or "{}")
    except json.JSONDecodeError:
        holder = {}
    who = (
        f"process {holder['pid']} on {holder['host']}, which began to {holder['doing']} at "
        f"{holder['since']}"
        if holder
        else "another process"
    )
    return WarehouseBusy(
        f"beginning to {doing}",
        found=f"{what} is held by {who}",
        expected="one writer at a time",
        where=str(path),
        remedy="wait until it ends" + (", or give --wait" if what == "the warehouse" else ""),
    )
