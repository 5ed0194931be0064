"""Pages of a list in JSON files: do they hold the whole list?

What belongs here: what an envelope tells of its place in the list, and whether several pages leave
nothing out. What does not: the records (json_records), what a full delivery means (run).

A list that lost records while it was read has moved its later records to earlier pages, so one of
them may be on no page: a total that falls from page to page is a chain with a gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dagster_project.ingest.json_records import Lines


@dataclass(frozen=True)
class Page:
    """One page: how many records it holds, and what it tells of the list.

    ``next_start`` is the place of the record after the page, NULL on the last page; ``total`` the
    length of the list, NULL where it is not told; ``is_failed``: the answer is an error.
    ``is_followed``: whether another page comes, where only that is told and no place.
    """

    rows: int
    next_start: int | None = None
    total: int | None = None
    is_failed: bool = False
    is_followed: bool | None = None


def pages_of(document: Any, told_by: str) -> list[Page]:
    """Return the pages of a file by the way its system tells them (``Table.paged_by``)."""
    ways = {
        "start": pages_by_start,
        "number": pages_by_number,
        "after": pages_by_after,
        "locator": pages_by_locator,
        "more": pages_by_more,
    }
    return ways[told_by](document)


def pages_by_number(document: Any) -> list[Page]:
    """Return the pages of envelopes with ``_page`` and ``_links.next``; a page counts as one."""
    pages = []
    for envelope in _envelopes(document):
        number = _whole(envelope.get("_page"))
        if number is not None:
            is_followed = bool(_named(_named(envelope.get("_links")).get("next")))
            pages.append(Page(1, number if is_followed else None, number))
    return pages


def pages_by_after(document: Any) -> list[Page]:
    """Return the pages of envelopes with ``results`` and ``paging.next.after``.

    A search tells the length of its list, and ``after`` is a place in it. Elsewhere ``after`` is a
    mark that tells no place: only that another page comes.
    """
    pages = []
    for envelope in _envelopes(document):
        if not isinstance(envelope.get("results"), list):
            continue
        rows, total = len(envelope["results"]), _whole(envelope.get("total"))
        after = _named(_named(envelope.get("paging")).get("next")).get("after")
        if total is not None:
            pages.append(Page(rows, _whole(after), total))
        else:
            pages.append(Page(rows, is_followed=after is not None))
    return pages


def pages_by_locator(document: Any) -> list[Page]:
    """Return the pages of envelopes with ``records``, ``totalSize``, ``done``, ``nextRecordsUrl``.

    The address of the next page ends in the place of its first record: ``/query/01g...-2000``.
    """
    pages = []
    for envelope in _envelopes(document):
        records = envelope.get("records")
        if not isinstance(records, list) or "done" not in envelope:
            continue
        if envelope["done"]:
            pages.append(Page(len(records), total=_whole(envelope.get("totalSize"))))
            continue
        place = _whole(str(envelope.get("nextRecordsUrl") or "").rpartition("-")[2])
        total = _whole(envelope.get("totalSize")) if place is not None else None
        pages.append(Page(len(records), place, total, is_followed=None if place else True))
    return pages


def pages_by_more(document: Any) -> list[Page]:
    """Return the pages of envelopes with ``data`` and ``has_more``, which tell no place."""
    return [
        Page(len(envelope["data"]), is_followed=bool(envelope["has_more"]))
        for envelope in _envelopes(document)
        if isinstance(envelope.get("data"), list) and "has_more" in envelope
    ]


def _envelopes(document: Any) -> list[dict[str, Any]]:
    if isinstance(document, Lines):
        document = [item for _, item in document.objects]
    envelopes = document if isinstance(document, list) else [document]
    return [one for one in envelopes if isinstance(one, dict)]


def pages_by_start(document: Any) -> list[Page]:
    """Return the pages of every envelope with ``result``, ``next`` and ``total``, batches too."""
    return [page for one in _envelopes(document) for page in _pages(one)]


def _pages(envelope: dict[str, Any]) -> list[Page]:
    if "result" not in envelope:
        return [Page(0, is_failed=True)] if "error" in envelope else []
    result = envelope["result"]
    if not (isinstance(result, dict) and "result" in result and "result_error" in result):
        return [Page(_count(result), _whole(envelope.get("next")), _whole(envelope.get("total")))]
    answers = _named(result["result"])
    following, totals = _named(result.get("result_next")), _named(result.get("result_total"))
    pages = [
        Page(_count(answer), _whole(following.get(name)), _whole(totals.get(name)))
        for name, answer in answers.items()
    ]
    failed = _named(result["result_error"])
    return pages + [Page(0, is_failed=True) for _ in failed]


def _named(part: Any) -> dict[Any, Any]:
    """Return a part of a batch by command; PHP writes names that count from 0 as a list."""
    if isinstance(part, list):
        return dict(enumerate(part))
    return part if isinstance(part, dict) else {}


def _count(answer: Any) -> int:
    if isinstance(answer, dict):
        lists = [value for value in answer.values() if isinstance(value, list)]
        return len(lists[0]) if len(lists) == 1 else 1
    return len(answer) if isinstance(answer, list) else 0


def _whole(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def is_whole(pages: list[Page]) -> bool:
    """Tell whether pages, in any order and some of them twice, hold the whole of each list.

    A list that fits one page is whole by itself. Where no page tells anything of its list, nothing
    speaks against it.
    """
    if any(page.is_failed for page in pages):
        return False
    if {page.is_followed for page in pages} - {None} == {True}:
        return False  # the last page is on its way
    parts = [p for p in pages if p.next_start is not None or (p.total or 0) > p.rows]
    if not parts:
        return True
    ends = [p.next_start if p.next_start is not None else p.total or 0 for p in parts]
    placed = sorted(
        ((end - page.rows, end, page) for end, page in zip(ends, parts, strict=True)),
        key=lambda one: one[:2],
    )
    reached, total = 0, 0
    for start, end, page in placed:
        if start > reached or (page.total is not None and page.total < total):
            return False
        reached, total = max(reached, end), max(total, page.total or 0)
    return any(page.next_start is None and end == reached for _, end, page in placed)
