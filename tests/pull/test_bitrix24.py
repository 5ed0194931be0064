"""Bitrix24: limits told in the body, lists by id, dependants of deals, secrets that are echoed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from dagster_project.errors import PullFailed, WorkspaceError
from dagster_project.pull import credentials
from tests.pull.portal import Reply

QUERY_LIMIT = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}


def test_pages_are_asked_for_behind_the_last_id_without_counting(portal):
    portal.world.fill(120)
    portal.pull()
    bodies = [request.body for request in portal.world.requests]
    assert [body["filter"] for body in bodies] == [{">ID": n} for n in (0, 50, 100, 120)]
    assert {body["start"] for body in bodies} == {-1}
    assert all(body["order"] == {"ID": "ASC"} for body in bodies)
    assert all(body["select"] == ["ID", "*", "UF_*"] for body in bodies)


def test_the_limit_of_requests_in_a_503_is_waited_for(portal):
    portal.world.fill(120)
    portal.world.fault(Reply(503, QUERY_LIMIT), portal.world.is_main, times=2, skip=1)
    told = Reply(503, QUERY_LIMIT, {"Retry-After": "9"})
    portal.world.fault(told, portal.world.is_main, skip=1)
    portal.pull()
    assert len(portal.values(0)) == 120
    assert 9.0 in portal.hands.slept
    assert any("QUERY_LIMIT_EXCEEDED" in text for text in portal.told)


def test_a_method_blocked_for_its_running_time_is_asked_again_when_it_is_free(portal):
    portal.world.fill(1)
    now = portal.world.now.timestamp()
    time = {"start": now, "finish": now + 1.5, "operating_reset_at": int(now) + 131}
    blocked = {"error": "OPERATION_TIME_LIMIT", "error_description": "blocked", "time": time}
    portal.world.fault(Reply(429, blocked), portal.world.is_main)
    portal.pull()
    assert 129.5 in portal.hands.slept  # 131 - 1.5


def test_a_method_blocked_without_a_time_is_asked_again_after_ten_minutes(portal):
    portal.world.fill(1)
    portal.world.fault(Reply(429, {"error": "OPERATION_TIME_LIMIT"}), portal.world.is_main)
    portal.pull()
    assert 600.0 in portal.hands.slept


def test_an_error_in_an_answer_with_status_200_is_an_error(portal):
    portal.world.fill(1)
    portal.world.fault(Reply(200, {"error": "ACCESS_DENIED", "error_description": "No right"}))
    with pytest.raises(PullFailed, match="ACCESS_DENIED: No right"):
        portal.pull()


def test_the_next_pull_asks_with_the_portals_own_offset(portal):
    portal.world.fill(1)
    portal.pull()
    portal.pull()
    told = portal.world.requests[-1].body["filter"][">=DATE_MODIFY"]
    # the portal began to answer at 15:00 in Moscow; ten minutes of overlap
    assert told == "2026-03-31T14:50:00+03:00"


def test_a_portal_that_ignores_the_condition_on_ids_is_not_read_for_ever(portal):
    portal.world.fill(60)
    portal.world.broken_filter = True
    with pytest.raises(PullFailed, match="the same page again"):
        portal.pull()
    assert len(portal.world.requests) == 2
    assert portal.deliveries == []


def test_product_rows_are_those_of_the_deals_that_changed(portal):
    portal.world.fill(120)
    portal.world.lists["crm.item.productrow.list"] = [
        {"id": 1000 + deal, "ownerId": deal, "ownerType": "D", "price": 10.5}
        for deal in range(1, 121)
    ]
    portal.write(objects=["crm.item.productrow.list"])
    portal.pull()
    lines = portal.lines(0, "crm.item.productrow.list.ndjson")
    assert [line["ownerId"] for line in lines] == list(range(1, 121))
    portal.world.now += timedelta(hours=1)
    portal.world.edit(7, "2")
    portal.pull()
    assert [line["id"] for line in portal.lines(1, "crm.item.productrow.list.ndjson")] == [1007]


def test_small_lists_are_read_by_next_to_the_end(portal):
    users = [{"ID": str(n), "ACTIVE": n % 2 == 0, "LAST_NAME": f"И{n}"} for n in range(1, 71)]
    portal.world.lists["user.get"] = users
    portal.world.lists["crm.category.list"] = [{"id": 0, "name": "Общая", "entityTypeId": 2}]
    portal.world.lists["crm.status.list"] = [
        {"ID": "101", "ENTITY_ID": "DEAL_STAGE", "STATUS_ID": "WON", "SEMANTICS": "S"}
    ]
    portal.write(objects=["user.get", "crm.category.list:2", "crm.status.list"])
    portal.pull()
    assert portal.lines(0, "user.get.ndjson") == users
    assert portal.lines(0, "crm.category.list.2.ndjson")[0]["name"] == "Общая"
    assert portal.lines(0, "crm.status.list.ndjson")[0]["SEMANTICS"] == "S"


def test_stage_history_and_items_lie_one_level_deeper(portal):
    history = [
        {"ID": n, "TYPE_ID": 2, "OWNER_ID": 9, "CREATED_TIME": "2026-03-30T10:00:00+03:00"}
        for n in range(1, 61)
    ]
    items = [{"id": 253, "opportunity": 19000, "updatedTime": "2026-03-30T10:00:00+03:00"}]
    portal.world.lists |= {"crm.stagehistory.list": history, "crm.item.list": items}
    portal.write(objects=["crm.stagehistory.list:2", "crm.item.list:31"])
    portal.pull()
    assert portal.lines(0, "crm.stagehistory.list.2.ndjson") == history
    assert portal.lines(0, "crm.item.list.31.ndjson") == items
    assert {request.body["entityTypeId"] for request in portal.world.requests} == {2, 31}


@pytest.mark.parametrize("name", ["crm.stagehistory.list", "crm.deal.list:2", "crm.deal.delete"])
def test_an_object_without_its_type_or_with_one_too_many_is_refused(portal, name):
    portal.write(objects=[name])
    with pytest.raises(WorkspaceError, match="entityTypeId"):
        portal.pull()
    assert portal.world.requests == []


def test_a_webhook_that_a_record_echoes_is_masked_in_the_line(portal):
    portal.world.fill(1)
    portal.world.records[1]["UF_FILE"] = {
        "urlMachine": f"{portal.world.url}/rest/1/{portal.world.code}/getFile/?token=x"
    }
    portal.pull()
    (line,) = portal.lines(0)
    assert line["UF_FILE"]["urlMachine"] == "***getFile/?token=x"
    assert portal.world.code.encode() not in portal.all_bytes()


def test_fields_of_the_workspace_are_asked_for_and_the_id_with_them(portal):
    portal.world.fill(1)
    portal.write(fields={"crm.deal.list": ["STAGE_ID", "UF_CRM_1"]})
    portal.pull()
    assert portal.world.requests[0].body["select"] == ["ID", "STAGE_ID", "UF_CRM_1"]


def test_other_fields_are_asked_of_every_record_and_not_of_those_that_change_from_now_on(portal):
    portal.world.fill(3)
    portal.write(fields={"crm.deal.list": ["STAGE_ID"]})
    portal.pull()
    portal.write(fields={"crm.deal.list": ["STAGE_ID", "UF_CRM_COST"]})
    portal.world.now += timedelta(hours=1)
    assert portal.pull().records == 3
    portal.world.now += timedelta(hours=1)
    assert portal.pull().records == 0


def test_a_webhook_that_is_none_is_refused_without_showing_it(portal, monkeypatch):
    monkeypatch.setenv("KPI_CRM_WEBHOOK", "https://x.bitrix24.ru/rest/1/c0de5ecretc0de5e/crm.deal")
    with pytest.raises(WorkspaceError, match="KPI_CRM_WEBHOOK") as refused:
        portal.pull()
    assert "c0de5ecret" not in str(refused.value)


def test_an_application_token_goes_in_the_body_and_is_renewed_where_the_keyring_can_keep_it(
    portal, monkeypatch
):
    import keyring

    from tests.pull.test_amocrm import Memory

    memory = Memory()
    keyring.set_keyring(memory)
    service = f"kpi {portal.directory.resolve()}"
    memory.kept[service, "KPI_CRM_REFRESH_TOKEN"] = "refresh-5ecret-1"
    monkeypatch.delenv("KPI_CRM_WEBHOOK")
    monkeypatch.setenv("KPI_CRM_CLIENT_SECRET", "client-5ecret")
    monkeypatch.setenv("KPI_CRM_TOKEN", "tok-5ecret-old")
    monkeypatch.setattr(credentials, "_BITRIX24_OAUTH", f"{portal.world.url}/oauth/token/")
    answer, asked = portal.world.answer, []

    def with_oauth(request):
        if request.path != "/oauth/token/":
            return answer(request)
        asked.append(request.query)
        return Reply(200, {"access_token": portal.world.token, "refresh_token": "refresh-2"})

    portal.world.answer = with_oauth
    portal.write(base_url=portal.world.url, client_id="app.1")
    portal.world.fill(2)
    portal.pull()
    assert len(portal.newest()) == 2
    assert asked == [
        {
            "grant_type": "refresh_token",
            "client_id": "app.1",
            "client_secret": "client-5ecret",
            "refresh_token": "refresh-5ecret-1",
        }
    ]
    assert memory.kept[service, "KPI_CRM_REFRESH_TOKEN"] == "refresh-2"
    assert memory.kept[service, "KPI_CRM_TOKEN"] == portal.world.token


def test_the_cursor_holds_the_portals_time_and_no_secret(portal):
    portal.world.fill(1)
    begun = portal.world.now
    portal.pull()
    told = portal.state
    assert told["account"] == portal.world.url.removeprefix("http://")
    covered = datetime.fromisoformat(told["objects"]["crm.deal.list"]["covered_until"])
    assert covered == begun
    assert portal.world.code not in json.dumps(told)
