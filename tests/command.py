"""The command `kpi` in a process of its own, forked from one that has imported what it needs.

Importing Dagster, dbt and Great Expectations costs a run of a small company as much again as the
run itself. ``test_cli.firm`` and the tests that send signals start the command anew, as a person
does.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

from dagster_project.quality import process as quality

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["tests.imported_ahead"])


def kpi(*arguments: str, **environment: str) -> CompletedProcess[str]:
    """Run `kpi` with these arguments and wait for it; killed by signal N it returns -N."""
    with tempfile.TemporaryDirectory() as folder:
        told, complained = Path(folder, "stdout"), Path(folder, "stderr")
        process = _PROCESSES.Process(
            target=_be_the_command,
            args=(arguments, os.environ | environment, os.getcwd(), told, complained),
        )
        process.start()
        process.join()
        return CompletedProcess(
            ["kpi", *arguments],
            process.exitcode,
            told.read_text(encoding="utf-8"),
            complained.read_text(encoding="utf-8"),
        )


def _be_the_command(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    folder: str,
    told: Path,
    complained: Path,
) -> None:
    for stream, path in ((1, told), (2, complained)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["kpi", *arguments]
    quality.ExpectationsProcess = _ForkedExpectations

    from dagster_project.cli import start

    start()


class _ForkedExpectations(quality.ExpectationsProcess):
    """The process that holds gates, forked from this one, which has imported what it needs."""

    def __init__(self) -> None:
        (requests, asking), (answering, answers) = os.pipe(), os.pipe()
        child = os.fork()
        if not child:
            os.close(asking)
            os.close(answering)
            quality.serve(os.fdopen(requests, "rb"), os.fdopen(answers, "wb"))
        os.close(requests)
        os.close(answers)
        self._process = SimpleNamespace(
            stdin=os.fdopen(asking, "wb"),
            stdout=os.fdopen(answering, "rb"),
            wait=lambda: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]),
        )
        atexit.register(self.end)
