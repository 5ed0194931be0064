"""A delivery declared full deletes what it lacks, but only once its page chain has ended."""

from __future__ import annotations

import json
from datetime import date

import pytest

from tests.conftest import Company, Published
from tests.integration import test_amocrm as amocrm
from tests.integration import test_hubspot as hubspot

FEB = "2026-02-01"


def full(company: Company, system: str, first: str, pages: list[str]) -> Published:
    """Deliver four wins of 10 on 1 March, then other pages on 15 March."""
    company.settings |= {"stages": []}
    company.settings["settings"] = {"full_delivery_shrink_limit": 0.5}
    company.settings["sources"] = {
        "crm": {
            "system": system,
            "delivery": "full",
            "won_date": "crm_close",
            "observed_at": r"/(\d{4}-\d\d-\d\d)/",
        }
    }
    company.file("2026-03-01/p1.json", first)
    for number, text in enumerate(pages, start=1):
        company.file(f"2026-03-15/p{number}.json", text)
    return company.run()


def told_of(published: Published) -> list[tuple]:
    return published.rows(
        "select distinct reason_code from ops.files where reason_code is not null"
    )


def leads(*numbers: int, page: int = 1, is_last: bool = True) -> str:
    """Spell a page of leads that were won on 2 February, each of 10."""
    records = [
        amocrm.lead(n, 142, "01-05 10:00", "02-02 10:00", 10, closed="02-02 10:00") for n in numbers
    ]
    return amocrm.page("leads", *records, number=page, is_last=is_last)


def deals(*numbers: int, after: str | None = None) -> str:
    """Spell a page of deals that were won on 2 February, each of 10."""
    closed = "2026-02-02T09:00:00.000Z"
    records = [hubspot.deal(str(n), "closedwon", "10", closed) for n in numbers]
    return hubspot.page(*records, after=after)


def test_amocrm_pages_that_all_came_delete_what_they_lack(company: Company):
    """Three of the four came again: 30."""
    pages = [leads(1, 2, is_last=False), leads(3, page=2)]
    published = full(company, "amocrm", leads(1, 2, 3, 4), pages)
    assert published.kpi("booked_revenue", FEB) == 30
    assert told_of(published) == []
    gone = published.rows("select deal_id, deleted_on from marts.fct_deal_deletions")
    assert gone == [("crm:4", date(2026, 3, 15))]


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([leads(1, 2, is_last=False)], id="the last page is missing"),
        pytest.param([leads(3, page=2)], id="the first page is missing"),
        pytest.param([leads(1, is_last=False), leads(3, page=3)], id="a page between is missing"),
    ],
)
def test_amocrm_pages_with_a_gap_delete_nothing_and_say_so(company: Company, pages: list[str]):
    published = full(company, "amocrm", leads(1, 2, 3, 4), pages)
    assert published.kpi("booked_revenue", FEB) == 40
    assert told_of(published) == [("pages_missing",)]


def test_hubspot_pages_whose_last_one_came_delete_what_they_lack(company: Company):
    published = full(company, "hubspot", deals(1, 2, 3, 4), [deals(1, 2, after="NTI1Cg"), deals(3)])
    assert published.kpi("booked_revenue", FEB) == 30
    assert told_of(published) == []


def test_hubspot_pages_without_the_last_one_delete_nothing_and_say_so(company: Company):
    pages = [deals(1, 2, after="NTI1Cg"), deals(3, after="NTI2Cg")]
    published = full(company, "hubspot", deals(1, 2, 3, 4), pages)
    assert published.kpi("booked_revenue", FEB) == 40
    assert told_of(published) == [("pages_missing",)]


def opportunities(*numbers: int, total: int, place: int | None = None) -> str:
    """Spell a page of a query: wins of 2 February, each of 10; ``place`` of the next record."""
    records = [
        {
            "Id": f"0065g0000000{n:03}AAA",
            "Name": f"Deal {n}",
            "StageName": "Signed",
            "IsWon": True,
            "IsClosed": True,
            "Amount": 10,
            "CloseDate": "2026-02-02",
            "CreatedDate": "2026-01-02T10:00:00.000+0000",
        }
        for n in numbers
    ]
    told = {"totalSize": total, "done": place is None, "records": records}
    return json.dumps(told | ({"nextRecordsUrl": f"/query/01gxx-{place}"} if place else {}))


def test_salesforce_pages_that_all_came_delete_what_they_lack(company: Company):
    """Three of the four came again: 30."""
    pages = [opportunities(1, 2, total=3, place=2), opportunities(3, total=3)]
    published = full(company, "salesforce", opportunities(1, 2, 3, 4, total=4), pages)
    assert published.kpi("booked_revenue", FEB) == 30
    assert told_of(published) == []


def test_salesforce_pages_without_the_last_one_delete_nothing_and_say_so(company: Company):
    """The fourth is on a page that did not come, and counts: 40."""
    pages = [opportunities(1, 2, total=4, place=2), opportunities(3, total=4, place=3)]
    published = full(company, "salesforce", opportunities(1, 2, 3, 4, total=4), pages)
    assert published.kpi("booked_revenue", FEB) == 40
    assert told_of(published) == [("pages_missing",)]
