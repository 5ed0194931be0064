"""The first of the pages about quality: every check of a run with its outcome, and where more is.

What belongs here: one table that opens from disk without scripts. What does not: the pages it leads
to, which Great Expectations writes (suites).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Protocol

_PAGE = """<!doctype html>
<html lang="ru"><head><meta charset="utf-8"><title>Проверки / Checks</title>{style}</head><body>
<h1>Проверки данных / Data checks</h1>
<p>{run_id}: {passed} / {count}</p>
<table>
<tr><th></th><th>Проверка</th><th>Check</th><th>Найдено / Found</th><th>Набор / Suite</th></tr>
{rows}
</table></body></html>
"""


class Outcome(Protocol):
    """What the page tells of a check."""

    code: str
    passed: bool
    explains_ru: str
    explains_en: str
    observed: str


def front_page(
    site: Path, run_id: str, outcomes: Mapping[str, Sequence[Outcome]], style: str
) -> str:
    """Return the page, what failed first.

    Args:
        site: The folder of Data Docs, with the pages of suites under ``validations/<suite>``.
        run_id: The run.
        outcomes: Suite -> its checks.
        style: The ``<style>`` that all pages share.
    """
    told = [(suite, check) for suite, checks in outcomes.items() for check in checks]
    rows = []
    for suite, check in sorted(told, key=lambda pair: pair[1].passed):
        found = sorted((site / "validations" / suite).rglob("*.html"))
        name = escape(suite)
        more = f'<a href="{found[-1].relative_to(site).as_posix()}">{name}</a>' if found else name
        cells = ["✓" if check.passed else "✗ " + escape(check.code)]
        cells += [escape(text) for text in (check.explains_ru, check.explains_en, check.observed)]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in (*cells, more)) + "</tr>")
    return _PAGE.format(
        style=style,
        run_id=escape(run_id),
        passed=sum(check.passed for _, check in told),
        count=len(told),
        rows="\n".join(rows),
    )
