"""Salesforce: results that stand still, locators that are lost, daily limits, deleted records."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dagster_project.errors import PullFailed, WorkspaceError
from tests.pull.portal import Reply


def test_deleted_records_come_with_their_mark(org):
    org.world.add(1, deleted=True)
    org.world.add(2)
    org.pull()
    assert [(line["Id"][11:15], line["IsDeleted"]) for line in org.lines(0)] == [
        ("0001", True),
        ("0002", False),
    ]
    assert all("/queryAll" in r.path or "/sobjects/" in r.path for r in org.world.requests)


def test_the_query_names_every_field_of_the_object_but_compound_ones(org):
    org.world.fill(1)
    org.pull()
    org.pull()
    fields = "Id,SystemModstamp,IsDeleted,Amount"
    assert org.world.queries == [
        f"SELECT {fields} FROM Opportunity ORDER BY Id",
        f"SELECT {fields} FROM Opportunity WHERE SystemModstamp >= 2026-03-31T11:50:00Z "
        "ORDER BY Id",
    ]


def test_a_locator_lost_between_two_pages_goes_on_behind_the_last_record(org):
    org.world.fill(8)
    org.world.after(2, org.world.is_main, org.world.results.clear)
    org.pull()
    assert sorted(org.values(0)) == [(n, "1") for n in range(1, 9)]
    assert org.world.queries[1].endswith("WHERE Id > '006q00000000006AAA' ORDER BY Id")


def test_a_locator_that_is_lost_again_and_again_without_a_record_between_ends_the_pull(org):
    org.world.fill(8)
    body = {"done": False, "records": [], "nextRecordsUrl": "/services/data/v59.0/query/01gX-1"}
    org.world.fault(Reply(200, body), lambda r: r.path.endswith("/queryAll"), times=99)
    with pytest.raises(PullFailed, match="the same page again"):
        org.pull()
    assert len(org.world.requests) == 3


def test_a_result_that_leads_back_to_itself_ends_the_pull(org):
    org.world.fill(8)
    rows = [{"Id": "006q00000000001AAA"}]
    body = {"done": False, "records": rows, "nextRecordsUrl": "/services/data/v59.0/query/01gX-1"}
    org.world.fault(Reply(200, body), org.world.is_main, times=99)
    with pytest.raises(PullFailed, match="the same page again"):
        org.pull()


def test_the_daily_limit_is_told_and_not_waited_for(org):
    org.world.fill(1)
    told = {"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}
    org.world.fault(Reply(403, [told]), org.world.is_main, times=9)
    with pytest.raises(PullFailed, match="calls of the last 24 hours are used up"):
        org.pull()
    assert len(org.world.asked(org.world.is_main)) == 1


def test_a_default_object_that_the_org_lacks_is_passed_over_and_said(org):
    org.world.fill(1)
    org.write(objects=[])
    summary = org.pull()
    told = {pulled.name: pulled for pulled in summary.objects}
    assert told["Opportunity"].records == 1
    assert "this org has no Campaign" in told["Campaign"].absent
    assert list(org.state["objects"]) == ["Opportunity"]


def test_a_named_object_that_the_org_lacks_is_an_error(org):
    org.write(objects=["Quote"])
    with pytest.raises(WorkspaceError, match="this org has no Quote"):
        org.pull()


def test_a_next_address_outside_of_the_api_is_not_followed(org):
    org.world.fill(1)
    body = {"done": False, "nextRecordsUrl": "https://elsewhere.example/x", "records": []}
    org.world.fault(Reply(200, body), org.world.is_main)
    with pytest.raises(PullFailed, match="built otherwise"):
        org.pull()


def test_a_page_that_is_not_the_last_and_names_no_next_is_not_taken_for_the_end(org):
    org.world.fill(5)
    body = {"totalSize": 5, "done": False, "records": [{"Id": "006q00000000001AAA"}]}
    org.world.fault(Reply(200, body), org.world.is_main)
    with pytest.raises(PullFailed, match="built otherwise"):
        org.pull()
    assert (org.deliveries, org.state) == ([], {})


def test_lines_of_deals_are_read_whole_each_time_as_those_of_a_deal_count_together(org):
    org.world.main = "OpportunityLineItem"
    org.write(objects=["OpportunityLineItem"])
    org.world.fill(3)
    org.pull()
    org.world.now += timedelta(hours=1)
    org.world.edit(2, "9")
    org.pull()
    told = [org.world.read(line) for line in org.lines(1, "OpportunityLineItem.ndjson")]
    assert told == [(1, "1"), (2, "9"), (3, "1")]


def test_numbers_are_written_with_every_digit_that_the_server_gave(org):
    org.world.fill(1)
    row = (
        b'{"Id": "006q00000000001AAA", "Amount": 1234567890123456.78, "Discount": 10.50, '
        b'"Count": 12345678901234567890, "Tiny": 1e-7}'
    )
    org.world.fault(Reply(200, b'{"done": true, "records": [' + row + b"]}"), org.world.is_main)
    org.pull()
    text = (org.deliveries[0] / "Opportunity.ndjson").read_text()
    assert text == (
        '{"Id":"006q00000000001AAA","Amount":1234567890123456.78,"Discount":10.50,'
        '"Count":12345678901234567890,"Tiny":1e-7}\n'
    )


def test_texts_that_would_break_a_line_or_the_encoding_stay_one_line(org):
    org.world.fill(1)
    text = "a\\nb\\u2028c\\ud83d d\\ud83d\\ude00 \\\\ud83d \u0434"
    row = f'{{"done": true, "records": [{{"Id": "1", "Name": "{text}"}}]}}'
    org.world.fault(Reply(200, row.encode()), org.world.is_main)
    org.pull()
    raw = (org.deliveries[0] / "Opportunity.ndjson").read_bytes()
    (line,) = org.lines(0)
    assert line["Name"] == "a\nb\u2028c\ud83d d\U0001f600 \\ud83d \u0434"
    assert len(raw.decode("utf-8").splitlines()) == 1
    assert "\U0001f600".encode() in raw


def test_client_credentials_give_a_token_and_another_when_it_expires(org, monkeypatch):
    monkeypatch.delenv("KPI_CRM_TOKEN")
    monkeypatch.setenv("KPI_CRM_CLIENT_SECRET", org.world.client_secret)
    org.write(client_id="client-1")
    org.world.fill(8)

    def expire() -> None:
        org.world.is_token_expired = True

    org.world.after(2, org.world.is_main, expire)
    org.pull()
    assert len(org.newest()) == 8
    assert org.world.renewals == 2


def test_a_page_size_is_asked_for_as_documented(org):
    org.world.fill(1)
    org.write(page_size=200)
    org.pull()
    (query,) = org.world.asked(org.world.is_main)
    assert query.headers["sforce-query-options"] == "batchSize=200"
