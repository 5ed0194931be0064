"""What went wrong in a run, in words a person can act on.

What belongs here: telling known failures apart, of this process and out of Dagster's events. What
does not: printing other than what Dagster wrapped (cli), the errors themselves (errors).
"""

from __future__ import annotations

from typing import Any, NoReturn

from dagster_project.errors import (
    FailedInside,
    GateFailed,
    PipelineError,
    SourceFileError,
    WorkspaceError,
)

_NO_ROOM = (
    "No space left",
    "Permission denied",
    "Read-only file system",
    "File too large",
    "disk I/O error",
    "disk is full",
    "readonly database",
    "unable to open database file",
)
_NO_RECORD = ("file is not a database", "database disk image is malformed")
_ENDED = "DagsterExecutionInterruptedError"
_KINDS = {
    "GateFailed": GateFailed,
    "WorkspaceError": WorkspaceError,
    "PlanRefused": WorkspaceError,
    "ClosedPeriodBroken": GateFailed,
    "SourceFileError": SourceFileError,
    "PipelineError": PipelineError,
    "PublishFailed": PipelineError,
    "WarehouseBusy": PipelineError,
}


def known_failure(error: BaseException) -> PipelineError | None:
    """Say in words that the disk is full, a folder may not be written or a record is damaged."""
    seen: BaseException | None = error
    while seen is not None:
        where = str(getattr(seen, "filename", "") or "") or None
        if known := _said(str(seen), where=where, is_of_system=isinstance(seen, OSError)):
            return known
        seen = seen.__cause__ or seen.__context__
    return None


def _said(text: str, *, where: str | None, is_of_system: bool) -> PipelineError | None:
    if any(sign in text for sign in _NO_RECORD):
        return PipelineError(
            "keeping Dagster's record of runs",
            found=text.strip().splitlines()[0],
            expected="files of SQLite that are whole",
            where="warehouse/dagster in the workspace",
            remedy="remove that folder and run again: it holds what `kpi ui` shows of former "
            "runs, and no figures",
        )
    if is_of_system or any(sign in text for sign in _NO_ROOM):
        return PipelineError(
            "working in the workspace's folder",
            found=text.split("\n[SQL:", maxsplit=1)[0].strip(),
            expected="a folder this user may write, on a disk with room",
            where=where,
            remedy="make room or give the right to write, then run again; nothing is "
            "half-loaded and what is published stays as it was",
        )
    return None


def raise_what_failed_after_publishing(error: Exception, sessions: list[Any]) -> None:
    """Say that a release is published all the same; return where none is.

    Raises:
        PipelineError: Dagster could not end its record of a run that had published.
    """
    release = sessions[0].release if sessions else None
    if release is not None:
        raise PipelineError(
            "ending Dagster's record of the run",
            found=str(error).strip().splitlines()[0],
            expected="a folder this user may write, on a disk with room",
            where="warehouse/dagster in the workspace",
            remedy=f"make room; the figures are whole and written: {release.folder}",
        ) from error


def raise_what_failed(result: Any, session: Any) -> NoReturn:
    """Raise the pipeline's own error out of Dagster's events.

    Raises:
        PipelineError: What failed, as far as it is known.
    """
    from dagster_project.quality.gates import raise_if_failed

    for verdict in session.verdicts if session else []:
        raise_if_failed(verdict)
    for event in result.all_events:
        error = getattr(event.event_specific_data, "error", None)
        while error is not None:
            name, text = error.cls_name or "", error.message or ""
            if name == _ENDED:
                raise FailedInside(
                    "ended as asked; what is published stays as it was, and the next `kpi run` "
                    "takes up from there",
                    130,
                )
            if name in _KINDS:
                raise FailedInside(text.split(": ", 1)[-1].rstrip(), _KINDS[name].exit_code)
            if known := _said(text, where=None, is_of_system=False):
                raise known
            if error.cause is None:
                raise PipelineError(
                    "refreshing the KPIs",
                    found=(text or name).strip()[:2000],
                    expected="a run without surprises",
                    remedy="see it with --debug, or in `kpi ui`; what is published stays as it was",
                )
            error = error.cause
    raise PipelineError("refreshing the KPIs", found="a failed run without a stated error")
