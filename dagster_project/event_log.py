"""Dagster's SQLite event log with its connections kept open, of the newest runs.

What belongs here: what Dagster's own storage does anew for every event: it opens an engine and a
connection and looks at its schema, and a run of this project stores some seven hundred; how many
runs it remembers. What does not: any other change of what is stored or where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from sqlalchemy import create_engine, event
from sqlalchemy.pool import SingletonThreadPool

_BUSY_SECONDS = 30
_KEPT_RUNS = 60


def forget_old_runs(instance: DagsterInstance, keep: int = _KEPT_RUNS) -> None:
    """Delete the record of all runs but the newest: each takes some 3 MB, and none is a figure."""
    for run_id in instance.get_run_ids()[keep:]:
        instance.delete_run(run_id)


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """Keep one connection per thread and shard; write ahead, so that a commit is one append.

    What the log once was seen to have (a table, a column, a mark of a migration), it still has:
    Dagster would look for each of them at every event of an asset.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._engines: dict[str, Any] = {}
        self._seen: set[tuple[str, str]] = set()
        super().__init__(*arguments, **named)

    @classmethod
    def from_config_value(
        cls, inst_data: Any, config_value: Mapping[str, Any]
    ) -> PooledSqliteEventLogStorage:
        """Make the storage that ``dagster.yaml`` names; the parent's way would make the parent."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Any]:
        with self._db_lock:
            if shard not in self._engines:
                engine = create_engine(
                    self.conn_string_for_shard(shard),
                    poolclass=SingletonThreadPool,
                    connect_args={"timeout": _BUSY_SECONDS},
                )
                event.listen(engine, "connect", _write_ahead)
                self._engines[shard] = engine
            engine = self._engines[shard]
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def has_table(self, table_name: str) -> bool:
        """Tell whether the log has this table."""
        return self._once("table", table_name, super().has_table)

    def has_secondary_index(self, name: str) -> bool:
        """Tell whether a migration of the log's data is done."""
        return self._once("index", name, super().has_secondary_index)

    def _has_asset_key_col_on_connection(self, conn: Any, column_name: str) -> bool:
        look = super()._has_asset_key_col_on_connection
        return self._once("column", column_name, lambda name: look(conn, name))

    def _once(self, kind: str, name: str, look: Callable[[str], bool]) -> bool:
        if (kind, name) not in self._seen and look(name):
            self._seen.add((kind, name))
        return (kind, name) in self._seen

    def delete_events(self, run_id: str) -> None:
        """Delete what a run told, with the file that holds it, which the parent would leave."""
        super().delete_events(run_id)
        with self._db_lock:
            self._engines.pop(run_id).dispose()
            self._initialized_dbs.discard(run_id)
        for ending in ("", "-wal", "-shm"):
            Path(f"{self.path_for_shard(run_id)}{ending}").unlink(missing_ok=True)

    def dispose(self) -> None:
        """Close every connection."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _write_ahead(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("pragma journal_mode=wal")
    cursor.execute("pragma synchronous=normal")
    cursor.close()
