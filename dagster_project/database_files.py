"""Files of DuckDB that something may have damaged: cut off, overwritten, restored in part.

What belongs here: saying which file it is and what to do about it. What does not: what is asked of
a file (publish, transform).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dagster_project.errors import PipelineError

_DAMAGE = (
    duckdb.IOException,
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
)


@contextmanager
def opened_published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the file of a release read-only.

    Raises:
        PipelineError: It cannot be read.
    """
    remedy = (
        f"remove the folder {path.parent} and run `kpi run`, which makes the release anew from "
        "raw/ and state/; its figures are then compared with no earlier ones"
    )
    with (
        damage_told(path, "reading a release", remedy),
        duckdb.connect(str(path), read_only=True) as release,
    ):
        yield release


@contextmanager
def damage_told(path: Path, doing: str, remedy: str) -> Iterator[None]:
    """Turn DuckDB's words about a file that it cannot read into what a person can do.

    Args:
        path: The file; one that this user may not read or write keeps DuckDB's own words.
        doing: What is being done with it.
        remedy: How to get it whole again.

    Raises:
        PipelineError: DuckDB could not read it.
    """
    try:
        yield
    except _DAMAGE as error:
        if not os.access(path, os.R_OK):
            raise
        raise PipelineError(
            doing,
            found=str(error).splitlines()[0],
            expected="a file of DuckDB that is whole, and that no other program has open to write",
            where=str(path),
            remedy=remedy,
        ) from error
