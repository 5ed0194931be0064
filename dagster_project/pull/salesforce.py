"""Salesforce REST: SOQL through queryAll, deleted records too, page after page of one result.

What belongs here: which objects and fields there are, the query and its pages. What does not: HTTP.

Source: the REST guide: `/sobjects/X/describe` names the fields, `/queryAll?q=` answers with
`nextRecordsUrl` until `done`; a result stands still on the server for up to two days, so an edit
moves nothing in it; its locator may be lost earlier (INVALID_QUERY_LOCATOR), then the query goes on
behind the last id read. SystemModstamp is when a record last changed, by whomever.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from dagster_project.pull.reading import (
    NotThere,
    Page,
    Reading,
    ids_of,
    refuse_object,
    refuse_order,
    refuse_shape,
)
from dagster_project.pull.transport import Answer, Dialect, Verdict

PER_SECOND = 10.0
API_VERSION = "v59.0"
OBJECTS = (
    "Opportunity",
    "OpportunityHistory",
    "OpportunityFieldHistory",
    "OpportunityLineItem",
    "OpportunityStage",
    "Lead",
    "Account",
    "User",
    "UserRole",
    "Task",
    "Event",
    "Campaign",
    "Product2",
)
WHOLE = frozenset({"OpportunityLineItem"})  # the lines of a deal count together
SHAPE = "an object's API name, such as Opportunity or Invoice__c"
_CHANGED = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
_NO_COLUMN = {"address", "location", "base64"}  # compound fields come as their parts


def pages(reading: Reading, name: str, since: datetime | None) -> Iterator[Page]:
    """Yield the pages of one object, records changed at or after ``since`` (all without it)."""
    if not name.replace("_", "").isalnum():
        raise refuse_object(reading, name, SHAPE)
    fields, changed = _describe(reading, name)
    conditions = []
    if since is not None and changed:
        conditions.append(f"{changed} >= {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    last: str | None = None
    while True:
        where = [*conditions, *([f"Id > '{last}'"] if last else [])]
        query = f"SELECT {','.join(fields)} FROM {name}"
        query += f" WHERE {' AND '.join(where)}" if where else ""
        answer = _query(reading, name, query + " ORDER BY Id")
        began, followed = last, set()
        while answer is not None:
            rows, following = _rows(reading, name, answer)
            yield rows
            last = ids_of(reading, name, rows, "Id", str)[-1] if rows else last
            if following is None:
                return
            if following in followed:
                raise refuse_order(reading, name)
            followed.add(following)
            answer = _more(reading, name, following)
        if last == began:
            raise refuse_order(reading, name)


def _describe(reading: Reading, name: str) -> tuple[list[str], str | None]:
    """Return the fields to ask for and the one that tells a record's last change."""
    path = f"/sobjects/{name}/describe"
    answer = reading.transport.get(name, path, accept=(404,))
    if answer.status == 404:
        raise NotThere(f"this org has no {name}, or the token's user may not see it")
    told = answer.body.get("fields") if isinstance(answer.body, dict) else None
    if not isinstance(told, list):
        raise refuse_shape(reading, name, "its fields")
    if not answer.body.get("queryable", True):
        raise NotThere(f"{name} cannot be queried in this org")
    there = [f["name"] for f in told if f.get("type") not in _NO_COLUMN]
    changed = next((field for field in _CHANGED if field in there), None)
    wanted = reading.fields.get(name) or there
    needed = [field for field in ("Id", changed, "IsDeleted") if field in there]
    return list(dict.fromkeys([*needed, *wanted])), changed


def _query(reading: Reading, name: str, query: str) -> Answer:
    headers = {}
    if reading.page_size:
        headers["Sforce-Query-Options"] = f"batchSize={reading.page_size}"
    return reading.transport.get(name, "/queryAll", params={"q": query}, headers=headers)


def _more(reading: Reading, name: str, following: str) -> Answer | None:
    """Return the next page; None where the server no longer holds the result."""
    answer = reading.transport.get(name, following, accept=(400, 404))
    if answer.status == 200:
        return answer
    codes = {e.get("errorCode") for e in answer.body or [] if isinstance(e, dict)}
    if codes & {"INVALID_QUERY_LOCATOR", "NOT_FOUND"}:
        return None
    raise reading.transport.failure(name, Verdict("refused", f"{sorted(map(str, codes))}"))


def _rows(reading: Reading, name: str, answer: Answer) -> tuple[Page, str | None]:
    body = answer.body
    if not (isinstance(body, dict) and isinstance(body.get("records"), list)):
        raise refuse_shape(reading, name, "`records`")
    if body.get("done") is True:
        return body["records"], None
    prefix, _, locator = str(body.get("nextRecordsUrl") or "").partition("/query")
    if not (prefix.startswith("/services/data/v") and locator):
        raise refuse_shape(reading, name, "`done`, or `nextRecordsUrl` below /services/data/")
    return body["records"], "/query" + locator


def dialect() -> Dialect:
    """Return how Salesforce tells errors: a daily limit is a refusal, not a pause."""
    return Dialect(_judge)


def _judge(status: int, body: Any) -> Verdict | None:
    first = body[0] if isinstance(body, list) and body and isinstance(body[0], dict) else {}
    code = first.get("errorCode")
    if not code or status < 400:
        return None
    told = f"{code}: {first.get('message') or 'no message'} (status {status})"
    if code == "REQUEST_LIMIT_EXCEEDED":
        return Verdict("refused", told + "; the org's calls of the last 24 hours are used up")
    if code in {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT"}:
        return Verdict("again", told)
    return Verdict("expired", told) if status == 401 else None
