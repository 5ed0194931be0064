"""Reading what is published: the one way in for everything that looks at a release.

What belongs here: opening the published file, and saying so where there is none. What does not:
what is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from dagster_project.errors import WorkspaceError
from dagster_project.settings import Workspace


@contextmanager
def opened_release(workspace: Workspace, doing: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the newest release read-only; a release that is swapped meanwhile is not seen.

    Raises:
        WorkspaceError: Nothing is published.
    """
    path = workspace.published / "kpi.duckdb"
    if not path.exists():
        raise WorkspaceError(
            doing,
            found="nothing published",
            expected="a release",
            where=str(path),
            remedy="run `kpi run` first",
        )
    with duckdb.connect(str(path.resolve()), read_only=True) as release:
        yield release
