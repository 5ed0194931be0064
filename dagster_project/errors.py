"""The exception tree, and the recipe that every message follows.

What belongs here: the types by which callers tell apart who can act (the person who wrote the
settings, the sender of a file, the owner of a mapping, nobody but time). What does not: how an
error is printed (cli) or which exit code a verb returns (cli).

Source: the recipe is "what was being done, what was found, what was expected, where, what to do
next"; exit codes are 0 done, 1 unexpected, 2 usage or settings, 3 gate failed, 4 source files
quarantined under ``--strict``.
"""

from __future__ import annotations

from typing import Any


class PipelineError(Exception):
    """Say why a run cannot go on, in words a person can act on.

    Args:
        doing: What was being done, as a clause ("reading the settings").
        found: What was found.
        expected: What was expected instead, where that helps.
        where: File, key, sheet, row or table.
        remedy: What to do next.
    """

    exit_code = 1

    def __init__(
        self,
        doing: str,
        *,
        found: str,
        expected: str | None = None,
        where: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.doing = doing
        self.found = found
        self.expected = expected
        self.where = where
        self.remedy = remedy
        super().__init__(self.render())

    def render(self) -> str:
        """Return the message, one line for each part of the recipe that is known."""
        parts = [
            ("While", self.doing),
            ("where", self.where),
            ("found", self.found),
            ("expected", self.expected),
            ("do next", self.remedy),
        ]
        return "\n".join(f"{label:>8}: {text}" for label, text in parts if text)


class WorkspaceError(PipelineError):
    """Report settings that cannot be used; nothing was read yet."""

    exit_code = 2


class PlanRefused(WorkspaceError):
    """Report a bonus plan or an assignment that breaks a rule; nobody is paid by it."""


class StatementRefused(PipelineError):
    """Report that a person's pay for a period cannot be worked out; nothing is paid instead."""

    exit_code = 2


class ClosedPeriodBroken(PipelineError):
    """Report that what was closed is not as it was left; nothing is paid from it."""

    exit_code = 3


class SourceFileError(PipelineError):
    """Report a delivered file that its sender can mend; the file is quarantined, not retried.

    Args:
        reason_code: A stable code of the reason (``unclosed_quote``, ``encrypted_workbook``, ...).
    """

    exit_code = 4

    def __init__(self, doing: str, *, reason_code: str, **parts: Any) -> None:
        self.reason_code = reason_code
        super().__init__(doing, **parts)


class MappingMissing(PipelineError):
    """Report a value that only the workspace can give a meaning to (a stage, an ambiguous name)."""

    exit_code = 3


class GateFailed(PipelineError):
    """Report that a gate refused the data; what is published stays as it was.

    Args:
        verdicts: The verdicts that refused, as the gate returned them.
    """

    exit_code = 3

    def __init__(self, doing: str, *, verdicts: list[Any] | None = None, **parts: Any) -> None:
        self.verdicts = list(verdicts or [])
        super().__init__(doing, **parts)


class PullFailed(PipelineError):
    """Report that a system's API did not give what was asked; what was written before stays."""


class PublishFailed(PipelineError):
    """Report that a release could not be made whole; the published link was not moved."""


class WarehouseBusy(PipelineError):
    """Report that another process writes the warehouse; trying again later may work."""


class FailedInside(PipelineError):
    """Report in its own words what failed inside a job, of which no more than the words is left.

    Args:
        told: The whole message.
        exit_code: That of the error it was.
    """

    def __init__(self, told: str, exit_code: int) -> None:
        self.exit_code = exit_code
        self._told = told
        super().__init__("refreshing the KPIs", found=told)

    def render(self) -> str:
        """Return the message as it was told."""
        return self._told
