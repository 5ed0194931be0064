"""Whether pages of a list leave something out, escaped quotes, and tables written as HTML."""

from __future__ import annotations

import itertools

import pytest

from dagster_project.ingest.html_tables import html_rows, is_html
from dagster_project.ingest.json_records import Lines
from dagster_project.ingest.page_chains import (
    Page,
    is_whole,
    pages_by_after,
    pages_by_locator,
    pages_by_more,
    pages_by_number,
    pages_by_start,
)
from dagster_project.ingest.readers import with_doubled_quotes

CHAIN = [Page(50, 50, 120), Page(50, 100, 120), Page(20, None, 120)]


def test_every_page_in_any_order_and_some_twice_is_whole():
    for order in itertools.permutations(CHAIN):
        assert is_whole([*order, order[0]])


@pytest.mark.parametrize("missing", range(3))
def test_a_chain_without_one_of_its_pages_is_not_whole(missing: int):
    assert not is_whole([page for place, page in enumerate(CHAIN) if place != missing])


def test_a_list_that_grew_while_it_was_read_is_whole_and_one_that_shrank_is_not():
    assert is_whole([Page(50, 50, 60), Page(11, None, 61)])
    assert not is_whole([Page(50, 50, 60), Page(9, None, 59)])


def test_pages_that_tell_nothing_and_lists_of_one_page_are_whole():
    assert is_whole([])
    assert is_whole([Page(7), Page(50)])
    assert is_whole([Page(8, None, 8), Page(3, None, 3), Page(0, None, 0)])
    assert not is_whole([Page(8, None, 8), Page(0, is_failed=True)])


def test_pages_are_read_from_envelopes_batches_and_lines():
    plain = {"result": [{}, {}], "next": 2, "total": 5}
    items = {"result": {"items": [{}]}, "total": 1}
    batch = {
        "result": {
            "result": {"a": [{}, {}], "b": {"items": [{}]}, "c": {"ID": "1"}},
            "result_error": {"d": {"error": "x"}},
            "result_total": {"a": 5, "b": 1},
            "result_next": {"a": 4},
        }
    }
    as_list = {
        "result": {"result": [[{}]], "result_error": [], "result_total": [1], "result_next": []}
    }
    assert pages_by_start([plain, items]) == [Page(2, 2, 5), Page(1, None, 1)]
    assert pages_by_start(batch) == [
        Page(2, 4, 5),
        Page(1, None, 1),
        Page(1),
        Page(0, is_failed=True),
    ]
    assert pages_by_start(as_list) == [Page(1, None, 1)]
    assert pages_by_start({"error": "QUERY_LIMIT_EXCEEDED"}) == [Page(0, is_failed=True)]
    lines = Lines('{"ID": "1"}\n{"result": [], "total": 0}\n')
    assert pages_by_start(lines) == [Page(0, None, 0)]


def test_numbered_pages_are_whole_once_each_has_come_and_the_last_has_no_next():
    def numbered(number: int, is_last: bool) -> dict:
        links = {} if is_last else {"next": {"href": "..."}}
        return {"_page": number, "_links": links, "_embedded": {"leads": [{}, {}]}}

    first, second, last = numbered(1, False), numbered(2, False), numbered(3, True)
    assert is_whole(pages_by_number([last, first, second, second]))
    assert is_whole(pages_by_number(numbered(1, True)))
    for some in ([first, second], [second, last], [first, last], [last]):
        assert not is_whole(pages_by_number(some))
    assert pages_by_number({"id": 1}) == []


def test_pages_with_a_mark_of_the_next_are_whole_once_one_has_none():
    followed = {"results": [{}], "paging": {"next": {"after": "NTI1"}}}
    last = {"results": [{}]}
    assert is_whole(pages_by_after([followed, last]))
    assert is_whole(pages_by_after(last))
    assert not is_whole(pages_by_after([followed, followed]))
    assert pages_by_after({"id": "1"}) == []


def test_pages_of_a_query_are_placed_by_the_address_of_the_next():
    def found(rows: int, place: int | None) -> dict:
        told = {"totalSize": 5, "done": place is None, "records": [{}] * rows}
        return told | ({"nextRecordsUrl": f"/query/01gxx-{place}"} if place else {})

    pages = [found(2, 2), found(2, 4), found(1, None)]
    assert pages_by_locator(pages) == [Page(2, 2, 5), Page(2, 4, 5), Page(1, None, 5)]
    assert is_whole(pages_by_locator([pages[2], pages[0], pages[1], pages[1]]))
    for missing in range(3):
        assert not is_whole(pages_by_locator([p for n, p in enumerate(pages) if n != missing]))
    assert is_whole(pages_by_locator(found(5, None)))
    assert not is_whole(pages_by_locator({"done": False, "records": [{}]}))
    assert pages_by_locator({"Id": "1"}) == []


def test_pages_that_only_say_whether_there_are_more_are_whole_once_one_has_none():
    followed, last = {"data": [{}], "has_more": True}, {"data": [{}], "has_more": False}
    assert is_whole(pages_by_more([followed, last]))
    assert is_whole(pages_by_more(last))
    assert not is_whole(pages_by_more([followed, followed]))
    assert pages_by_more({"id": "1", "data": [{}]}) == []


def test_pages_of_a_search_have_places_so_that_a_gap_between_shows():
    def found(rows: int, after: str | None) -> dict:
        paging = {"paging": {"next": {"after": after}}} if after else {}
        return {"total": 25, "results": [{}] * rows, **paging}

    pages = [found(10, "10"), found(10, "20"), found(5, None)]
    assert is_whole(pages_by_after(pages))
    assert not is_whole(pages_by_after([pages[0], pages[2]]))
    assert not is_whole(pages_by_after(pages[:2]))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r'"a \"b\" c";1', '"a ""b"" c";1'),
        (r'"C:\Docs";1', r'"C:\Docs";1'),
        (r'"C:\\Docs\\";1', r'"C:\Docs\";1'),
        ('"a ""b"" c";1', '"a ""b"" c";1'),
    ],
)
def test_escaped_quotes_are_read_as_doubled_ones(written: str, read: str):
    assert with_doubled_quotes(written, "\\") == read
    assert with_doubled_quotes(written, None) == written


def test_the_first_table_of_a_page_is_read_with_its_entities_and_spans(tmp_path):
    path = tmp_path / "x.xls"
    path.write_text(
        "\ufeff<html><meta charset='utf-8'><table><tr><th>ID<th>Сумма</tr>"
        "<tr><td>1</td><td>1&nbsp;234,50</td></tr><tr><td colspan='2'>a &amp; b<br>c</td></tr>"
        "<tr><td>2</td><td></table><table><tr><td>other</td></tr></table>",
        encoding="utf-8",
    )
    assert is_html(path.read_bytes()[:64])
    rows = [["ID", "Сумма"], ["1", "1\xa0234,50"], ["a & b\nc", "a & b\nc"], ["2", ""]]
    assert html_rows(path, None) == rows
    assert html_rows(path, 2) == rows[:2]
    path.write_bytes("<table><tr><td>Привет</td></tr></table>".encode("cp1251"))
    assert html_rows(path, None) == [["Привет"]]
    assert not is_html(b"PK\x03\x04")
