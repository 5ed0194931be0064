"""Goals as published, and targets proposed from what is published.

What belongs here: questions to the published release. What does not: how they are printed (cli).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from dagster_project.errors import WorkspaceError
from dagster_project.goals.proposals import Proposal, propose
from dagster_project.goals.shapes import Goal
from dagster_project.names import match_name
from dagster_project.period_names import period_start, read_period, shifted
from dagster_project.planning.marts import GoalMarts
from dagster_project.publish.reader import opened_release
from dagster_project.settings import Workspace

REVIEWED = ("specific", "measurable", "achievable", "relevant", "time_bound")


def reviews(workspace: Workspace, period: str | None, *, with_past: bool) -> list[dict[str, Any]]:
    """Return the review of goals, with where each that has begun stands.

    Args:
        workspace: The workspace.
        period: Only goals of this period; None: of all.
        with_past: Whether goals of periods that are over are wanted too.
    """
    where, values = _where(workspace, period, with_past)
    with opened_release(workspace, "looking at goals") as connection:
        found = connection.execute(
            "select review.*, now.actual, now.attainment, now.pace, now.landing, now.status "
            "from marts.goal_review as review left join marts.plan_fact as now "
            "on review.goal_id = now.goal_id and review.version = now.version and now.is_latest "
            f"where {where} order by review.is_refused desc, review.period_start, "
            "review.parent_goal_id nulls first, review.goal_id, review.version",
            values,
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def activities(
    workspace: Workspace, period: str | None, *, with_past: bool
) -> list[dict[str, Any]]:
    """Return what running goals still take."""
    where, values = _where(workspace, period, with_past)
    with opened_release(workspace, "looking at goals") as connection:
        found = connection.execute(
            "select review.* from marts.required_activity as review "
            f"where {where.replace('review.is_refused', 'false')} "
            "order by review.goal_id, review.driver_kpi_code",
            values,
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _where(workspace: Workspace, period: str | None, with_past: bool) -> tuple[str, list[Any]]:
    if period:
        grain, start = _period(workspace, period)
        return "review.period_grain = ? and review.period_start = ?", [grain, start]
    if with_past:
        return "true", []
    return "(review.is_refused or review.period_end > ?)", [workspace.as_of]


def _period(workspace: Workspace, text: str) -> tuple[str, Any]:
    found = read_period(text, workspace.config.fiscal_year_start_month)
    if found is None:
        raise WorkspaceError(
            "looking at goals",
            found=f"period `{text}`",
            expected="a month, quarter, year, week or day: 2026-10, 2026-Q4, 2026, 2026-W41",
        )
    return found


def proposals(
    workspace: Workspace,
    codes: Sequence[str],
    period: str | None,
    manager: str | None,
) -> list[Proposal]:
    """Propose targets for each manager who works in a period.

    Args:
        workspace: The workspace.
        codes: KPIs.
        period: For which period; None: the quarter after the running one.
        manager: Only this one: an id or a name.

    Raises:
        WorkspaceError: No such period, no such KPI, or nobody of that name works then.
    """
    fiscal = workspace.config.fiscal_year_start_month
    if period:
        grain, start = _period(workspace, period)
    else:
        grain = "quarter"
        start = shifted(grain, period_start(grain, workspace.as_of, fiscal), 1)
    with opened_release(workspace, "looking at goals") as connection:
        marts = GoalMarts(connection, workspace)
        for code in codes:
            kpi = marts.kpis.get(code)
            if kpi is None or not kpi.can_be_target or grain not in kpi.grains:
                raise WorkspaceError(
                    "proposing targets",
                    found=f"`{code}`",
                    expected=f"a KPI that may be a target and has figures by {grain}",
                    where="--kpi",
                )
        working = [p for p in marts.people.values() if p.left_on is None or p.left_on >= start]
        people = [
            p
            for p in working
            if not manager or match_name(manager) in (match_name(p.name), match_name(p.manager_id))
        ]
        if manager and not people:
            raise WorkspaceError(
                "proposing targets",
                found=f"no manager `{manager}` in the {grain} of {start}",
                expected=f"one of: {', '.join(sorted(p.name for p in working))}",
                where="--manager",
            )
        figures = marts.figures(
            {(code, ("manager", p.manager_id), grain) for code in codes for p in people}
        )
    told = []
    for person in sorted(people, key=lambda p: p.name):
        for code in codes:
            kpi = marts.kpis[code]
            goal = Goal(
                goal_id=f"proposed:{code}:{person.manager_id}:{start}",
                version=1,
                kind="goal",
                kpi=kpi,
                scope_type="manager",
                scope_id=person.manager_id,
                scope_name=person.name,
                grain=grain,
                start=start,
                end=shifted(grain, start, 1),
                target_kind="absolute",
                given=Decimal(0),
            )
            told.append(propose(goal, figures))
    return told
