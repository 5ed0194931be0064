"""What a person sees at the end of a run, and what ``kpi status`` tells.

What belongs here: reading the published file and laying out text. What does not: figures.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dagster_project.lock import is_written
from dagster_project.publish.reader import opened_folder, opened_release
from dagster_project.publish.release import published_manifest
from dagster_project.settings import Workspace, option_of

HEADLINE_LINES = 14
_WORDS = {
    "en": {
        "kpi": "KPI",
        "rows": "Rows read: {seen}, in quarantine: {bad}. Gates passed: {gates}.",
        "goals": "Goals: {goals}; rows that are none: {refused}. Their review: `kpi goals{where}`.",
        "published": "Published: {path}",
        "asof": "Written beside, nothing swapped: {path}",
        "next": "Next: `kpi status{where}`, `kpi explain {kpi} --period {period}{where}`, "
        "or open {path} in a BI tool.",
        "incomplete": "so far",
        "none": "n/a",
        "low": "few cases",
    },
    "ru": {
        "kpi": "Показатель",
        "rows": "Строк прочитано: {seen}, в карантине: {bad}. Пройдено проверок: {gates}.",
        "goals": "Целей: {goals}; строк, которые не приняты: {refused}. "
        "Разбор: `kpi goals{where}`.",
        "published": "Опубликовано: {path}",
        "asof": "Записано рядом, опубликованное не тронуто: {path}",
        "next": "Дальше: `kpi status{where}`, `kpi explain {kpi} --period {period}{where}` "
        "или откройте {path} в BI-системе.",
        "incomplete": "пока",
        "none": "нет",
        "low": "мало случаев",
    },
}


@dataclass(frozen=True)
class Headline:
    """The summary's figures: ``columns`` are months, ``rows`` are (name, values as text)."""

    columns: list[str]
    rows: list[tuple[str, list[str]]]
    lines: list[str]
    data: dict[str, Any]


def headline(workspace: Workspace, folder: Path, *, is_swapped: bool = True) -> Headline:
    """Read the last complete month and the current one from a release.

    The figures shown are the first of the company's strategy profile that its files can feed.

    Args:
        workspace: The workspace, for language and currency.
        folder: The release.
        is_swapped: Whether the published link points at it now.
    """
    words = _WORDS[workspace.config.language]
    language = workspace.config.language
    with opened_folder(folder) as release:
        months = release.execute(
            "select period_start, is_complete from marts.kpi_company "
            "where period_grain = 'month' order by period_start desc limit 2"
        ).fetchall()
        months.reverse()
        complete = [m for m in months if m[1]]
        shown = months if len(complete) < len(months) else complete[-1:]
        found = release.execute(
            f"select k.kpi_code, k.name_{language}, k.unit, v.period_start, v.value, "
            "v.is_low_sample from marts.dim_kpi as k left join marts.kpi_values as v "
            "on k.kpi_code = v.kpi_code and v.scope_type = 'company' and v.period_grain = 'month' "
            "where k.is_available order by k.sort_order"
        ).fetchall()
        profile = [
            code
            for (code,) in release.execute(
                "select p.kpi_code from marts.strategy_profiles as p "
                "join marts.dim_kpi as k on p.kpi_code = k.kpi_code and k.is_available "
                "where p.strategy = ? and p.judged = 'company' order by p.place",
                [workspace.config.strategy],
            ).fetchall()
        ]
        seen, bad = release.execute(
            "select coalesce(sum(rows_seen), 0), coalesce(sum(rows_quarantined), 0) "
            "from ops.reconciliation"
        ).fetchone()
        goals, refused = release.execute(
            "select count(distinct case when not is_refused then goal_id end), "
            "count(case when is_refused then 1 end) from marts.goal_review"
        ).fetchone()
        gates = release.execute(
            "select count(distinct gate) from ops.gate_results where passed and load_id = "
            "(select arg_max(load_id, finished_at) from ops.runs)"
        ).fetchone()[0]
    rows = []
    names = {code: (name, unit) for code, name, unit, *_ in found}
    values = {(code, start): (value, low) for code, _, _, start, value, low in found}
    for code in profile[:HEADLINE_LINES]:
        name, unit = names[code]
        cells = [
            _spelled(*values.get((code, start), (None, False)), unit, workspace, words)
            for start, _ in shown
        ]
        rows.append((name, cells))
    columns = [
        f"{start:%Y-%m}" + ("" if whole else f" ({words['incomplete']})") for start, whole in shown
    ]
    where = option_of(workspace.directory)
    file = folder / "kpi.duckdb"
    link = workspace.published / "kpi.duckdb" if is_swapped else file
    period = f"{shown[0][0]:%Y-%m}" if shown else f"{workspace.as_of:%Y-%m}"
    lines = [
        words["rows"].format(seen=seen, bad=bad, gates=f"{gates}/3"),
        *(
            [words["goals"].format(goals=goals, refused=refused, where=where)]
            if goals or refused
            else []
        ),
        words["published" if is_swapped else "asof"].format(path=link.parent),
        words["next"].format(
            kpi=(profile or ["booked_revenue"])[0], period=period, where=where, path=link
        ),
    ]
    data = {
        "folder": str(folder),
        "swapped": is_swapped,
        "rows_seen": int(seen),
        "rows_quarantined": int(bad),
        "gates_passed": gates,
        "strategy": workspace.config.strategy,
        "profile": profile,
        "months": {
            f"{start:%Y-%m}": {code: values.get((code, start), (None,))[0] for code in names}
            for start, _ in shown
        },
    }
    return Headline(columns, rows, lines, data)


def _spelled(
    value: float | None, is_low: bool, unit: str, workspace: Workspace, words: dict[str, str]
) -> str:
    if value is None:
        return words["none"]
    space = "\u00a0"
    if unit == "money":
        text = f"{value:,.0f}".replace(",", space) + f" {workspace.config.reporting_currency}"
    elif unit == "share":
        text = f"{value:.1%}"
    elif unit == "count":
        text = f"{value:,.0f}".replace(",", space)
    else:
        text = f"{value:,.1f}".replace(",", space)
    return text + (f" ({words['low']})" if is_low else "")


def last_run(workspace: Workspace) -> dict[str, Any] | None:
    """Return the run that was begun last where it did not publish.

    Returns:
        ``run_id, status`` (``running``; ``failed``: it ended by itself; ``died``: it was killed),
        ``started_at`` in UTC. None where nothing ran, or the last run published.
    """
    try:
        told = json.loads(workspace.last_run_file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # no run yet, or somebody else's file
        return None
    before = published_manifest(workspace)
    is_published = before is not None and before["run_id"] == told["run_id"]
    if is_published or told["status"] == "published":  # the latter may be of an earlier day
        return None
    if told["status"] != "failed":
        told["status"] = "running" if is_written(workspace) else "died"
    return told


def status(workspace: Workspace) -> dict[str, Any] | None:
    """Return what the published release tells of runs, files, quarantine and freshness.

    Returns:
        What ``last_run`` tells, under its name, and lists of mappings under ``release, refused,
        runs, files, quarantine, freshness, closed``;
        None where nothing is published.

    Raises:
        ClosedPeriodBroken: A closed period is not as it was left.
    """
    from dagster_project.closing.frozen import read_closed
    from dagster_project.quality.gates import refusals

    manifest = published_manifest(workspace)
    if manifest is None:
        return None
    with opened_release(workspace, "telling the state") as release:

        def rows(sql: str) -> list[dict[str, Any]]:
            found = release.execute(sql)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

        return {
            "release": {k: v for k, v in manifest.items() if k != "tables"},
            "last_run": last_run(workspace),
            "refused": refusals(workspace),
            "runs": rows("select * from ops.runs order by started_at desc limit 5"),
            "files": rows(
                "select files.file_name, files.entity, files.status, recon.rows_seen, "
                "recon.rows_loaded, recon.rows_quarantined, files.reason_code from ops.files "
                "as files left join ops.reconciliation as recon using (file_name, entity, "
                "file_sha256) order by 1, 2"
            ),
            "quarantine": rows(
                "select entity, column_name, reason_code, is_row_rejected, count(*) as cases, "
                "min(_source_file) as example_file, min(_source_row) as example_row "
                "from ops.quarantine group by 1, 2, 3, 4 order by cases desc, 1, 2, 3"
            ),
            "freshness": rows("select * from ops.freshness order by source_name, entity"),
            "closed": [
                {
                    "period": r.label,
                    "revision": r.number,
                    "closed_on": r.closed_on,
                    "by": r.manifest["by"],
                    "reason": r.manifest["reason"],
                    "hashes": "as written",
                }
                for r in read_closed(workspace.closed)
            ],
        }


def period_bounds(text: str, fiscal_start: int) -> tuple[str, date]:
    """Read 2026-10, 2026-Q4, 2026-W41, 2026 or a day.

    Returns:
        (grain, first day).

    Raises:
        ValueError: The text is none of these.
    """
    import re

    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return "day", date.fromisoformat(text)
    if re.fullmatch(r"\d{4}-\d{2}", text):
        return "month", date.fromisoformat(text + "-01")
    if match := re.fullmatch(r"(\d{4})-?[Qq]([1-4])", text):
        month = fiscal_start + 3 * (int(match[2]) - 1)
        return "quarter", date(int(match[1]) + (month - 1) // 12, (month - 1) % 12 + 1, 1)
    if match := re.fullmatch(r"(\d{4})-?[Ww](\d{1,2})", text):
        return "week", date.fromisocalendar(int(match[1]), int(match[2]), 1)
    if re.fullmatch(r"\d{4}", text):
        return "year", date(int(text), fiscal_start, 1)
    raise ValueError(text)
