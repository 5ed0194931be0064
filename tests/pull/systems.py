"""The four systems as their documentation has them, small: lists, paging, tokens, errors.

What belongs here: what a server does. What does not: anything taken from the code under test.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar

from tests.pull.portal import Portal, Reply, Request

MOSCOW = timezone(timedelta(hours=3))


class World(Portal):
    """A system with records that can be edited.

    ``main`` is the object that the tests of all systems pull; ``token`` is a secret.
    """

    system: str
    main: str
    file: str
    page: int
    token = "tok-5ecret-0123456789"
    settings: ClassVar[dict[str, Any]]

    def __init__(self) -> None:
        super().__init__()
        self.is_token_expired = False
        self.records: dict[int, dict[str, Any]] = {}

    @property
    def environment(self) -> dict[str, str]:
        return {"KPI_CRM_TOKEN": self.token}

    def pull_settings(self) -> dict[str, Any]:
        return {"base_url": self.url, "objects": [self.main], **self.settings}

    def is_main(self, request: Request) -> bool:
        """Tell a request for a page of the main object."""
        raise NotImplementedError

    def add(self, number: int, *, minutes_ago: float = 600, value: str = "1") -> None:
        raise NotImplementedError

    def edit(self, number: int, value: str) -> None:
        """Change a record now."""
        self.add(number, minutes_ago=0, value=value)

    def fill(self, count: int) -> None:
        for number in range(1, count + 1):
            self.add(number, minutes_ago=6000 - number)

    def read(self, line: dict[str, Any]) -> tuple[int, str]:
        """Return a line's id and value."""
        raise NotImplementedError

    def expired(self) -> Reply:
        """Return what the system answers to a token that is no longer valid."""
        raise NotImplementedError


class Bitrix24(World):
    """A portal: POST /rest/1/CODE/method with JSON; pages of 50; `start: -1` counts nothing."""

    system, main, file, page = "bitrix24", "crm.deal.list", "crm.deal.list.ndjson", 50
    code = "c0de5ecretc0de5e"
    settings: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.broken_filter = False

    @property
    def environment(self) -> dict[str, str]:
        return {"KPI_CRM_WEBHOOK": f"{self.url}/rest/1/{self.code}/"}

    def pull_settings(self) -> dict[str, Any]:
        return {"objects": [self.main], **self.settings}

    def is_main(self, request: Request) -> bool:
        return request.path.endswith("/crm.deal.list")

    def add(self, number: int, *, minutes_ago: float = 600, value: str = "1") -> None:
        when = (self.now - timedelta(minutes=minutes_ago)).astimezone(MOSCOW)
        self.records[number] = {
            "ID": str(number),
            "TITLE": f"Сделка {number}",
            "OPPORTUNITY": value,
            "DATE_MODIFY": when.isoformat(timespec="seconds"),
        }

    def read(self, line: dict[str, Any]) -> tuple[int, str]:
        return int(line["ID"]), line["OPPORTUNITY"]

    def expired(self) -> Reply:
        return Reply(401, {"error": "expired_token", "error_description": "Token has expired"})

    def answer(self, request: Request) -> Reply:
        match = re.fullmatch(r"/rest/(?:1/(\w+)/)?([a-z.]+)", request.path)
        assert match, request.path
        code, method = match.groups()
        allowed = code == self.code if code else request.body.get("auth") == self.token
        if not allowed:
            return Reply(401, {"error": "NO_AUTH_FOUND", "error_description": "Wrong auth"})
        if self.is_token_expired:
            return self.expired()
        rows = self.rows(method, request.body)
        wrap = {"crm.stagehistory.list": "items", "crm.item.list": "items"}
        wrap |= {"crm.item.productrow.list": "productRows", "crm.category.list": "categories"}
        start = request.body.get("start", 0)
        page = rows[max(start, 0) : max(start, 0) + 50]
        body: dict[str, Any] = {"result": {wrap[method]: page} if method in wrap else page}
        if start >= 0:
            body["total"] = len(rows)
            if len(rows) > start + 50:
                body["next"] = start + 50
        return Reply(200, body | {"time": self.time()})

    def time(self) -> dict[str, Any]:
        begun = self.now.astimezone(MOSCOW).isoformat(timespec="seconds")
        seconds = self.now.timestamp()
        return {"start": seconds, "finish": seconds + 0.25, "date_start": begun}

    def rows(self, method: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        rows = list(self.records.values()) if method == self.main else self.lists.get(method, [])
        order, conditions = body.get("order", {}), body.get("filter", {})
        for key, wanted in conditions.items():
            sign, name = re.fullmatch(r"(>=|>|=|)(\w+)", key).groups()
            if sign == ">=":
                since = datetime.fromisoformat(wanted)
                rows = [r for r in rows if datetime.fromisoformat(r[name]) >= since]
            elif sign == ">" and not self.broken_filter:
                rows = [r for r in rows if int(r[name]) > int(wanted)]
            elif sign == "=":
                among = wanted if isinstance(wanted, list) else [wanted]
                rows = [r for r in rows if r[name] in among]
        if isinstance(order, dict):
            for name in order:
                rows = sorted(rows, key=lambda r: int(r[name]))
        return rows


class AmoCrm(World):
    """An account: GET /api/v4/..., `_links.next` until the last page, 204 for nothing."""

    system, main, file, page = "amocrm", "leads", "leads.ndjson", 3
    settings: ClassVar[dict[str, Any]] = {"page_size": 3}

    def __init__(self) -> None:
        super().__init__()
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.refresh_token = "refresh-5ecret-1"
        self.client_secret = "client-5ecret-abc"
        self.renewals = 0
        self.ignores_order = False
        self.is_from_left_out = False

    def is_main(self, request: Request) -> bool:
        return request.path == "/api/v4/leads"

    def add(self, number: int, *, minutes_ago: float = 600, value: str = "1") -> None:
        when = int((self.now - timedelta(minutes=minutes_ago)).timestamp())
        self.records[number] = {
            "id": number,
            "price": int(value),
            "created_at": 1700000000,
            "updated_at": when,
        }

    def read(self, line: dict[str, Any]) -> tuple[int, str]:
        return line["id"], str(line["price"])

    def expired(self) -> Reply:
        return Reply(401, {"title": "Unauthorized", "status": 401, "detail": "Unauthorized"})

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth2/access_token":
            return self.renew(request.body)
        if request.token != self.token or self.is_token_expired:
            return self.expired()
        name = request.path.removeprefix("/api/v4/")
        key = name.rsplit("/", 1)[-1]
        rows = list(self.records.values()) if name == "leads" else list(self.lists.get(name, []))
        query = request.query
        for column in ("updated_at", "created_at"):
            since = query.get(f"filter[{column}][from]")
            if since:
                begun = int(since) + self.is_from_left_out
                rows = [r for r in rows if r[column] >= begun]
            if f"order[{column}]" in query and not self.ignores_order:
                rows.sort(key=lambda r: (r[column], r["id"]))
        if "order[id]" in query:
            rows.sort(key=lambda r: r["id"])
        page, limit = int(query.get("page", 1)), int(query.get("limit", 50))
        shown = rows[(page - 1) * limit : page * limit]
        if not shown:
            return Reply(204)
        links: dict[str, Any] = {"self": {"href": f"{self.url}{request.path}?page={page}"}}
        if len(rows) > page * limit:
            links["next"] = {"href": f"{self.url}{request.path}?page={page + 1}"}
        return Reply(200, {"_page": page, "_links": links, "_embedded": {key: shown}})

    def renew(self, body: dict[str, str]) -> Reply:
        """Give another pair; the refresh token that was used is spent."""
        right = {
            "grant_type": "refresh_token",
            "client_id": "client-1",
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
            "redirect_uri": "https://example.com/",
        }
        if body != right:
            return Reply(400, {"hint": "invalid grant", "given": body})
        self.renewals += 1
        self.token = f"tok-5ecret-renewed-{self.renewals}"
        self.refresh_token = f"refresh-5ecret-{self.renewals + 1}"
        self.is_token_expired = False
        pair = {"access_token": self.token, "refresh_token": self.refresh_token}
        return Reply(200, {"token_type": "Bearer", "expires_in": 86400, **pair})


class Salesforce(World):
    """An org: describe, queryAll whose result stands still, and the locators of its rest."""

    system, main, file, page = "salesforce", "Opportunity", "Opportunity.ndjson", 3
    settings: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[str] = []
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.client_secret = "client-5ecret-sf"
        self.own_fields: list[str] = []
        self.renewals = 0

    def is_main(self, request: Request) -> bool:
        return "/query" in request.path

    def add(
        self, number: int, *, minutes_ago: float = 600, value: str = "1", deleted: bool = False
    ) -> None:
        when = self.now - timedelta(minutes=minutes_ago)
        identity = f"006q0000000{number:04d}AAA"
        self.records[number] = {
            "attributes": {"type": "Opportunity", "url": f"/services/data/x/{identity}"},
            "Id": identity,
            "Amount": float(value),
            "IsDeleted": deleted,
            "SystemModstamp": when.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        }

    def read(self, line: dict[str, Any]) -> tuple[int, str]:
        return int(line["Id"][11:15]), str(int(line["Amount"]))

    def expired(self) -> Reply:
        told = {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
        return Reply(401, [told])

    def answer(self, request: Request) -> Reply:
        if request.path == "/services/oauth2/token":
            return self.renew(request.body)
        if request.token != self.token or self.is_token_expired:
            return self.expired()
        path = request.path.removeprefix("/services/data/v59.0")
        if path == f"/sobjects/{self.main}/describe":
            return Reply(200, {"queryable": True, "fields": self.fields()})
        if path.startswith("/sobjects/"):
            told = {"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}
            return Reply(404, [told])
        if path == "/queryAll":
            return self.page_of(self.query(request.query["q"]), 0, f"01g{len(self.queries)}")
        locator, _, offset = path.removeprefix("/query/").rpartition("-")
        if locator not in self.results:
            told = {"errorCode": "INVALID_QUERY_LOCATOR", "message": "invalid query locator"}
            return Reply(400, [told])
        return self.page_of(self.results[locator], int(offset), locator)

    def fields(self) -> list[dict[str, str]]:
        kinds = dict.fromkeys(self.own_fields, "string")
        kinds |= {"Id": "id", "Amount": "currency", "IsDeleted": "boolean"}
        kinds |= {"SystemModstamp": "datetime", "BillingAddress": "address"}
        return [{"name": name, "type": kind} for name, kind in kinds.items()]

    def query(self, soql: str) -> list[dict[str, Any]]:
        self.queries.append(soql)
        match = re.fullmatch(r"SELECT ([\w,]+) FROM \w+(?: WHERE (.+))? ORDER BY Id", soql)
        assert match, soql
        wanted = {"Id", "Amount", "IsDeleted", "SystemModstamp", *self.own_fields}
        assert set(match.group(1).split(",")) == wanted
        rows = sorted(self.records.values(), key=lambda r: r["Id"])
        for condition in (match.group(2) or "").split(" AND "):
            if since := re.fullmatch(r"SystemModstamp >= (\S+Z)", condition):
                begun = datetime.fromisoformat(since.group(1))
                rows = [r for r in rows if self.stamp(r) >= begun]
            elif last := re.fullmatch(r"Id > '(\w+)'", condition):
                rows = [r for r in rows if r["Id"] > last.group(1)]
            else:
                assert not condition, condition
        return [dict(row) for row in rows]

    @staticmethod
    def stamp(row: dict[str, Any]) -> datetime:
        return datetime.strptime(row["SystemModstamp"], "%Y-%m-%dT%H:%M:%S.%f%z")

    def page_of(self, rows: list[dict[str, Any]], offset: int, locator: str) -> Reply:
        self.results[locator] = rows
        end = offset + self.page
        body: dict[str, Any] = {"totalSize": len(rows), "done": end >= len(rows)}
        if end < len(rows):
            body["nextRecordsUrl"] = f"/services/data/v59.0/query/{locator}-{end}"
        return Reply(200, body | {"records": rows[offset:end]})

    def renew(self, body: dict[str, str]) -> Reply:
        right = {
            "grant_type": "client_credentials",
            "client_id": "client-1",
            "client_secret": self.client_secret,
        }
        if body != right:
            return Reply(400, {"error": "invalid_client", "error_description": str(body)})
        self.renewals += 1
        self.token = f"tok-5ecret-renewed-{self.renewals}"
        self.is_token_expired = False
        return Reply(200, {"access_token": self.token, "instance_url": self.url})


class HubSpot(World):
    """An account: search by filters, lists by `after`, archived records only when asked."""

    system, main, file, page = "hubspot", "deals", "deals.ndjson", 3
    settings: ClassVar[dict[str, Any]] = {"page_size": 3}

    def __init__(self) -> None:
        super().__init__()
        self.archived: dict[int, dict[str, Any]] = {}
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.client_secret = "client-5ecret-hs"
        self.refresh_token = "refresh-5ecret-hs"
        self.renewals = 0
        self.search_page = 100

    def is_main(self, request: Request) -> bool:
        return request.path.startswith("/crm/v3/objects/deals")

    def add(self, number: int, *, minutes_ago: float = 600, value: str = "1") -> None:
        when = self.now - timedelta(minutes=minutes_ago)
        told = when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.records[number] = {
            "id": str(number),
            "properties": {"amount": value, "hs_lastmodifieddate": told},
            "updatedAt": told,
            "archived": False,
        }

    def archive(self, number: int) -> None:
        self.archived[number] = self.records.pop(number) | {"archived": True}

    def read(self, line: dict[str, Any]) -> tuple[int, str]:
        return int(line["id"]), line["properties"]["amount"]

    def expired(self) -> Reply:
        told = {"status": "error", "category": "EXPIRED_AUTHENTICATION"}
        return Reply(401, told | {"message": "The OAuth token used to make this call expired"})

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth/v1/token":
            return self.renew(request.body)
        if request.token != self.token or self.is_token_expired:
            return self.expired()
        path = request.path
        if path == "/crm/v3/properties/deals":
            names = {"amount": True, "hs_lastmodifieddate": True, "own_field": False}
            rows = [{"name": name, "hubspotDefined": own} for name, own in names.items()]
            return Reply(200, {"results": rows})
        if path == "/crm/v3/objects/deals/search":
            return self.search(request.body)
        if path == "/crm/v3/objects/deals":
            rows = self.archived if request.query["archived"] == "true" else self.records
            return self.by_after([rows[n] for n in sorted(rows)], request)
        if match := re.fullmatch(r"/crm/v3/objects/deals/(\d+)", path):
            row = self.records.get(int(match.group(1)))
            return Reply(200, self.with_history(row, request)) if row else Reply(404, {})
        rows = self.lists.get(path.removeprefix("/crm/v3/"), [])
        if "archived" in request.query:
            rows = [r for r in rows if r["archived"] == (request.query["archived"] == "true")]
        return self.by_after(rows, request)

    @staticmethod
    def with_history(row: dict[str, Any], request: Request) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if "propertiesWithHistory" in request.query:
            told = [{"value": row["properties"]["amount"], "timestamp": row["updatedAt"]}]
            more["propertiesWithHistory"] = {"amount": told}
        if "associations" in request.query:
            more["associations"] = {"companies": {"results": [{"id": "9", "type": "d_to_c"}]}}
        return {**row, **more}

    def by_after(self, rows: list[dict[str, Any]], request: Request) -> Reply:
        after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", 100))
        rest = [r for r in rows if int(r["id"]) > after] if after else rows
        shown = [self.with_history(r, request) if "properties" in r else r for r in rest[:limit]]
        body: dict[str, Any] = {"results": shown}
        if len(rest) > limit:
            body["paging"] = {"next": {"after": shown[-1]["id"], "link": "https://elsewhere/"}}
        return Reply(200, body)

    def search(self, body: dict[str, Any]) -> Reply:
        assert body["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        rows = [self.records[number] for number in sorted(self.records)]
        tests: dict[tuple[str, str], Callable[[dict[str, Any], int], bool]] = {
            ("hs_object_id", "GT"): lambda row, value: int(row["id"]) > value,
            ("hs_lastmodifieddate", "GTE"): lambda row, value: (
                datetime.fromisoformat(row["updatedAt"]).astimezone(UTC).timestamp() * 1000 >= value
            ),
        }
        for given in body["filterGroups"][0]["filters"]:
            test = tests[given["propertyName"], given["operator"]]
            rows = [row for row in rows if test(row, int(given["value"]))]
        limit = min(body["limit"], self.search_page)
        shown = [{"id": row["id"], "properties": {}} for row in rows[:limit]]
        return Reply(200, {"total": len(rows), "results": shown})

    def renew(self, body: dict[str, str]) -> Reply:
        right = {
            "grant_type": "refresh_token",
            "client_id": "client-1",
            "client_secret": self.client_secret,
            "refresh_token": self.refresh_token,
        }
        if body != right:
            return Reply(400, {"status": "BAD_REFRESH_TOKEN", "message": str(body)})
        self.renewals += 1
        self.token = f"tok-5ecret-renewed-{self.renewals}"
        self.is_token_expired = False
        return Reply(200, {"access_token": self.token, "refresh_token": self.refresh_token})


WORLDS = [Bitrix24, AmoCrm, Salesforce, HubSpot]
