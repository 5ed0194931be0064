"""Servers that do not answer, or answer without end: each request has an end of its own."""

from __future__ import annotations

import time

import pytest

from dagster_project.errors import PullFailed
from dagster_project.pull.transport import Clock
from tests.pull.portal import Reply


@pytest.fixture
def impatient(portal):
    """A firm on the true clock that waits a tenth of a second and asks once."""
    portal.hands = Clock()
    portal.write(timeout_seconds=0.1, attempts=1)
    portal.world.fill(1)
    return portal


def test_a_server_that_is_silent_is_given_up_after_the_time_limit(impatient):
    impatient.world.fault(Reply(200, {"result": []}, silent=3))
    began = time.monotonic()
    with pytest.raises(PullFailed, match=r"no answer within 0\.1 s"):
        impatient.pull()
    assert time.monotonic() - began < 2


def test_a_server_that_sends_a_byte_at_a_time_is_given_up_as_a_whole(impatient):
    # each byte comes in time, the answer as a whole would take 4 seconds: 200 bytes, 0.02 s each
    impatient.world.fault(Reply(200, b" " * 200, drip=0.02))
    began = time.monotonic()
    with pytest.raises(PullFailed, match="an answer that took over 1 s"):
        impatient.pull()
    assert time.monotonic() - began < 3
