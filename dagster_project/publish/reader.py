"""Reading what is published: the one way in for everything that looks at a release.

What belongs here: opening the published file, and saying so where there is none. What does not:
what is asked of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dagster_project.database_files import opened_published
from dagster_project.errors import WorkspaceError
from dagster_project.settings import Workspace


@contextmanager
def opened_release(workspace: Workspace, doing: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the newest release read-only; a release that is swapped meanwhile is not seen.

    Raises:
        WorkspaceError: Nothing is published.
    """
    if not is_published(workspace):
        raise WorkspaceError(
            doing,
            found="nothing published",
            expected="a release",
            where=str(workspace.published / "kpi.duckdb"),
            remedy="run `kpi run` first",
        )
    with opened_folder(workspace.published) as release:
        yield release


def is_published(workspace: Workspace) -> bool:
    """Tell whether there is a release to open."""
    return (workspace.published / "kpi.duckdb").exists()


@contextmanager
def opened_folder(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the release of a folder read-only, whatever a link on the way points at later."""
    path = (folder / "kpi.duckdb").resolve()
    with opened_published(path) as release:
        yield release
