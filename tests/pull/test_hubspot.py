"""HubSpot: search for ids, records with history and associations, archived ones, daily limits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dagster_project.errors import PullFailed
from tests.pull.portal import Reply


def searches(hub) -> list[dict]:
    """Return the bodies of searches for changes, without the one that only counts."""
    bodies = [r.body for r in hub.world.requests if r.path.endswith("/search")]
    return [body for body in bodies if len(body["filterGroups"][0]["filters"]) == 2]


def test_each_record_has_history_and_associations_whether_listed_or_asked_for_by_id(hub):
    hub.world.fill(30)
    hub.pull()
    hub.world.now += timedelta(hours=1)
    hub.world.edit(4, "9")
    hub.pull()
    listed, asked = hub.lines(0)[0], hub.lines(1)[0]
    for line in (listed, asked):
        assert line["propertiesWithHistory"]["amount"][0]["value"] in {"1", "9"}
        assert line["associations"]["companies"]["results"] == [{"id": "9", "type": "d_to_c"}]
    assert hub.values(1) == [(4, "9")]
    query = hub.world.asked(lambda r: r.path == "/crm/v3/objects/deals")[0].query
    assert "own_field" in query["properties"].split(",")
    assert "dealstage" in query["propertiesWithHistory"].split(",")


def test_changes_are_searched_behind_the_last_id_beyond_any_limit_of_one_query(hub):
    hub.world.fill(60)
    hub.pull()
    hub.world.now += timedelta(hours=1)
    hub.world.search_page = 2
    for number in (3, 9, 20, 21, 40):
        hub.world.edit(number, "6")
    hub.pull()
    assert sorted(hub.values(1)) == [(n, "6") for n in (3, 9, 20, 21, 40)]
    ids = [body["filterGroups"][0]["filters"][1]["value"] for body in searches(hub)]
    assert ids == ["0", "9", "21", "40"]


def test_a_record_edited_while_ids_are_searched_hides_no_other(hub):
    hub.world.fill(60)
    hub.pull()
    hub.world.now += timedelta(hours=1)
    hub.world.search_page = 2
    for number in (3, 9, 20, 21):
        hub.world.edit(number, "6")
    about = lambda request: request.path.endswith("/search")  # noqa: E731
    hub.world.requests.clear()
    hub.world.after(1, about, lambda: hub.world.edit(3, "7"))
    hub.pull()
    assert sorted(hub.values(1)) == [(3, "7"), (9, "6"), (20, "6"), (21, "6")]


def test_many_changes_are_read_by_the_list_as_it_takes_fewer_requests(hub):
    hub.world.fill(12)  # the list takes 4 requests of 3
    hub.pull()
    hub.world.now += timedelta(hours=1)
    for number in range(1, 6):
        hub.world.edit(number, "6")
    hub.world.requests.clear()
    hub.pull()
    assert hub.world.asked(lambda r: r.path.startswith("/crm/v3/objects/deals/1")) == []
    assert len(hub.values(1)) == 12
    assert hub.newest()[5] == "6"


def test_archived_records_come_each_time_and_last(hub):
    hub.world.fill(4)
    hub.pull()
    hub.world.now += timedelta(hours=1)
    hub.world.archive(2)
    hub.pull()
    assert [(line["id"], line["archived"]) for line in hub.lines(1)] == [("2", True)]


def test_a_record_archived_between_search_and_reading_is_among_the_archived(hub):
    hub.world.fill(30)
    hub.pull()
    hub.world.now += timedelta(hours=1)
    hub.world.edit(5, "8")
    hub.world.edit(6, "8")
    hub.world.requests.clear()
    hub.world.after(1, lambda r: r.path.endswith("/search"), lambda: hub.world.archive(6))
    hub.pull()
    assert [(line["id"], line["archived"]) for line in hub.lines(1)] == [("5", False), ("6", True)]


def test_an_error_with_status_200_instead_of_a_record_ends_the_pull(hub):
    hub.world.fill(30)
    hub.pull()
    hub.world.now += timedelta(hours=1)
    hub.world.edit(5, "8")
    told = {"status": "error", "message": "try again"}
    hub.world.fault(Reply(200, told), lambda r: r.path.endswith("/deals/5"))
    with pytest.raises(PullFailed, match="`id` in every record"):
        hub.pull()
    hub.pull()
    assert hub.values(1) == [(5, "8")]


def test_lines_of_deals_are_read_whole_each_time_as_those_of_a_deal_count_together(hub):
    hub.write(objects=["line_items"], fields={"line_items": ["amount"]})
    rows = [{"id": str(n), "properties": {"amount": "50"}, "archived": False} for n in (1, 2)]
    hub.world.lists["objects/line_items"] = rows
    hub.pull()
    hub.world.now += timedelta(hours=1)
    rows[1]["properties"]["amount"] = "60"
    hub.pull()
    told = [hub.world.read(line) for line in hub.lines(1, "line_items.ndjson")]
    assert told == [(1, "50"), (2, "60")]


def test_owners_come_archived_and_not_and_pipelines_with_their_stages(hub):
    hub.world.lists["owners"] = [
        {"id": "1", "email": "a@example.com", "archived": False},
        {"id": "2", "email": "b@example.com", "archived": True},
    ]
    stage = {"id": "closedwon", "metadata": {"isClosed": "true", "probability": "1.0"}}
    hub.world.lists["pipelines/deals"] = [{"id": "default", "stages": [stage]}]
    hub.write(objects=["owners", "pipelines"])
    hub.pull()
    assert hub.lines(0, "owners.ndjson") == hub.world.lists["owners"]
    assert hub.lines(0, "pipelines.ndjson") == hub.world.lists["pipelines/deals"]
    hub.world.now += timedelta(days=1)
    assert [(p.records, p.since) for p in hub.pull().objects] == [(2, None), (1, None)]


def test_the_daily_limit_is_told_and_not_waited_for(hub):
    hub.world.fill(1)
    told = {"category": "RATE_LIMITS", "policyName": "DAILY", "message": "daily limit reached"}
    hub.world.fault(Reply(429, told), hub.world.is_main, times=9)
    with pytest.raises(PullFailed, match="calls of the day are used up"):
        hub.pull()
    assert len(hub.world.asked(hub.world.is_main)) == 1


def test_a_limit_of_ten_seconds_is_waited_for(hub):
    hub.world.fill(8)
    told = {"policyName": "TEN_SECONDLY_ROLLING", "message": "ten secondly limit"}
    hub.world.fault(Reply(429, told), hub.world.is_main, times=2)
    hub.pull()
    assert len(hub.newest()) == 8


def test_an_expired_oauth_token_is_renewed_once(hub, monkeypatch):
    monkeypatch.setenv("KPI_CRM_CLIENT_SECRET", hub.world.client_secret)
    monkeypatch.setenv("KPI_CRM_REFRESH_TOKEN", hub.world.refresh_token)
    hub.write(client_id="client-1")
    hub.world.is_token_expired = True
    hub.world.fill(8)
    hub.pull()
    assert len(hub.newest()) == 8
    assert hub.world.renewals == 1


def test_an_address_that_is_too_long_says_what_to_shorten(hub):
    hub.world.fill(1)
    hub.world.fault(Reply(414, b"URI Too Long"), hub.world.is_main)
    with pytest.raises(PullFailed, match="list fewer names in `fields:`"):
        hub.pull()


def test_given_fields_replace_the_usual_ones(hub):
    hub.world.fill(1)
    hub.write(fields={"deals": ["amount"]})
    hub.pull()
    assert hub.world.asked(lambda r: "properties/" in r.path) == []
    (first, _) = hub.world.asked(hub.world.is_main)
    assert first.query["properties"] == "amount,hs_lastmodifieddate"
