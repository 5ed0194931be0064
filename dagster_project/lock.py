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
    workspace.warehouse.mkdir(parents=True, exist_ok=True)
    path = workspace.warehouse / "writer.lock"
    with path.open("a+", encoding="utf-8") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not wait:
                    raise _busy(path, doing) from None
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


def _busy(path: os.PathLike[str], doing: str) -> WarehouseBusy:
    try:
        with open(path, encoding="utf-8") as handle:
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
        found=f"the warehouse is held by {who}",
        expected="one writer at a time",
        where=str(path),
        remedy="wait until it ends, or give --wait",
    )
