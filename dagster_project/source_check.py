"""What each delivered file was taken for, which columns nobody reads, and the wins by month.

What belongs here: what ``kpi check --sources`` tells. What does not: recognising (ingest), printing
(cli).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from dagster_project.ingest.discovery import discover
from dagster_project.ingest.landing import landing_key, read_landed
from dagster_project.ingest.readers import unread_sheets
from dagster_project.publish.reader import is_published, opened_release
from dagster_project.settings import Workspace


def recognised_files(workspace: Workspace) -> list[dict[str, Any]]:
    """Tell for every delivered file what it was recognised as, or why it was not.

    Returns:
        One mapping per file and table: ``file``, ``status`` (recognised, rejected, empty or
        unclaimed), ``table``, ``entities``, ``columns``, ``columns_read``, ``share_read`` (of 1),
        ``unread`` headers; the last four are NULL until a run has read the file. A workbook has
        ``sheets_unread`` where it holds more than is read.
    """
    found = discover(workspace)
    sheets: dict[str, set[str | int | None]] = defaultdict(set)
    for claim in found.claims:
        sheets[claim.file_name].add(claim.reading.sheet)
    told: list[dict[str, Any]] = []
    for claim in found.claims:
        key = landing_key(claim, claim.content.sha256, workspace.config.settings)
        landed = read_landed(workspace.landing, key)
        row: dict[str, Any] = {
            "source": claim.source_name,
            "file": claim.file_name,
            "status": "recognised",
            "table": claim.table.relation,
            "entities": list(claim.table.feeds),
        }
        if landed is not None and landed.columns_delivered:
            read = landed.columns_delivered - len(landed.columns_unread)
            row |= {
                "columns": landed.columns_delivered,
                "columns_read": read,
                "share_read": round(read / landed.columns_delivered, 4),
                "unread": landed.columns_unread,
            }
        if left := unread_sheets(claim.path, sheets[claim.file_name], claim.file_name):
            row["sheets_unread"] = left
        told.append(row)
    told += [
        {
            "source": r.source_name,
            "file": r.file_name,
            "status": "rejected",
            "reason_code": r.reason_code,
            "reason": r.reason,
        }
        for r in found.rejected
    ]
    told += [{"source": s, "file": name, "status": "empty"} for s, name, _ in found.empty]
    left_out = [*found.unclaimed, *found.ignored]
    told += [{"source": s, "file": name, "status": "unclaimed"} for s, name in left_out]
    return sorted(told, key=lambda row: (row["source"], row["file"]))


def wins_by_month(workspace: Workspace) -> list[dict[str, Any]]:
    """Return won count and native sum per source and month, to lay beside the CRM's own report.

    Returns:
        Nothing where nothing is published yet.
    """
    if not is_published(workspace):
        return []
    with opened_release(workspace, "counting wins by month") as release:
        rows = release.execute(
            "select source_name, strftime(won_on, '%Y-%m') as month, count(*), "
            "sum(amount_native), currency from marts.fct_deals where won_on is not null "
            "group by all order by 1, 2, 5"
        ).fetchall()
    names = ("source", "month", "won", "amount", "currency")
    return [dict(zip(names, row, strict=True)) for row in rows]
