"""The process in which Great Expectations lives: the seconds of its import pass beside the rest.

What belongs here: starting that process, asking it, ending with this one. What does not: what it
does (suites). It reads pickled ``(function, arguments)`` on its standard input, writes
``(is_answer, answer or error)`` back, and ends when its input does, however this process ended.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import logging
import os
import pickle
import subprocess
import sys
from functools import cache
from types import ModuleType
from typing import Any, BinaryIO, NoReturn

from dagster_project.errors import PipelineError
from dagster_project.settings import child_environment, silence_telemetry


class ExpectationsProcess:
    """Call functions of ``quality.suites`` by name in a process that is started at once."""

    def __init__(self) -> None:
        silence_telemetry()  # whoever asks: the command line, Dagster's page, a test
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dagster_project.quality.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(),
        )
        atexit.register(self.end)

    def call(self, function: str, *arguments: Any) -> Any:
        """Return what ``quality.suites.<function>`` answers.

        Raises:
            PipelineError: The process has ended.
            Exception: Whatever the function raised there.
        """
        try:
            pickle.dump((function, arguments), self._process.stdin)
            self._process.stdin.flush()
            is_answer, told = pickle.load(self._process.stdout)
        except (BrokenPipeError, EOFError) as error:
            expectations.cache_clear()
            raise PipelineError(
                "checking a gate",
                found=f"the process that checks ended with code {self._process.wait()}",
                expected="an answer",
                remedy="run again; what is published stays as it was",
            ) from error
        if not is_answer:
            raise told
        return told

    def end(self) -> None:
        """Let the process end and wait for it."""
        atexit.unregister(self.end)
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@cache
def expectations() -> ExpectationsProcess:
    """Return the process, started on the first call."""
    return ExpectationsProcess()


class _ImportedWhenUsed(ModuleType):
    """Stands for a module until something of it is asked for.

    ``importlib.util.LazyLoader`` would not do: looking over all modules, as ``inspect`` does, ends
    its laziness.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def import_lean() -> None:
    """Import Great Expectations without what it would import and never use here."""
    for name in ("altair", "scipy.stats"):  # a second, for distributions
        sys.modules[name] = _ImportedWhenUsed(name)
    import great_expectations  # noqa: F401 - imported before the first question


def serve(requests: BinaryIO, answers: BinaryIO) -> NoReturn:
    """Answer until the requests end."""
    logging.disable(logging.WARNING)
    from dagster_project.quality import suites

    while True:
        try:
            function, arguments = pickle.load(requests)
        except EOFError:
            os._exit(0)  # nothing is left to write, and taking the libraries apart takes a second
        try:
            told = (True, getattr(suites, function)(*arguments))
        except Exception as error:  # noqa: BLE001 - raised anew where it was asked for
            told = (False, RuntimeError(f"{type(error).__name__}: {error}"))
        pickle.dump(told, answers)
        answers.flush()


if __name__ == "__main__":
    gc.set_threshold(100_000, 50, 100)  # as the command does: a sixth of what importing takes
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # what a library prints is no answer
    import_lean()
    serve(sys.stdin.buffer, answers)
