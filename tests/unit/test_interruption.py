"""A run that was asked to end ends, even where nobody hears."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

_DEAF = """
import signal, time
from dagster_project.interruption import ending_when_asked
signal.signal(signal.SIGTERM, lambda *told: None)
with ending_when_asked(grace={grace}):
    print("going", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("grace", "signals"), [(0.2, 1), (60, 2)])
def test_a_process_that_does_not_hear_is_ended_after_a_while_or_when_asked_again(grace, signals):
    run = subprocess.Popen(
        [sys.executable, "-c", _DEAF.format(grace=grace)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert run.stdout.readline() == "going\n"
    for _ in range(signals):
        run.send_signal(signal.SIGTERM)
        time.sleep(0.1)
    _, told = run.communicate(timeout=20)
    assert run.returncode == 130
    assert "what is published is whole" in told


def test_a_run_that_ends_by_itself_is_left_alone():
    code = _DEAF.format(grace=0.5).replace("time.sleep(60)", "signal.raise_signal(signal.SIGTERM)")
    code += "time.sleep(1)\nprint('done')\n"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert (told.returncode, told.stdout) == (0, "going\ndone\n")
