"""Servers that do not answer, or answer without end: each request has an end of its own."""

from __future__ import annotations

import itertools
import time

import pytest

from dagster_project.errors import PullFailed
from dagster_project.pull.transport import Clock
from tests.pull.portal import Reply


def test_a_server_that_is_silent_is_given_up_after_the_time_limit(portal):
    portal.world.fill(1)
    portal.hands = Clock()
    portal.write(timeout_seconds=0.1, attempts=1)
    portal.world.fault(Reply(200, {"result": []}, silent=20))
    began = time.monotonic()
    with pytest.raises(PullFailed, match=r"no answer within 0\.1 s"):
        portal.pull()
    assert time.monotonic() - began < 10


def test_a_server_that_sends_a_byte_at_a_time_is_given_up_as_a_whole(portal):
    # each byte comes within the 5 seconds; by a clock that runs 20 seconds at each look, the
    # answer is over its 50 long before its last byte
    portal.world.fill(1)
    looks = itertools.count(step=20)
    portal.hands = Clock(sleep=lambda seconds: None, monotonic=lambda: float(next(looks)))
    portal.write(timeout_seconds=5, attempts=1)
    portal.world.fault(Reply(200, b" " * 1000, drip=0.01))
    with pytest.raises(PullFailed, match="an answer that took over 50 s"):
        portal.pull()
