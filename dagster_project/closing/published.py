"""Statements as they are published: reading, nothing else.

What belongs here: answers from ``marts.bonus_*`` of the release. What does not: working anything
out (statements, answers).
"""

from __future__ import annotations

from typing import Any

from dagster_project.closing.closing import published_marts
from dagster_project.closing.periods import label, parse_period
from dagster_project.errors import WorkspaceError
from dagster_project.masks import published_name
from dagster_project.publish.reader import opened_release
from dagster_project.settings import Workspace


def as_published(
    workspace: Workspace, manager: str | None, period: str | None
) -> tuple[str | None, str | None]:
    """Return a manager's key and a period's name as statements spell them.

    Args:
        workspace: The workspace.
        manager: An id, a name or an alias; None: everybody.
        period: 2026-10 and the like; None: every period.

    Raises:
        WorkspaceError: Nobody of that name and no statement either, or no such period.
        MappingMissing: The name fits two people.
    """
    doing, fiscal = "reading statements", workspace.config.fiscal_year_start_month
    if period:
        period = label(parse_period(period, fiscal, doing), fiscal)
    if not manager:
        return None, period
    with published_marts(workspace, doing) as (marts, _):
        aliases = workspace.config.aliases.get("manager", {})
        manager_id = marts.resolver(aliases, published_name(workspace))(manager)
        known = ", ".join(row["manager_name"] for row in marts.managers())
    if manager_id is None and not statements_of(workspace, manager, None):
        raise WorkspaceError(
            doing,
            found=f"no manager `{manager}`",
            expected=f"one of: {known}",
            where="--manager",
        )
    return manager_id or manager, period


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
