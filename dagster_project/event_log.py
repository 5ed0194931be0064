"""Dagster's SQLite event log with its connections kept open.

What belongs here: the one thing that Dagster's own storage does slowly. It opens an engine and a
connection for every event it stores, and a run of this project stores some four hundred. What does
not: any other change of what is stored or where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from sqlalchemy import create_engine, event
from sqlalchemy.pool import SingletonThreadPool

_BUSY_SECONDS = 30


class PooledSqliteEventLogStorage(SqliteEventLogStorage):
    """Keep one connection per thread and shard; write ahead, so that a commit is one append."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._engines: dict[str, Any] = {}
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
