"""dbt in this process: one runner, one parsed project, one layer at a time.

What belongs here: how dbt is called and what it answers. What does not: which layer follows which
(defs), SQL (dbt/), verdicts (quality).

The key that personal data is hashed with never reaches a file: it stands in a database in memory,
attached to the warehouse's instance for as long as ``warehouse_connection`` is open.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import marshal
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import duckdb

from dagster_project.database_files import damage_told
from dagster_project.errors import PipelineError
from dagster_project.lean_dbt import compiled_templates, drop_idle_macros, make_lean
from dagster_project.phones import register
from dagster_project.settings import Workspace, hash_key, project_root, set_dbt_environment

STORAGE_VERSION = "v1.0.0"
"""DuckDB's first stable storage: older drivers of BI tools read it."""
_OWN_STORAGE = "v1.5.0"
"""The storage of the warehouse itself, which costs a quarter less to write; as in profiles.yml."""

_SMALL = 50_000
"""Rows of all files below which a company is small."""

_M_ARENA_MAX = -8
"""The parameter's number in glibc's malloc.h."""

LAYERS = ("staging", "intermediate", "marts", "pay")
"""Tags of the dbt project, in the order in which they are built."""


@dataclass(frozen=True)
class BuiltNode:
    """What dbt says of one model, seed or test: ``success``, ``pass``, ``error``, ``fail``..."""

    unique_id: str
    name: str
    kind: str
    status: str
    message: str
    seconds: float
    tags: frozenset[str] = frozenset()

    @property
    def is_good(self) -> bool:
        """Tell whether the node did what it should."""
        return self.status in ("success", "pass", "warn", "no-op")


@contextlib.contextmanager
def warehouse_connection(workspace: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the working database for writing, with the vault in memory beside it.

    dbt opens the same file in this process and so shares the instance and the vault.
    """
    _keep_freed_memory_small()
    workspace.warehouse.mkdir(parents=True, exist_ok=True)
    with _rebuildable(workspace.warehouse_file):
        connection = duckdb.connect(
            str(workspace.warehouse_file), config={"storage_compatibility_version": _OWN_STORAGE}
        )
    try:
        connection.execute("set autoinstall_known_extensions = false")
        connection.execute("set enable_progress_bar = false")
        connection.execute("set global preserve_insertion_order = false")  # less memory
        # models join the many to the few as written; DuckDB's guesses of sizes are off by a hundred
        connection.execute("set disabled_optimizers = 'build_side_probe_side'")
        if workspace.config.settings.memory_limit:
            connection.execute("set memory_limit = ?", [workspace.config.settings.memory_limit])
        register(connection)
        connection.execute("attach ':memory:' as vault")
        connection.execute("create table vault.main.hash_key (key varchar)")
        connection.execute("insert into vault.main.hash_key values (?)", [hash_key(workspace)])
        _attach_marts(connection, workspace)
        yield connection
    finally:
        _let_go_of_the_file()
        connection.close()


def suit_threads(connection: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Let a small company's queries run on one thread each.

    DuckDB spreads a query over threads by groups of 122 880 rows; with fewer they only cost an
    eighth of the CPU, and dbt builds two models at a time anyway.
    """
    if rows < _SMALL:
        connection.execute("set threads = 1")


@functools.cache
def _keep_freed_memory_small() -> None:
    """Let threads share two of glibc's heaps: each of its own keeps what others could use again."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # no glibc
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _rebuildable(path: Path) -> contextlib.AbstractContextManager[None]:
    remedy = (
        "close the program that has it open; where none has, remove the file and run "
        "`kpi run --full-refresh`, which makes it anew from raw/ and state/"
    )
    return damage_told(path, "opening the working database", remedy)


def _attach_marts(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    """Attach the file that a release copies, in the storage version of a release."""
    path = str(workspace.marts_file).replace("'", "''")
    with _rebuildable(workspace.marts_file):
        connection.execute(f"attach '{path}' as kpi (storage_version '{STORAGE_VERSION}')")


def forget_marts(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    """Begin the marts' file anew, so that it holds no space of tables that were replaced."""
    connection.execute("detach kpi")
    for path in (workspace.marts_file, workspace.marts_file.with_suffix(".duckdb.wal")):
        path.unlink(missing_ok=True)
    _attach_marts(connection, workspace)


def _let_go_of_the_file() -> None:
    """Close what dbt keeps open in this process, so that the instance ends with the session."""
    if "dbt.adapters.duckdb.connections" in sys.modules:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        DuckDBConnectionManager.close_all_connections()


@functools.cache
def _runner() -> Any:
    """Return a dbt runner that keeps the parsed project for as long as this process lives."""
    from dbt.cli.main import dbtRunner

    manifest = parsed_project()
    make_lean(_kept_templates())
    drop_idle_macros(manifest)
    return dbtRunner(manifest=manifest)


@functools.cache
def parsed_project() -> Any:
    """Return dbt's manifest: as kept by an earlier process where the project is the same, else new.

    Raises:
        PipelineError: The project does not parse.
    """
    from dbt.contracts.graph.manifest import Manifest

    folder, mark = parse_folder(), project_fingerprint()
    kept, stamp = folder / "partial_parse.msgpack", folder / "parsed_from"
    with contextlib.suppress(FileNotFoundError):
        if stamp.read_text(encoding="ascii") == mark:
            manifest = Manifest.from_msgpack(kept.read_bytes())
            manifest.build_flat_graph()
            return manifest
    return parse()


def parse() -> Any:
    """Parse the dbt project and keep the result for later processes; part of setting up."""
    from dbt.cli.main import dbtRunner

    set_dbt_environment(None)
    result = dbtRunner().invoke(["--quiet", "parse", *_folders(None)])
    if not result.success:
        raise PipelineError(
            "reading the dbt project",
            found=str(result.exception),
            expected="a project that parses",
            where=str(project_root() / "dbt"),
        )
    if templates := _templates_file():
        part = templates.with_suffix(f".{os.getpid()}")
        part.write_bytes(marshal.dumps(compiled_templates(result.result)))
        part.replace(templates)
    (parse_folder() / "parsed_from").write_text(project_fingerprint(), encoding="ascii")
    return result.result


def _templates_file() -> Path | None:
    """Return where compiled templates are kept; nowhere outside the project's own folder.

    They are code, which must not be read from where anybody may write.
    """
    is_own = is_parsed_in_checkout()
    return parse_folder() / f"templates.{sys.implementation.cache_tag}" if is_own else None


def is_parsed_in_checkout() -> bool:
    """Tell whether only who may change the project may change what is kept beside its parse."""
    return parse_folder().is_relative_to(project_root())


def _kept_templates() -> dict[str, CodeType]:
    templates = _templates_file()
    return marshal.loads(templates.read_bytes()) if templates and templates.exists() else {}


def project_fingerprint() -> str:
    """Return the hash of every file of the dbt project and of the versions that parse it."""
    from importlib.metadata import version

    parsers = ("dbt-core", "dbt-duckdb", "jinja2")
    digest = hashlib.sha256(" ".join(map(version, parsers)).encode())
    project = project_root() / "dbt"
    for path in sorted(project.rglob("*")):
        if path.suffix in {".sql", ".yml", ".csv"} and "target" not in path.parts:
            digest.update(path.relative_to(project).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _folders(workspace: Workspace | None) -> list[str]:
    project = project_root() / "dbt"
    target = workspace.warehouse / "dbt" if workspace else parse_folder()
    return [
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
        "--target-path",
        str(target),
        "--log-path",
        str(target / "logs"),
    ]


def parse_folder() -> Path:
    """Return where the parsed project is kept between processes: the checkout, else a temp folder.

    Only the parse is kept there; nothing of a workspace.
    """
    inside = project_root() / "dbt" / "target"
    with contextlib.suppress(OSError):
        inside.mkdir(parents=True, exist_ok=True)
        probe = inside / ".writable"
        probe.touch()
        probe.unlink()
        return inside
    return Path(tempfile.gettempdir()) / "sales-kpi-warehouse-dbt"


def build(
    workspace: Workspace,
    layer: str,
    *,
    full_refresh: bool = False,
    leave_out: list[str] | None = None,
    select: str | None = None,
    also: tuple[str, ...] = (),
) -> list[BuiltNode]:
    """Build one layer's models with their tests.

    Args:
        workspace: The workspace; ``warehouse_connection`` must be open in this process.
        layer: One of ``LAYERS``.
        full_refresh: Rebuild incremental models whole.
        leave_out: Names of models of the layer that this workspace has no use for.
        select: Only these nodes of the layer (dbt's selection syntax).
        also: Layers to build in the same go.

    Returns:
        What became of every node.

    Raises:
        PipelineError: A model did not build or a test failed, with dbt's own words.
    """
    runner = _runner()
    set_dbt_environment(workspace)
    arguments = [
        "--no-write-json",
        "--log-level",
        "none",
        "--log-level-file",
        "none",
        "--use-fast-test-edges",
        "--cache-selected-only",
        "build",
        "--select",
        f"tag:{layer},{select}" if select else f"tag:{layer}",
        *(f"tag:{other}" for other in also),
        *_folders(workspace),
    ]
    arguments += ["--full-refresh"] if full_refresh else []
    built = {layer, *also}
    is_all_left_out = all(
        node.name in (leave_out or [])
        for node in parsed_project().nodes.values()
        if node.resource_type == "model" and built & set(node.tags)
    )
    with _unselected(leave_out or []):
        result = runner.invoke(arguments)
    if result.exception and not isinstance(result.exception, Exception):
        raise result.exception  # somebody ended the run: that is no fault of a model
    nodes = [_built(item) for item in getattr(result.result, "results", None) or []]
    bad = [node for node in nodes if not node.is_good]
    if result.exception or bad or not (nodes or is_all_left_out):
        first = next((n for n in bad if n.status != "skipped"), None)
        raise PipelineError(
            f"building the models of layer {layer}",
            found=(
                f"{first.name}: {first.status}: {first.message}"
                if first
                else str(result.exception or "no model was built")
            ),
            expected="every model built and every test of it passed",
            where=first.unique_id if first else layer,
            remedy="see the compiled SQL under warehouse/dbt/run; "
            "what is published stays as it was",
        )
    return nodes


@contextlib.contextmanager
def _unselected(names: list[str]) -> Iterator[None]:
    """Take models out of their layers for a while.

    An exclusion would take the tests out too that read any of them beside others, and dbt holds
    each name of one against every node.
    """
    left_out = set(names)
    tags = [(node, node.tags) for node in parsed_project().nodes.values() if node.name in left_out]
    for node, _ in tags:
        node.tags = []
    try:
        yield
    finally:
        for node, told in tags:
            node.tags = told


def _built(item: Any) -> BuiltNode:
    return BuiltNode(
        unique_id=item.node.unique_id,
        name=item.node.name,
        kind=str(item.node.resource_type),
        status=str(item.status),
        message=(item.message or "").strip(),
        seconds=float(item.execution_time or 0),
        tags=frozenset(item.node.tags),
    )


def manifest_file() -> Path:
    """Return dbt's manifest.json, parsed anew only where set-up has not left a current one."""
    path = parse_folder() / "manifest.json"
    stamp = parse_folder() / "parsed_from"
    is_current = (
        path.exists()
        and stamp.exists()
        and stamp.read_text(encoding="ascii") == project_fingerprint()
    )
    if not is_current:
        parse()
    return path
