"""Bitrix24 REST: lists by ascending id, so that nothing moves between pages.

What belongs here: which lists there are, their filters and paging. What does not: HTTP.

Source: the portal's documentation of list methods: pages of 50; for many records `start: -1`, order
by ID and `>ID` of the last one read, until nothing comes; `next` for the small lists. A record that
is edited while it is read keeps its id, so it is read once; the edit is later than the start of the
pull, so the next pull reads it again. Too many requests: 503 QUERY_LIMIT_EXCEEDED; too much time in
a method: 429 OPERATION_TIME_LIMIT, up to ten minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dagster_project.pull.reading import (
    Page,
    Reading,
    ids_of,
    refuse_object,
    refuse_order,
    refuse_shape,
)
from dagster_project.pull.transport import Dialect, Verdict

PER_SECOND = 2.0
PAGE = 50


@dataclass(frozen=True)
class _List:
    """A list method: where its rows lie, by which fields it is ordered and cut."""

    rows: str | None = None
    id: str = "ID"
    changed: str | None = None
    select: tuple[str, ...] = ()


_LISTS = {
    "crm.deal.list": _List(changed="DATE_MODIFY", select=("*", "UF_*")),
    "crm.lead.list": _List(changed="DATE_MODIFY", select=("*", "UF_*", "PHONE", "EMAIL")),
    "crm.contact.list": _List(changed="DATE_MODIFY", select=("*", "UF_*", "PHONE", "EMAIL")),
    "crm.company.list": _List(changed="DATE_MODIFY", select=("*", "UF_*", "PHONE", "EMAIL")),
    "crm.activity.list": _List(changed="LAST_UPDATED", select=("*",)),
    "crm.stagehistory.list": _List(rows="items", changed="CREATED_TIME"),
    "crm.item.list": _List(rows="items", id="id", changed="updatedTime", select=("*",)),
    "crm.item.productrow.list": _List(rows="productRows", id="id"),
}
_SMALL = {
    "crm.category.list": "categories",
    "crm.status.list": None,
    "user.get": None,
}
WHOLE = frozenset(_SMALL)
_TYPED = ("crm.stagehistory.list", "crm.item.list", "crm.category.list")
OBJECTS = (
    "crm.deal.list",
    "crm.lead.list",
    "crm.stagehistory.list:2",
    "crm.stagehistory.list:1",
    "crm.item.productrow.list",
    "crm.activity.list",
    "crm.category.list:2",
    "crm.status.list",
    "user.get",
)
SHAPE = (
    f"{', '.join([*_LISTS, *_SMALL])}; {', '.join(_TYPED)} with the entityTypeId, as in "
    "crm.stagehistory.list:2 for deals"
)


def pages(reading: Reading, name: str, since: datetime | None) -> Iterator[Page]:
    """Yield the pages of one list, records changed at or after ``since`` (all without it)."""
    method, _, kind = name.partition(":")
    if (method in _TYPED) != kind.isdigit() or method not in {*_LISTS, *_SMALL}:
        raise refuse_object(reading, name, SHAPE)
    given = {"entityTypeId": int(kind)} if kind else {}
    if method == "crm.item.productrow.list":
        yield from _product_rows(reading, since)
    elif method in _LISTS:
        yield from _by_id(reading, method, since, given)
    else:
        yield from _by_next(reading, method, given)


def _by_id(
    reading: Reading,
    method: str,
    since: datetime | None,
    given: dict[str, Any],
    more: dict[str, Any] | None = None,
) -> Iterator[Page]:
    """Read a list in the order of ids, from the last one read, until nothing comes."""
    told = _LISTS[method]
    condition = dict(more or {})
    if since is not None and told.changed:
        condition[f">={told.changed}"] = since.isoformat(timespec="seconds")
    select = reading.fields.get(method) or told.select
    last = 0
    while True:
        body = {
            **given,
            "order": {told.id: "ASC"},
            "filter": {**condition, f">{told.id}": last},
            "start": -1,
        }
        if select:
            body["select"] = list(dict.fromkeys([told.id, *select]))
        answer = reading.transport.post(method, f"/{method}", json=body)
        rows = _rows(reading, method, answer.body["result"], told.rows)
        if not rows:
            return
        ids = ids_of(reading, method, rows, told.id)
        if ids[0] <= last or ids != sorted(ids):
            raise refuse_order(reading, method)
        yield rows
        last = ids[-1]


def _by_next(reading: Reading, method: str, given: dict[str, Any]) -> Iterator[Page]:
    """Read a small list by ``next``; in the order of ids where the method has one."""
    start: int | None = None
    if method == "user.get":
        given = {**given, "sort": "ID", "order": "ASC", "ADMIN_MODE": True}
    if method == "crm.status.list":
        given = {**given, "order": {"ID": "ASC"}}
    while True:
        body = given if start is None else {**given, "start": start}
        told = reading.transport.post(method, f"/{method}", json=body).body
        yield _rows(reading, method, told["result"], _SMALL[method])
        following = told.get("next")
        if following is None:
            return
        if start is not None and following <= start:
            raise refuse_order(reading, method)
        start = following


def _product_rows(reading: Reading, since: datetime | None) -> Iterator[Page]:
    """Read the product rows of the deals that changed: the method answers for named owners only."""
    lean = Reading(reading.transport, fields={"crm.deal.list": ["ID"]})
    for deals in _by_id(lean, "crm.deal.list", since, {}):
        owners = ids_of(lean, "crm.deal.list", deals, "ID")
        condition = {"=ownerType": "D", "=ownerId": owners}
        yield from _by_id(reading, "crm.item.productrow.list", None, {}, condition)


def _rows(reading: Reading, method: str, result: Any, key: str | None) -> Page:
    """Return the rows of a result; PHP writes an empty object as ``[]``."""
    if result in ([], {}):
        return []
    rows = result.get(key) if key and isinstance(result, dict) else result
    if not isinstance(rows, list):
        raise refuse_shape(reading, method, f"a list in `result{'.' + key if key else ''}`")
    return rows


# -- how the portal speaks -------------------------------------------------------------------------


def dialect() -> Dialect:
    """Return how the portal tells errors and its time: in the body."""
    return Dialect(_judge, _instant)


def _judge(status: int, body: Any) -> Verdict | None:
    code = body.get("error") if isinstance(body, dict) else None
    if not code:
        if status == 200 and not (isinstance(body, dict) and "result" in body):
            return Verdict("again", "an answer without `result`")
        return None
    told = f"{code}: {body.get('error_description') or 'no description'} (status {status})"
    code = str(code).upper()
    if code == "QUERY_LIMIT_EXCEEDED":
        return Verdict("again", told)
    if code == "OPERATION_TIME_LIMIT":
        return Verdict("again", told, _until_reset(body))
    if code in {"EXPIRED_TOKEN", "INVALID_TOKEN", "NO_AUTH_FOUND", "INVALID_CREDENTIALS"}:
        return Verdict("expired", told)
    return Verdict("again" if status >= 500 else "refused", told)


def _until_reset(body: dict[str, Any]) -> float:
    """Return the seconds until a blocked method is free again, ten minutes at most."""
    time = body.get("time") or {}
    reset, now = time.get("operating_reset_at"), time.get("finish") or time.get("start")
    if reset is None or now is None:
        return 600.0
    return min(max(float(reset) - float(now), 1.0), 600.0)


def _instant(body: Any) -> datetime | None:
    """Return when the portal began to answer, with the portal's own offset.

    Filters are then written with that offset, so that they mean the same to a version that reads
    the offset and to one that does not.
    """
    time = body.get("time") if isinstance(body, dict) else None
    try:
        told = datetime.fromisoformat(time["date_start"])
    except (TypeError, KeyError, ValueError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)
