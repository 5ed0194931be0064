"""What Dagster wrapped is told as what it is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dagster_project.errors import FailedInside, PipelineError
from dagster_project.failures import (
    known_failure,
    raise_what_failed,
    raise_what_failed_after_publishing,
)


def failed(*errors: tuple[str, str]) -> SimpleNamespace:
    """Return a result of Dagster's with errors, the outermost first."""
    told = None
    for name, message in reversed(errors):
        told = SimpleNamespace(cls_name=name, message=message, cause=told)
    return SimpleNamespace(
        all_events=[SimpleNamespace(event_specific_data=SimpleNamespace(error=told))]
    )


@pytest.mark.parametrize(
    ("name", "message", "words"),
    [
        ("OSError", "OSError: [Errno 30] Read-only file system: 'reports/x'", "right to write"),
        ("DatabaseError", "(sqlite3.DatabaseError) file is not a database", "remove that folder"),
        ("KeyError", "KeyError: 'x'", "--debug"),
    ],
)
def test_an_error_inside_a_run_says_what_to_do(name, message, words):
    with pytest.raises(PipelineError, match=words):
        raise_what_failed(
            failed(("DagsterExecutionStepExecutionError", "a step"), (name, message)), None
        )


def test_an_own_error_keeps_its_words_and_its_code():
    with pytest.raises(FailedInside) as ended:
        raise_what_failed(failed(("GateFailed", "dagster_project.errors.GateFailed: no")), None)
    assert (ended.value.exit_code, ended.value.render()) == (3, "no")


def test_the_causes_of_an_error_are_looked_through():
    try:
        try:
            raise PermissionError(13, "Permission denied", "state/x")
        except PermissionError as error:
            raise ValueError("wrapped") from error
    except ValueError as error:
        assert known_failure(error).where == "state/x"
    assert known_failure(ValueError("another")) is None


def test_a_record_that_cannot_be_ended_does_not_deny_what_was_published():
    full = ValueError("(sqlite3.OperationalError) disk I/O error\n[SQL: select 1]")
    assert known_failure(full).found == "(sqlite3.OperationalError) disk I/O error"
    raise_what_failed_after_publishing(full, [SimpleNamespace(release=None)])
    with pytest.raises(PipelineError) as told:
        release = SimpleNamespace(folder=".releases/r1")
        raise_what_failed_after_publishing(full, [SimpleNamespace(release=release)])
    assert told.value.remedy.endswith("whole and written: .releases/r1")
    assert "stays as it was" not in str(told.value)
