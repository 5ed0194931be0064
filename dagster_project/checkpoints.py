"""Named points of a run at which a test may kill the process.

What belongs here: the names, and the one function that code calls when it reaches one. What does
not: anything that a run without ``KPI_DIE_AT`` would do differently.
"""

from __future__ import annotations

import os
import signal

from dagster_project.settings import die_at

POINTS = ("landed", "raw_written", "staged", "release_written", "swapped")
"""In the order in which a run passes them."""


def reached(point: str) -> None:
    """Kill this process without ceremony where a test asked for it; else do nothing.

    Raises:
        KeyError: ``point`` is not one of ``POINTS``.
    """
    if point not in POINTS:
        raise KeyError(point)
    if die_at() == point:
        os.kill(os.getpid(), signal.SIGKILL)
