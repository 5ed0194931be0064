"""What a system's module is given to read one object, and the refusals that all of them share.

What belongs here: the little that the modules of the systems have between them. What does not:
HTTP (transport), files (delivery).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dagster_project.errors import PullFailed, WorkspaceError
from dagster_project.pull.transport import Transport

Page = list[dict[str, Any]]


@dataclass(frozen=True)
class Reading:
    """A connection and what the workspace says about reading.

    ``fields``: names of fields by object; an object without an entry is read with its own list.
    """

    transport: Transport
    page_size: int | None = None
    fields: dict[str, list[str]] = field(default_factory=dict)


def ids_of(reading: Reading, name: str, rows: Page, key: str, kind: type = int) -> list[Any]:
    """Return the records' ids.

    Raises:
        PullFailed: A record without one; places in a list could not be told then.
    """
    try:
        return [kind(row[key]) for row in rows]
    except (TypeError, KeyError, ValueError):
        pass
    raise refuse_shape(reading, name, f"`{key}` in every record")


class NotThere(Exception):
    """Say that this account has no such object; only a default object may be passed over."""


def refuse_object(reading: Reading, name: str, known: str) -> WorkspaceError:
    """Return the error about an object that the system does not have."""
    return WorkspaceError(
        "reading `objects:` of a source",
        found=f"`{name}`",
        expected=f"one of: {known}",
        where=reading.transport.shown,
        remedy="correct the name; nothing of it was pulled",
    )


def refuse_order(reading: Reading, name: str) -> PullFailed:
    """Return the error about a list that does not come in the order asked for.

    Going on would read pages for ever, or leave out what moved between them.
    """
    return PullFailed(
        f"pulling {name} from {reading.transport.shown}",
        found="records out of the order that was asked for, or the same page again",
        expected="each page to go on after the one before",
        remedy="pull again; if it stays so, take this object out of `objects:` and deliver its "
        "export as a file",
    )


def refuse_shape(reading: Reading, name: str, expected: str) -> PullFailed:
    """Return the error about an answer that is not built as documented: not taken for empty."""
    return PullFailed(
        f"pulling {name} from {reading.transport.shown}",
        found="an answer that is built otherwise",
        expected=expected,
        remedy="look whether base_url leads to the API itself; nothing of this object was written",
    )
