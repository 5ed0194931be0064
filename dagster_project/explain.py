"""How a published number comes about: formula, parts, and the facts behind it, to file and line.

What belongs here: finding the number that is asked for and holding its facts against it. What does
not: which rows a measure adds up (evidence), formulas (registry).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from dagster_project.errors import PipelineError, WorkspaceError
from dagster_project.evidence import composite_parts, facts_of, wanted_parts
from dagster_project.publish.release import published_manifest
from dagster_project.settings import Workspace
from dagster_project.summary import period_bounds

_SCOPES = {
    "team": ("dim_team", "team_id", "team_name"),
    "manager": ("dim_manager", "manager_id", "manager_name"),
    "channel": ("dim_channel", "channel_id", "channel_name"),
    "product": ("dim_product", "product_id", "product_name"),
    "partner": ("dim_partner", "partner_id", "partner_name"),
}


@dataclass(frozen=True)
class Explanation:
    """A number and its parts.

    ``facts``: one mapping per fact and measure with ``measure_code, occurred_on, fact_table,
    fact_id, value, _source_file, _source_row``. ``parts``: what a composite KPI combines.
    """

    kpi: dict[str, Any]
    cell: dict[str, Any]
    facts: list[dict[str, Any]]
    sums: dict[str, Any]
    fact_count: int
    parts: list[tuple[str, float | None]] = field(default_factory=list)


def explain(
    workspace: Workspace, kpi_code: str, scope: str, period: str, *, limit: int = 20
) -> Explanation:
    """Take a published KPI back to the lines of the files it came from.

    Args:
        workspace: The workspace, which has a release.
        kpi_code: A code of the registry.
        scope: ``company`` or ``manager=<id or name>`` and the like.
        period: ``2026-10, 2026-Q4, 2026-W41, 2026`` or a day.
        limit: At most so many facts per measure; the sums are over all.

    Raises:
        WorkspaceError: The KPI, scope or period is not known, or nothing is published.
        PipelineError: The facts do not add up to the published parts.
    """
    path = workspace.published / "kpi.duckdb"
    doing = f"explaining {kpi_code}"
    if not path.exists():
        raise WorkspaceError(
            doing, found="nothing published", expected="a release", remedy="run `kpi run` first"
        )
    try:
        grain, start = period_bounds(period, workspace.config.fiscal_year_start_month)
    except ValueError:
        raise WorkspaceError(
            doing,
            found=f"period `{period}`",
            expected="2026-10, 2026-Q4, 2026-W41, 2026 or 2026-10-05",
            where="--period",
        ) from None
    with duckdb.connect(str(path), read_only=True) as release:
        kpi = _one(release, "select * from marts.dim_kpi where kpi_code = ?", [kpi_code])
        if kpi is None:
            codes = release.execute(
                "select string_agg(kpi_code, ', ' order by sort_order) from marts.dim_kpi"
            ).fetchone()[0]
            raise WorkspaceError(doing, found=f"no KPI `{kpi_code}`", expected=f"one of: {codes}")
        if not kpi["is_available"]:
            raise WorkspaceError(
                doing,
                found=f"it is not available: {kpi['unavailable_because']}",
                expected="a KPI whose inputs are delivered",
            )
        scope_type, scope_id = _scope(release, scope, doing)
        cell = _one(
            release,
            "select * from marts.kpi_values where kpi_code = ? and scope_type = ? "
            "and scope_id = ? and period_grain = ? and period_start = ?",
            [kpi_code, scope_type, scope_id, grain, start],
        )
        if cell is None:
            raise WorkspaceError(
                doing,
                found=f"no figure for {scope} in the {grain} of {start}",
                expected=f"a scope of {kpi['scopes']}, a grain of {kpi['grains']}, "
                "a period with data",
            )
        manifest = published_manifest(workspace) or {}
        as_of = date.fromisoformat(manifest.get("as_of", workspace.as_of.isoformat()))
        wanted = wanted_parts(release, kpi, cell, as_of)
        facts, sums, count = facts_of(release, cell, wanted, limit)
        parts = composite_parts(release, cell) if kpi["aggregation"] == "composite" else []
    for part in ("numerator", "denominator"):
        measure, published = kpi[f"{part}_measure"], cell[part]
        is_summed = measure and published is not None and measure != "spend_covered_days"
        allowed = 0.005 + 0.0001 * count  # foreign money is valued by groups of deals
        if is_summed and abs(float(sums.get(measure, 0)) - float(published)) > allowed:
            raise PipelineError(
                doing,
                found=f"the facts of {measure} add up to {sums.get(measure, 0)}",
                expected=f"the published {part}, {published}",
                where=str(path),
            )
    return Explanation(kpi, cell, facts, sums, count, parts)


def _one(release: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> dict[str, Any] | None:
    found = release.execute(sql, values)
    names = [column[0] for column in found.description]
    row = found.fetchone()
    return dict(zip(names, row, strict=True)) if row else None


def _scope(release: duckdb.DuckDBPyConnection, scope: str, doing: str) -> tuple[str, str]:
    if scope in ("company", "company=all"):
        return "company", "all"
    kind, _, wanted = scope.partition("=")
    if kind == "strategy" and wanted:
        return kind, wanted
    if kind not in _SCOPES or not wanted:
        raise WorkspaceError(
            doing,
            found=f"scope `{scope}`",
            expected=f"company, or one of {', '.join(_SCOPES)}, strategy followed by =NAME",
            where="--scope",
        )
    table, key, name = _SCOPES[kind]
    found = release.execute(
        f"select distinct {key} from marts.{table} where {key} = ? or lower({name}) = lower(?)",
        [wanted, wanted],
    ).fetchall()
    if len(found) == 1:
        return kind, found[0][0]
    known = release.execute(
        f"select string_agg(distinct {name}, ', ' order by {name}) from marts.{table}"
    ).fetchone()[0]
    raise WorkspaceError(
        doing,
        found=f"{len(found)} {kind}s called `{wanted}`",
        expected=f"exactly one of: {known}" if not found else f"an id: {found}",
        where="--scope",
    )
