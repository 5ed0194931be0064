"""The warehouse as a Dagster resource: one session for a whole run.

What belongs here: turning a run's configuration into a session. What does not: the steps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from datetime import date, datetime
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from dagster_project.event_log import forget_old_runs
from dagster_project.quality.gates import write_pages
from dagster_project.session import Session, new_run_id, open_session, silent
from dagster_project.settings import Workspace, load_workspace

_listeners: list[Callable[[str, str], None]] = []
_sessions: list[Session] = []


class WarehouseResource(dg.ConfigurableResource):
    """A workspace's warehouse, open for writing under the lock for as long as the run lasts.

    An empty ``workspace`` means ``KPI_WORKSPACE``, else the demonstration company.
    """

    workspace: str = ""
    as_of: str = ""
    known_by: str = ""
    full_refresh: bool = False
    wait: bool = True
    _session: Any = PrivateAttr(default=None)
    _open: Any = PrivateAttr(default=None)

    def settings(self) -> Workspace:
        """Read the workspace's settings for this run."""
        return load_workspace(
            self.workspace or None,
            as_of=date.fromisoformat(self.as_of) if self.as_of else None,
            known_by=datetime.fromisoformat(self.known_by) if self.known_by else None,
        )

    @property
    def session(self) -> Session:
        """The open session; the first step to ask opens it and the last one's end closes it.

        Dagster makes resources ready again when it looks back at a run that is over.
        """
        if self._session is None:
            self._session = self._open()
        return self._session

    @contextlib.contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Generator[WarehouseResource, None, None]:
        """Hold lock and warehouse from the first step that works on it to the last."""
        short = context.run.run_id.split("-")[0] if context.run else None
        with contextlib.ExitStack() as stack:
            self._session = None
            self._open = lambda: stack.enter_context(self._run(short, context.instance))
            yield self

    @contextlib.contextmanager
    def _run(
        self, short: str | None, instance: dg.DagsterInstance | None
    ) -> Generator[Session, None, None]:
        stamp = f"{new_run_id().split('-')[0]}-{short[:6]}" if short else None
        with open_session(
            self.settings(),
            "refresh the KPIs",
            run_id=stamp,
            full_refresh=self.full_refresh,
            wait=self.wait,
            listener=_listeners[-1] if _listeners else silent,
        ) as session:
            session.tell("running")
            if instance:
                forget_old_runs(instance)
            _sessions.append(session)
            try:
                yield session
            finally:
                if session.release is None:
                    session.record("failed")
                write_pages(session.workspace, session.verdicts)


@contextlib.contextmanager
def watched(
    listener: Callable[[str, str], None], opened: list[Session]
) -> Generator[None, None, None]:
    """Tell ``listener`` of each step of runs in this process; in the end ``opened`` of sessions."""
    _listeners.append(listener)
    first = len(_sessions)
    try:
        yield
    finally:
        opened += _sessions[first:]
        del _sessions[first:]
        _listeners.pop()
