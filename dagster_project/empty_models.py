"""Models that can have no row in a workspace, and the empty tables that stand for them.

A model says ``meta: {empty_without: [...]}`` of itself: where none of these models and sources has
a row, it has none (``staging``: of all staged tables that it reads). Building it would cost as much
as one with rows. Its columns are known from an earlier run of the same project in this checkout;
where they are not, the model is built like any other.

What belongs here: which models these are, their columns, what stands for them. What does not: how
the others are built (transform).
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb

from dagster_project import transform
from dagster_project.canonical import staged_columns

_COLUMNS = "columns.json"


def stand_in_for_staged(connection: duckdb.DuckDBPyConnection, unused: Collection[str]) -> None:
    """Put an empty, typed view where a staged table would be of what nobody delivers.

    Args:
        connection: The warehouse.
        unused: Names of staging models, ``stg_<system>__<entity>``.
    """
    tables = {
        row[0]
        for row in connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'staging'"
        ).fetchall()
    }
    told = ["create schema if not exists staging"]
    for name in unused:
        columns = list(staged_columns(name.rsplit("__", 1)[1]).items())
        told += [f"drop table staging.{name}"] if name in tables else []
        told.append(f"create or replace view staging.{name} as {_nothing(columns)}")
    connection.execute("begin; " + "; ".join(told) + "; commit")


def rowless_models(
    connection: duckdb.DuckDBPyConnection, layers: Collection[str], unused: Collection[str]
) -> list[str]:
    """Return the models of layers about to be built that can have no row, their columns known.

    Args:
        connection: The warehouse, with the layers before.
        layers: Some of ``transform.LAYERS``.
        unused: Staging models that ``stand_in_for_staged`` stands for.
    """
    rules = {
        node.name: named(node)
        for node in _models().values()
        if named(node) and not set(node.tags).isdisjoint(layers)
    }
    being_built = {n.name for n in _models().values() if not set(n.tags).isdisjoint(layers)}
    asked = {name for names in rules.values() for name in names} - being_built
    empty = set(unused) | _without_rows(connection, asked - set(unused))
    before = -1
    while len(empty) != before:
        before = len(empty)
        empty |= {name for name, names in rules.items() if empty.issuperset(names)}
    return [name for name in rules if name in empty and name in _kept_columns()]


def stand_in(connection: duckdb.DuckDBPyConnection, names: Collection[str]) -> None:
    """Make the empty tables and views of models, each in place of what was there."""
    told: dict[str, list[str]] = {}  # one transaction writes to one database
    for name in names:
        node = _models()[name]
        kind = "view" if node.config.materialized == "view" else "table"
        statements = told.setdefault(node.database, [])
        statements.append(f"create schema if not exists {node.database}.{node.schema}")
        statements.append(
            f"create or replace {kind} {node.database}.{node.schema}.{node.alias} as "
            + _nothing(_kept_columns()[name])
        )
    for statements in told.values():
        connection.execute("begin; " + "; ".join(statements) + "; commit")


def keep_columns(connection: duckdb.DuckDBPyConnection, nodes: Collection[Any]) -> None:
    """Keep the columns of built models that may be without rows another time."""
    built = {node.name for node in nodes if node.kind == "model"}
    unknown = [
        node
        for name, node in _models().items()
        if name in built and named(node) and name not in _kept_columns()
    ]
    if not unknown or not transform.is_parsed_in_checkout():
        return
    _kept_columns().update(
        (
            node.name,
            connection.execute(
                "select column_name, data_type from duckdb_columns() where database_name = ? "
                "and schema_name = ? and table_name = ? order by column_index",
                [node.database, node.schema, node.alias],
            ).fetchall(),
        )
        for node in unknown
    )
    part = _columns_file().with_suffix(f".{os.getpid()}")
    kept = {"project": transform.project_fingerprint(), "columns": _kept_columns()}
    part.write_text(json.dumps(kept), encoding="utf-8")
    part.replace(_columns_file())


@functools.cache
def _models() -> dict[str, Any]:
    """Return the nodes of all models by name."""
    nodes = transform.parsed_project().nodes.values()
    return {node.name: node for node in nodes if node.resource_type == "model"}


def named(node: Any) -> list[str]:
    """Return the names of models and sources of which one must have a row for the model to."""
    names = node.config.meta.get("empty_without", [])
    if names != "staging":
        return names
    read = [unique_id.split(".")[-1] for unique_id in node.depends_on.nodes]
    return [name for name in read if name in _models() and "staging" in _models()[name].tags]


@functools.cache
def _kept_columns() -> dict[str, list[tuple[str, str]]]:
    """Return the names and types of columns by model, as an earlier run built them."""
    with contextlib.suppress(FileNotFoundError):
        kept = json.loads(_columns_file().read_text(encoding="utf-8"))
        if kept["project"] == transform.project_fingerprint() and transform.is_parsed_in_checkout():
            return kept["columns"]
    return {}


def _columns_file() -> Path:
    return transform.parse_folder() / _COLUMNS


def _without_rows(connection: duckdb.DuckDBPyConnection, names: Collection[str]) -> set[str]:
    """Return those models and sources that are there and have no row."""
    if not names:
        return set()
    there = {
        f"{database}.{schema}.{table}"
        for database, schema, table in connection.execute(
            "select table_catalog, table_schema, table_name from information_schema.tables"
        ).fetchall()
    }
    places = {name: _place(name) for name in names}
    asked = [
        f"select '{name}' where not exists (select 1 from {place})"
        for name, place in places.items()
        if place in there
    ]
    found = connection.execute(" union all ".join(asked)).fetchall() if asked else []
    return {name for (name,) in found}


def _place(name: str) -> str:
    node = _models().get(name)
    return f"{node.database}.{node.schema}.{node.alias}" if node else f"warehouse.raw.{name}"


def _nothing(columns: Collection[tuple[str, str]]) -> str:
    told = ", ".join(f'cast(null as {kind}) as "{column}"' for column, kind in columns)
    return f"select {told} where false"
