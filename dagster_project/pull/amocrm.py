"""amoCRM (and Kommo) API v4: lists by ascending time of update, from the last one read.

What belongs here: which lists there are, their filters and paging. What does not: HTTP.

Source: the documentation of API v4: `page` and `limit` (250, events 100),
`filter[updated_at][from]`, `order[updated_at]=asc`, `_links.next` until the last page, 204 for
nothing. Page numbers alone lose records: an edit moves a record to the end of this order and draws
the rest one place forward, over the edge of a page. So the next request begins at the second of the
last record read, not at the next page; a second that fills pages is read until a pass brings
nothing new. Whether `from` includes its second is not written there: it is set one second back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dagster_project.pull.reading import (
    Page,
    Reading,
    ids_of,
    refuse_object,
    refuse_order,
    refuse_shape,
)
from dagster_project.pull.transport import Dialect

PER_SECOND = 5.0
_MOST_PASSES = 6


@dataclass(frozen=True)
class _List:
    """A list: its address, the key of its records, the time by which it can be cut.

    ``is_ordered``: it can be put in the order of that time. ``grows``: records are only added.
    """

    path: str
    key: str
    changed: str | None = "updated_at"
    is_ordered: bool = False
    grows: bool = False
    limit: int = 250
    more: dict[str, str] = field(default_factory=dict)


_EVENTS = (
    "lead_added,lead_deleted,lead_restored,lead_status_changed,entity_responsible_changed,"
    "sale_field_changed"
)
_LISTS = {
    "leads": _List(
        "/api/v4/leads", "leads", is_ordered=True, more={"with": "contacts,loss_reason,source_id"}
    ),
    "leads_deleted": _List(
        "/api/v4/leads", "leads", is_ordered=True, more={"with": "only_deleted"}
    ),
    "contacts": _List("/api/v4/contacts", "contacts", is_ordered=True, more={"with": "leads"}),
    "companies": _List("/api/v4/companies", "companies", is_ordered=True),
    "events": _List(
        "/api/v4/events",
        "events",
        changed="created_at",
        grows=True,
        limit=100,
        more={"filter[type]": _EVENTS},
    ),
    "tasks": _List("/api/v4/tasks", "tasks", more={"order[id]": "asc"}),
    "leads_notes": _List("/api/v4/leads/notes", "notes", is_ordered=True),
    "contacts_notes": _List("/api/v4/contacts/notes", "notes", is_ordered=True),
    "companies_notes": _List("/api/v4/companies/notes", "notes", is_ordered=True),
    "pipelines": _List("/api/v4/leads/pipelines", "pipelines", changed=None),
    "loss_reasons": _List("/api/v4/leads/loss_reasons", "loss_reasons", changed=None),
    "users": _List("/api/v4/users", "users", changed=None, more={"with": "group,role"}),
}
OBJECTS = (
    "leads",
    "events",
    "contacts",
    "companies",
    "tasks",
    "leads_notes",
    "contacts_notes",
    "pipelines",
    "users",
)
WHOLE = frozenset(name for name, told in _LISTS.items() if told.changed is None)
SHAPE = ", ".join(_LISTS)


def pages(reading: Reading, name: str, since: datetime | None) -> Iterator[Page]:
    """Yield the pages of one list, records changed at or after ``since`` (all without it)."""
    if name not in _LISTS:
        raise refuse_object(reading, name, SHAPE)
    told = _LISTS[name]
    after = int(since.timestamp()) if since is not None and told.changed else None
    if told.is_ordered:
        yield from _by_time(reading, name, after)
    else:
        yield from _by_page(reading, name, after, 1 if told.grows else _MOST_PASSES)


def _by_time(reading: Reading, name: str, after: int | None) -> Iterator[Page]:
    """Read a list in the order of updates, each request from the second of the last record.

    A list that comes in another order all the same is read by page numbers.
    """
    told = _LISTS[name]
    while True:
        rows, has_more = _ask(reading, name, after, 1)
        times = [row.get(told.changed) for row in rows]
        is_in_order = all(isinstance(t, int) for t in times) and times == sorted(times)
        if rows and not (is_in_order and times[0] >= _from(after)):
            yield from _by_page(reading, name, after, _MOST_PASSES)
            return
        yield rows
        if not (rows and has_more):
            return
        if after is None or times[-1] > after:
            after = times[-1]
        else:
            yield from _second(reading, name, after)
            after += 1


def _second(reading: Reading, name: str, second: int) -> Iterator[Page]:
    """Read the records of one second that fills more than a page, until nothing new comes."""
    told = _LISTS[name]
    known: set[Any] = set()
    for _ in range(_MOST_PASSES):
        page, fresh = 1, 0
        while True:
            rows, has_more = _ask(reading, name, second, page)
            of_second = [row for row in rows if (row.get(told.changed) or 0) <= second]
            new = [row for row in of_second if row["id"] not in known]
            known |= {row["id"] for row in new}
            fresh += len(new)
            yield new
            if not has_more or len(of_second) < len(rows):
                break
            page += 1
        if not fresh or _is_for_next(reading, second):
            return
    raise refuse_order(reading, name)


def _by_page(reading: Reading, name: str, after: int | None, passes: int) -> Iterator[Page]:
    """Read a list by page numbers; what may move is read again until a pass brings nothing new.

    A list of one page cannot move between pages. Records that are only added push the others to
    later pages, where they come twice and not never: one pass.
    """
    told = _LISTS[name]
    known: set[Any] = set()
    for number in range(passes):
        page, fresh = 1, 0
        while True:
            rows, has_more = _ask(reading, name, after, page)
            new = [row for row in rows if row["id"] not in known]
            known |= {row["id"] for row in new}
            fresh += sum(not _is_for_next(reading, row.get(told.changed or "")) for row in new)
            yield new
            if not has_more:
                break
            page += 1
        if page == 1 or passes == 1 or (number and not fresh):
            return
    raise refuse_order(reading, name)


def _from(after: int | None) -> int:
    """Return the second to ask from, so that the second ``after`` comes with it for certain."""
    return 0 if after is None else after - 1


def _is_for_next(reading: Reading, changed: Any) -> bool:
    """Tell a record that was changed after this reading began: the next pull reads it anyway."""
    return isinstance(changed, int) and changed >= reading.transport.covered_until.timestamp()


def _ask(reading: Reading, name: str, after: int | None, page: int) -> tuple[Page, bool]:
    """Ask for one page; tell whether another follows."""
    told = _LISTS[name]
    params: dict[str, Any] = {**told.more}
    if name != "pipelines":
        params |= {"page": page, "limit": min(reading.page_size or told.limit, told.limit)}
    if told.is_ordered:
        params[f"order[{told.changed}]"] = "asc"
    if after is not None:
        params[f"filter[{told.changed}][from]"] = _from(after)
    answer = reading.transport.get(name, told.path, params=params)
    if answer.body is None:
        return [], False
    embedded = answer.body.get("_embedded") if isinstance(answer.body, dict) else None
    rows = embedded.get(told.key) if isinstance(embedded, dict) else None
    if not isinstance(rows, list):
        raise refuse_shape(reading, name, f"records in `_embedded.{told.key}`")
    ids_of(reading, name, rows, "id", str)
    links = answer.body.get("_links")
    return rows, isinstance(links, dict) and bool(links.get("next"))


def dialect() -> Dialect:
    """Return how amoCRM tells errors and its time: as HTTP does."""
    return Dialect()
