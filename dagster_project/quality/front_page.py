"""The first of the pages about quality: every check of a run with its outcome, and where more is.

What belongs here: one table that opens from disk without scripts. What does not: the pages it leads
to, which Great Expectations writes (suites).
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Protocol

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

    suite: str
    code: str
    passed: bool
    explains_ru: str
    explains_en: str
    observed: str
    remedy: str
    examples: list[dict[str, Any]]


def shown(example: dict[str, Any]) -> str:
    """Return an example row as one line, without what is not known of it."""
    return ", ".join(f"{key}={value}" for key, value in example.items() if value is not None)


def front_page(site: Path, run_id: str, checks: Sequence[Outcome], style: str) -> str:
    """Return the page, what failed first.

    Args:
        site: The folder of Data Docs, with the pages of suites under ``validations/<suite>``.
        run_id: The run.
        checks: What the gates said, whether or not an expectation stands behind it.
        style: The ``<style>`` that all pages share.
    """
    rows = []
    for check in sorted(checks, key=lambda check: check.passed):
        found = sorted((site / "validations" / check.suite).rglob("*.html"))
        name = escape(check.suite)
        more = f'<a href="{found[-1].relative_to(site).as_posix()}">{name}</a>' if found else name
        cells = ["✓" if check.passed else "✗ " + escape(check.code)]
        cells += [escape(text) for text in (check.explains_ru, check.explains_en)]
        seen = [check.observed]
        if not check.passed:
            seen += [shown(example) for example in check.examples]
            seen += [f"Что делать / Do next: {check.remedy}"] if check.remedy else []
        cells.append("<br>".join(escape(line) for line in seen))
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in (*cells, more)) + "</tr>")
    return _PAGE.format(
        style=style,
        run_id=escape(run_id),
        passed=sum(check.passed for check in checks),
        count=len(checks),
        rows="\n".join(rows),
    )
