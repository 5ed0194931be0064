"""Bitrix24: full deliveries with and without a gap, and files and rows that are not read."""

from __future__ import annotations

import json

import pytest

from dagster_project.errors import GateFailed
from dagster_project.settings import load_workspace
from dagster_project.source_check import recognised_files
from tests.conftest import Company, Published
from tests.fixtures.bitrix24 import DEALS, EXPORT, FEB, NAMED_STAGES, batch, deal, move, page


def full(portal: Company, pages: list[str]) -> Published:
    """Deliver 50 deals on 1 March as one page, then `pages` on 15 March, both declared full."""
    portal.settings["sources"]["crm"] |= {
        "delivery": "full",
        "observed_at": r"/(\d{4}-\d\d-\d\d)/",
    }
    portal.settings["settings"] = {"full_delivery_shrink_limit": 0.5}
    portal.file("2026-03-01/p1.json", page(MANY, total=50))
    for number, text in enumerate(pages):
        portal.file(f"2026-03-15/p{number}.json", text)
    return portal.run()


MANY = [deal(n, "WON", "S", "10", "2026-02-02T10:00:00+03:00") for n in range(1, 51)]


def test_a_full_delivery_whose_pages_all_came_deletes_what_it_lacks(portal: Company):
    """48 of the 50 came again, on pages of 30 and 18: two deals are gone."""
    published = full(portal, [page(MANY[:30], 48, 30), page(MANY[30:48], 48)])
    assert published.kpi("booked_revenue", FEB) == 480
    assert published.rows("select reason_code from ops.files where reason_code is not null") == []


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([page(MANY[:30], 48, 30)], id="the last page is missing"),
        pytest.param([page(MANY[30:48], 48)], id="the first page is missing"),
        pytest.param([page(MANY[:30], 48, 30), page(MANY[31:48], 47)], id="the list grew shorter"),
        pytest.param(
            [
                page(MANY[:30], 48, 30),
                batch([], errors={"cmd0": {"error": "QUERY_LIMIT_EXCEEDED"}}),
            ],
            id="a command of the batch failed",
        ),
    ],
)
def test_a_full_delivery_that_lacks_a_page_deletes_nothing_and_says_so(
    portal: Company, pages: list[str]
):
    if "QUERY_LIMIT" in pages[-1]:
        first, failed = (json.loads(p) for p in pages)
        pages = [json.dumps([first, failed])]
    published = full(portal, pages)
    assert published.kpi("booked_revenue", FEB) == 500
    told = published.rows(
        "select distinct reason_code, status from ops.files where file_name like '%03-15%'"
    )
    assert told == [("pages_missing", "loaded")]


def test_the_check_tells_what_each_file_was_taken_for(portal: Company):
    portal.file("whatever.json", page(DEALS[:5]))
    portal.file(
        "history.json", page({"items": [move(1, 1, "NEW", "P", "2026-01-05T10:00:00+03:00")]})
    )
    portal.file("empty.json", batch({"order0": []}, totals={"order0": 0}))
    portal.file("deals.csv", EXPORT)
    portal.settings["stages"] = NAMED_STAGES
    portal.run()
    told = {r["file"]: r for r in recognised_files(load_workspace(portal.directory))}
    assert told["raw/crm/whatever.json"]["table"] == "bitrix24__deal"
    assert told["raw/crm/history.json"]["table"] == "bitrix24__stage_history"
    assert told["raw/crm/empty.json"]["status"] == "empty"
    assert told["raw/crm/deals.csv"]["unread"] == []
    assert told["raw/crm/whatever.json"]["share_read"] == 1


def test_a_list_of_bare_titles_is_no_table(portal: Company):
    """ID and TITLE may be leads, deals or companies: the file is refused with the line to add."""
    portal.file("deals.json", page(DEALS[:5]))
    portal.file("titles.json", page([{"ID": "1", "TITLE": "Кто это?"}]))
    with pytest.raises(GateFailed, match="unrecognised_file"):
        portal.run()
    quarantined = next((portal.directory / "quarantine").glob("*titles*"))
    assert 'ignore: ["titles.json"]' in quarantined.read_text(encoding="utf-8")


def test_a_deal_whose_money_is_no_number_is_listed_with_its_row(portal: Company):
    portal.settings["settings"] = {"row_error_limit": 0.5}
    rows = [*DEALS[:5], deal(8, "WON", "S", "много", "2026-02-02T10:00:00+03:00")]
    portal.file("deals.json", page(rows))
    published = portal.run()
    assert published.kpi("booked_revenue", FEB) == 126235.0
    assert published.rows(
        "select _source_row, column_name, value from ops.quarantine where is_row_rejected"
    ) == [(6, "amount", "много")]
