"""Ending a run that was asked to end, even where it does not hear.

What belongs here: the second between a signal and the end of the process. What does not: saying
what a run that ended by itself leaves behind (failures).

Dagster and dbt raise an exception wherever the main thread stands when SIGINT or SIGTERM arrives.
There it may be caught by a library, or leave a lock behind that nothing opens again. What is
published is whole at every moment, so the process may end at any.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator

_ASKS = {signal.SIGINT, signal.SIGTERM}


@contextlib.contextmanager
def ending_when_asked(grace: float = 5.0) -> Iterator[None]:
    """End the process, with code 130, where it goes on for ``grace`` seconds after being asked.

    Being asked a second time ends it at once. Only for the main thread.
    """
    errors = os.dup(2)  # Dagster turns the standard one to its record of the run
    heard, arriving = socket.socketpair()
    arriving.setblocking(False)
    former = signal.set_wakeup_fd(arriving.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(heard, grace, errors), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(former)
        arriving.close()


def _listen(heard: socket.socket, grace: float, errors: int) -> None:
    with heard, os.fdopen(errors, "w") as told_to:
        while told := heard.recv(1):
            if told[0] in _ASKS:
                break
        else:
            return  # the run is over
        heard.settimeout(grace)
        with contextlib.suppress(TimeoutError):
            if not heard.recv(1):
                return
        print(
            "ended at once: it did not end by itself; what is published is whole, and the next "
            "`kpi run` takes up from there",
            file=told_to,
            flush=True,
        )
        os._exit(130)
