"""HubSpot CRM v3: what changed by search in the order of ids, records whole by list or by id.

What belongs here: which objects there are, their properties, search and lists. What does not: HTTP.

Source: the CRM guide: lists page by `after` (100, or 50 with history), archived records come only
with `archived=true`; search filters by the time of update, answers 10,000 records of one query at
most, lags a little behind edits (the overlap covers it) and gives neither history nor associations.
So search names the ids that changed, each request behind the last id, and the records are then
asked for one by one, or the whole list where that takes fewer requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
from dagster_project.pull.transport import Dialect, Verdict

PER_SECOND = 9.0
BASE_URL = "https://api.hubapi.com"
_SEARCHES_PER_SECOND = 4.0
_SEARCH_PAGE = 100


@dataclass(frozen=True)
class _Object:
    """A kind of record: its properties, those with history, what it is associated with."""

    properties: tuple[str, ...]
    history: tuple[str, ...] = ()
    associations: tuple[str, ...] = ()
    changed: str = "hs_lastmodifieddate"


_ENGAGEMENT = (
    "hs_timestamp",
    "hs_createdate",
    "hs_lastmodifieddate",
    "hubspot_owner_id",
    "hs_activity_type",
)
_LINKS = ("deals", "contacts")
_RECORDS = {
    "deals": _Object(
        (
            "dealname",
            "dealstage",
            "pipeline",
            "dealtype",
            "amount",
            "amount_in_home_currency",
            "deal_currency_code",
            "closedate",
            "createdate",
            "hs_lastmodifieddate",
            "hubspot_owner_id",
            "hubspot_team_id",
            "hs_is_closed",
            "hs_is_closed_won",
            "hs_deal_stage_probability",
            "hs_primary_associated_company",
            "hs_merged_object_ids",
            "hs_analytics_source",
            "hs_analytics_source_data_1",
            "hs_analytics_source_data_2",
            "closed_lost_reason",
            "closed_won_reason",
        ),
        history=("dealstage", "pipeline", "hubspot_owner_id", "amount", "closedate"),
        associations=("companies", "contacts", "line_items"),
    ),
    "contacts": _Object(
        (
            "firstname",
            "lastname",
            "email",
            "phone",
            "mobilephone",
            "company",
            "createdate",
            "lastmodifieddate",
            "hubspot_owner_id",
            "lifecyclestage",
            "hs_lead_status",
            "hs_analytics_source",
            "hs_analytics_source_data_1",
            "hs_analytics_source_data_2",
            "hs_merged_object_ids",
            "num_associated_deals",
        ),
        history=("lifecyclestage", "hs_lead_status", "hubspot_owner_id"),
        associations=("companies", "deals"),
        changed="lastmodifieddate",
    ),
    "companies": _Object(
        (
            "name",
            "domain",
            "phone",
            "country",
            "city",
            "industry",
            "createdate",
            "hs_lastmodifieddate",
            "hubspot_owner_id",
            "lifecyclestage",
            "hs_merged_object_ids",
        )
    ),
    "line_items": _Object(
        (
            "name",
            "hs_product_id",
            "quantity",
            "price",
            "amount",
            "discount",
            "hs_cost_of_goods_sold",
            "createdate",
            "hs_lastmodifieddate",
        ),
        associations=("deals",),
    ),
    "calls": _Object(
        (
            *_ENGAGEMENT,
            "hs_call_direction",
            "hs_call_disposition",
            "hs_call_duration",
            "hs_call_status",
        ),
        associations=_LINKS,
    ),
    "meetings": _Object(
        (*_ENGAGEMENT, "hs_meeting_outcome", "hs_meeting_start_time", "hs_meeting_end_time"),
        associations=_LINKS,
    ),
    "emails": _Object((*_ENGAGEMENT, "hs_email_direction", "hs_email_status"), associations=_LINKS),
    "tasks": _Object((*_ENGAGEMENT, "hs_task_status", "hs_task_type"), associations=_LINKS),
}
OBJECTS = ("deals", "contacts", "companies", "calls", "meetings", "emails", "pipelines", "owners")
WHOLE = frozenset({"pipelines", "owners", "line_items"})  # the lines of a deal count together
SHAPE = ", ".join([*_RECORDS, "pipelines", "owners"])


def pages(reading: Reading, name: str, since: datetime | None) -> Iterator[Page]:
    """Yield the pages of one kind of record, changed at or after ``since`` (all without it)."""
    if name == "pipelines":
        yield from _list(reading, name, "/crm/v3/pipelines/deals", {})
        return
    if name == "owners":
        for archived in ("false", "true"):
            params = {"limit": 100, "archived": archived}
            yield from _list(reading, name, "/crm/v3/owners", params)
        return
    if name not in _RECORDS:
        raise refuse_object(reading, name, SHAPE)
    told = _RECORDS[name]
    path = f"/crm/v3/objects/{name}"
    wanted = _wanted(reading, name)
    whole = {**wanted, "limit": min(reading.page_size or 100, 50 if told.history else 100)}
    changed = None if since is None else list(_changed(reading, name, since))
    if changed is None or len(changed) > _list_cost(reading, name, whole["limit"]):
        yield from _list(reading, name, path, {**whole, "archived": "false"})
    else:
        yield from _one_by_one(reading, name, changed, wanted)
    # what was archived meanwhile is in this list: it comes last
    plain = {k: v for k, v in whole.items() if k == "properties"}
    limit = min(reading.page_size or 100, 100)
    yield from _list(reading, name, path, {**plain, "limit": limit, "archived": "true"})


def _wanted(reading: Reading, name: str) -> dict[str, str]:
    """Return what to ask of each record: given fields, else the usual ones and all custom ones."""
    told = _RECORDS[name]
    properties = reading.fields.get(name)
    if properties is None:
        answer = reading.transport.get(name, f"/crm/v3/properties/{name}")
        rows, _ = _rows(reading, name, answer.body)
        custom = [row["name"] for row in rows if row.get("hubspotDefined") is False]
        properties = [*told.properties, *custom]
    properties = list(dict.fromkeys([*properties, told.changed]))
    wanted = {"properties": ",".join(properties)}
    if told.history:
        wanted["propertiesWithHistory"] = ",".join(told.history)
    if told.associations:
        wanted["associations"] = ",".join(told.associations)
    return wanted


def _changed(reading: Reading, name: str, since: datetime) -> Iterator[str]:
    """Yield the ids of records changed at or after an instant, in the order of ids."""
    last = 0
    while True:
        since_when = _filter(_RECORDS[name].changed, "GTE", int(since.timestamp() * 1000))
        answer = _search(reading, name, [since_when, _filter("hs_object_id", "GT", last)])
        rows, _ = _rows(reading, name, answer)
        ids = ids_of(reading, name, rows, "id")
        if not ids:
            return
        if ids[0] <= last or ids != sorted(ids):
            raise refuse_order(reading, name)
        yield from map(str, ids)
        last = ids[-1]


def _list_cost(reading: Reading, name: str, limit: int) -> float:
    """Return how many requests the whole list would take."""
    answer = _search(reading, name, [_filter("hs_object_id", "GT", 0)], limit=1)
    total = answer.get("total")
    if not isinstance(total, int):
        raise refuse_shape(reading, name, "`total`")
    return total / limit


def _search(
    reading: Reading, name: str, filters: list[dict[str, Any]], limit: int = _SEARCH_PAGE
) -> dict[str, Any]:
    body = {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["hs_object_id"],
        "limit": limit,
    }
    path = f"/crm/v3/objects/{name}/search"
    return reading.transport.post(name, path, json=body, per_second=_SEARCHES_PER_SECOND).body


def _filter(name: str, operator: str, value: int) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _one_by_one(
    reading: Reading, name: str, ids: list[str], wanted: dict[str, str]
) -> Iterator[Page]:
    """Yield the named records; one that went away meanwhile is among the archived ones."""
    for number in ids:
        path = f"/crm/v3/objects/{name}/{number}"
        answer = reading.transport.get(name, path, params=wanted, accept=(404,))
        if answer.status == 200:
            ids_of(reading, name, [answer.body], "id")
            yield [answer.body]


def _list(reading: Reading, name: str, path: str, params: dict[str, Any]) -> Iterator[Page]:
    """Read a list by ``after``, which is a place in the order of ids."""
    after: str | None = None
    while True:
        asked = params if after is None else {**params, "after": after}
        rows, following = _rows(reading, name, reading.transport.get(name, path, params=asked).body)
        yield rows
        if following is None:
            return
        if following == after:
            raise refuse_order(reading, name)
        after = following


def _rows(reading: Reading, name: str, body: Any) -> tuple[Page, str | None]:
    if not (isinstance(body, dict) and isinstance(body.get("results"), list)):
        raise refuse_shape(reading, name, "`results`")
    following = ((body.get("paging") or {}).get("next") or {}).get("after")
    return body["results"], following


def dialect() -> Dialect:
    """Return how HubSpot tells errors: a daily limit is a refusal, not a pause."""
    return Dialect(_judge)


def _judge(status: int, body: Any) -> Verdict | None:
    if not isinstance(body, dict) or status < 400:
        return None
    told = f"{body.get('category') or 'error'}: {body.get('message') or ''} (status {status})"
    if status == 429 and body.get("policyName") == "DAILY":
        return Verdict("refused", told + "; the account's calls of the day are used up")
    return None
