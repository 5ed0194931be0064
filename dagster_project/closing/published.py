"""Statements as they are published: reading, nothing else.

What belongs here: answers from ``marts.bonus_*`` of the release. What does not: working anything
out (statements, answers).
"""

from __future__ import annotations

from typing import Any

from dagster_project.publish.reader import opened_release
from dagster_project.settings import Workspace


def statements_of(
    workspace: Workspace, manager: str | None, period: str | None
) -> list[dict[str, Any]]:
    """Return published statements, newest revision of each, oldest period first."""
    return _rows(
        workspace,
        "select * from marts.bonus_statements where (? is null or manager_id = ? "
        "or lower(manager_name) = lower(?)) and (? is null or period = ?) "
        "qualify row_number() over (partition by period, manager_id order by revision desc) = 1 "
        "order by period_end, manager_name",
        [manager, manager, manager, period, period],
    )


def lines_of(workspace: Workspace, manager: str, period: str) -> list[dict[str, Any]]:
    """Return the lines of one person's newest statement of a period."""
    return _rows(
        workspace,
        "select lines.* from marts.bonus_lines as lines inner join marts.bonus_statements as own "
        "using (period, revision, manager_id) where (own.manager_id = ? "
        "or lower(own.manager_name) = lower(?)) and own.period = ? "
        "qualify revision = max(revision) over (partition by manager_id) order by line_number",
        [manager, manager, period],
    )


def _rows(workspace: Workspace, sql: str, values: list[Any]) -> list[dict[str, Any]]:
    with opened_release(workspace, "reading statements") as release:
        found = release.execute(sql, values)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
