"""``raw.goals__*``: goals resolved, reviewed, held against the facts, for thin models.

What belongs here: what a run lands of goals before its models publish it, and keeping baselines.
What does not: the rules of goals (goals).

**Shape**: whole tables, replaced at each run; empty but typed where a workspace has no targets.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.goals.attainment import resolved
from dagster_project.goals.baselines import Kept, base_starts, key_of, with_target
from dagster_project.goals.curve import Curves
from dagster_project.goals.drivers import DRIVERS, OUTCOMES, RATES, required_activity
from dagster_project.goals.progress import Pace, plan_fact
from dagster_project.goals.reading import Surroundings, in_force, read_goals, word_of
from dagster_project.goals.review import refused_row, review
from dagster_project.goals.shapes import Figures, Goal, Kpi, Refused, as_kept
from dagster_project.ingest.deliveries import sightings
from dagster_project.names import match_name
from dagster_project.period_names import read_period, shifted
from dagster_project.planning.marts import BEFORE_MARTS, GoalMarts, Wanted
from dagster_project.settings import Workspace

_WHO = "kpi_code:text scope_type:text scope_id:text scope_name:text "
_WHEN = "period_grain:text period_start:date period_end:date "


def _columns(text: str) -> dict[str, str]:
    return dict(part.split(":") for part in text.split())


_LETTERS = ("specific", "measurable", "achievable", "relevant", "time_bound")
LANDED: dict[str, dict[str, str]] = {
    "targets": _columns(
        "goal_id:text version:int kind:text parent_goal_id:text title:text rationale:text "
        "owner_manager_id:text owner_name:text " + _WHO + _WHEN + "target_kind:text given:number "
        "target_value:number baseline_kind:text baseline:number floor:number stretch:number "
        "issued_on:date approved_by:text is_in_force:bool source_file:text source_row:int"
    ),
    "goal_review": _columns(
        "goal_id:text version:int kind:text parent_goal_id:text title:text owner_manager_id:text "
        "owner_name:text " + _WHO + _WHEN + "issued_on:date is_refused:bool "
        "refused_because_en:text refused_because_ru:text unit:text target_kind:text target:number "
        "baseline_kind:text baseline:number "
        + " ".join(f"{x}_verdict:text {x}_evidence_en:text {x}_evidence_ru:text" for x in _LETTERS)
        + " z_score:number percentile:number best_ever:number same_season:number "
        "required_growth:number best_growth:number children_sum:number children_gap:number "
        "children_gap_rate:number source_file:text source_row:int"
    ),
    "plan_fact": _columns(
        "goal_id:text version:int day:date is_latest:bool kind:text title:text "
        + _WHO
        + _WHEN
        + "is_complete:bool unit:text target:number baseline:number floor:number stretch:number "
        "actual:number attainment:number progress:number expected:number expected_basis:text "
        "pace:number landing:number gap:number status:text"
    ),
    "required_activity": _columns(
        "goal_id:text version:int "
        + _WHO
        + _WHEN
        + "remaining:number working_days_left:int driver_kpi_code:text required:number "
        "required_per_day:number usual_per_day:number factor:number done:number rates:text "
        "rate_basis:text is_low_sample:bool task_goal_id:text task_target:number task_gap:number "
        "explanation_en:text explanation_ru:text"
    ),
}
_REVENUE = _columns(
    "scope_type:text scope_id:text period_grain:text period_start:date target_value:number "
    "growth:number base_first:date base_last:date base_periods:int"
)
_SQL = {
    "text": "varchar",
    "date": "date",
    "int": "bigint",
    "bool": "boolean",
    "number": "decimal(38, 10)",
}
_ARROW = {
    "text": pa.string(),
    "date": pa.date32(),
    "int": pa.int64(),
    "bool": pa.bool_(),
    "number": pa.decimal128(38, 10),
}
_BASELINES = pa.schema(
    [
        *((name, pa.string()) for name in ("goal_id", "version", "kpi_code")),
        *((name, pa.string()) for name in ("scope_type", "scope_id", "period_grain")),
        ("period_start", pa.string()),
        ("baseline_kind", pa.string()),
        ("baseline", pa.string()),
        ("as_of", pa.date32()),
        ("kept_at", pa.timestamp("us")),
    ]
)
_KEY = _BASELINES.names[:8]


@dataclass
class Planned:
    """Everything that is known of a workspace's goals at one moment."""

    goals: dict[str, list[Goal]]
    refused: list[Refused]
    figures: Figures
    curves: Curves


def has_targets(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether any target is delivered: only then goals cost."""
    found = connection.execute("select 1 from intermediate.int_targets__united limit 1").fetchone()
    return found is not None


def land_goals(workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Work out goals on the marts of this run and replace ``raw.goals__*``.

    Returns:
        Rows by table.
    """
    connection.execute("create schema if not exists raw")
    for name, columns in LANDED.items():
        spelled = ", ".join(f'"{c}" {_SQL[kind]}' for c, kind in columns.items())
        connection.execute(f"create or replace table raw.goals__{name} ({spelled})")
    if not has_targets(connection):
        return {}
    told = tables_of(read_plans(workspace, connection), workspace)
    for name, rows in told.items():
        _insert(connection, name, rows)
    return {name: len(rows) for name, rows in told.items()}


def land_revenue_targets(workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> int:
    """Replace ``raw.goals__revenue_targets``, which the marts read for what is still to sell.

    A relative target stands there with the periods of its base, which the marts add up; a scope and
    period with two goals on revenue has none.
    """
    connection.execute("create schema if not exists raw")
    spelled = ", ".join(f"{column} {_SQL[kind]}" for column, kind in _REVENUE.items())
    connection.execute(f"create or replace table raw.goals__revenue_targets ({spelled})")
    if not has_targets(connection):
        return 0
    marts = GoalMarts(connection, workspace, BEFORE_MARTS)
    find = _finder(marts)
    delivered = _delivered(workspace, connection)
    rows = [row for row in delivered if _is_revenue(row["kpi_code"] or "", marts.kpis)]
    around = Surroundings(
        marts.kpis,
        Figures(
            as_of=workspace.as_of,
            first_incomplete_on=workspace.first_incomplete_on,
            fiscal_start=workspace.config.fiscal_year_start_month,
            values={},
            days={},
            working_days=(),
            people=marts.people,
        ),
        find,
        marts.rate,
        workspace.config.reporting_currency,
    )
    versions: dict[str, list[Goal]] = {}
    for goal in read_goals(rows, around)[0]:
        versions.setdefault(goal.goal_id, []).append(goal)
    kept = read_baselines(workspace)
    by_scope: dict[tuple[str, ...], list[Goal]] = {}
    for held in versions.values():
        goal = in_force(held, min(workspace.as_of, held[0].end - timedelta(days=1)))
        if goal.kind == "goal":
            key = (*goal.scope, goal.grain, goal.start.isoformat())
            by_scope.setdefault(key, []).append(goal)
    told = [
        _revenue_row(goals[0], kept, workspace.first_incomplete_on)
        for goals in by_scope.values()
        if len(goals) == 1
    ]
    _insert_into(connection, "revenue_targets", _REVENUE, told)
    return len(told)


def _is_revenue(written: str, kpis: Mapping[str, Kpi]) -> bool:
    kpi = kpis["booked_revenue"]
    return " ".join(written.split()).casefold() in {
        name.casefold() for name in (kpi.code, kpi.name_en, kpi.name_ru)
    }


def _revenue_row(goal: Goal, kept: Kept, first_incomplete_on: date) -> dict[str, Any]:
    starts = base_starts(goal)
    is_over = bool(starts) and shifted(goal.grain, max(starts), 1) <= first_incomplete_on
    baseline = kept.get(key_of(goal), goal.baseline_given)
    target = resolved(goal, goal.given, baseline)
    return {
        "scope_type": goal.scope_type,
        "scope_id": goal.scope_id,
        "period_grain": goal.grain,
        "period_start": goal.start,
        "target_value": target,
        "growth": 1 + goal.given / 100 if target is None else None,
        "base_first": min(starts) if is_over else None,
        "base_last": max(starts) if is_over else None,
        "base_periods": len(starts),
    }


def read_plans(workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> Planned:
    """Read every delivered target on the marts of this run."""
    marts = GoalMarts(connection, workspace)
    rows = _delivered(workspace, connection)
    find = _finder(marts)
    figures = marts.figures(_wanted(rows, marts, find, workspace))
    goals, refused = read_goals(
        rows,
        Surroundings(marts.kpis, figures, find, marts.rate, workspace.config.reporting_currency),
    )
    kept = read_baselines(workspace)
    by_id: dict[str, list[Goal]] = {}
    for goal in goals:
        by_id.setdefault(goal.goal_id, []).append(with_target(goal, figures, kept))
    return Planned(by_id, refused, figures, Curves(figures))


def _delivered(workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the rows of all targets; ``_came_before``: when their sheet had stood so before."""
    found = connection.execute(
        "select targets.*, landings.observed_on from intermediate.int_targets__united as targets "
        "inner join intermediate.int_landings__observed as landings "
        "on targets._landing_key = landings._landing_key where not targets._is_row_rejected "
        "order by _observed_at, _source_file, _source_row, period_start"
    )
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    seen, zone = sightings(workspace), ZoneInfo(workspace.config.timezone)
    for row in rows:
        times = seen.get((row["source_name"], row["_source_file"], row["_file_sha256"]), [])
        came = times.index(row["_observed_at"]) if row["_observed_at"] in times else 0
        row["_came_before"] = [
            (at, at.replace(tzinfo=UTC).astimezone(zone).date()) for at in times[:came]
        ]
    return rows


def _finder(marts: GoalMarts) -> Callable[[str, str], list[tuple[str, str]]]:
    spellings = marts.spellings()

    def find(scope_type: str, text: str) -> list[tuple[str, str]]:
        return list(spellings.get(scope_type, {}).get(match_name(text), {}).items())

    return find


def _wanted(
    rows: Iterable[dict[str, Any]],
    marts: GoalMarts,
    find: Callable[[str, str], list[tuple[str, str]]],
    workspace: Workspace,
) -> Wanted:
    """Return which figures the rows may ask for: their own, and what an outcome is made of."""
    names = {n.casefold(): k.code for k in marts.kpis.values() for n in (k.name_en, k.name_ru)}
    fiscal = workspace.config.fiscal_year_start_month
    wanted: Wanted = set()
    for row in rows:
        code = (row["kpi_code"] or "").casefold()
        code = names.get(code, code)
        grain = word_of(row["period_grain"]) or None
        period = read_period(row["period_start"] or "", fiscal, grain)
        kind = word_of(row["scope_type"])
        if period is None:
            continue
        grain, start = period
        scopes = {("company", "all")}
        for scope_id, _ in find(kind, "all" if kind == "company" else row["scope_id"] or ""):
            scopes |= {(kind, scope_id), *_teams(marts, kind, scope_id)}
        wanted |= {(code, scope, g) for scope in scopes for g in (grain, "day")}
        if code in OUTCOMES and shifted(grain, start, 1) > workspace.as_of:
            wanted |= {(c, s, "month") for c in (*DRIVERS, *RATES) for s in scopes}
            wanted |= {(c, s, grain) for c in DRIVERS for s in scopes}
    return wanted


def _teams(marts: GoalMarts, scope_type: str, scope_id: str) -> list[tuple[str, str]]:
    person = marts.people.get(scope_id) if scope_type == "manager" else None
    return [("team", team) for _, team in person.teams] if person else []


# -- tables --------------------------------------------------------------------------------------


def tables_of(planned: Planned, workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table."""
    tuning = workspace.config.settings
    pace = Pace(
        Decimal(str(tuning.pace_ahead)),
        Decimal(str(tuning.pace_on_track)),
        Decimal(str(tuning.pace_at_risk)),
    )
    newest = {goal_id: versions[-1] for goal_id, versions in planned.goals.items()}
    children: dict[str, list[Goal]] = {}
    for goal in newest.values():
        if goal.parent_goal_id:
            children.setdefault(goal.parent_goal_id, []).append(goal)
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in LANDED}
    for goal_id, versions in planned.goals.items():
        held = in_force(versions, workspace.as_of)
        told["targets"] += [_target_row(goal, goal is held) for goal in versions]
        told["goal_review"] += [
            review(
                goal,
                planned.figures,
                newest,
                children.get(goal_id, []),
                tolerance=Decimal(str(tuning.goal_sum_tolerance)),
            )
            for goal in versions
        ]
        told["plan_fact"] += plan_fact(versions, planned.figures, planned.curves, pace)
        if held.kind == "goal":
            actual = planned.figures.value(held.kpi.code, held.scope, held.grain, held.start)
            tasks = [t for t in _below(goal_id, children) if t.kind == "task"]
            told["required_activity"] += required_activity(
                held, actual.value if actual else None, planned.figures, tasks
            )
    told["goal_review"] += [refused_row(r, n) for n, r in enumerate(planned.refused, start=1)]
    return told


def _below(goal_id: str, children: dict[str, list[Goal]]) -> list[Goal]:
    """Return every goal below one, however deep; a circle ends where it began."""
    found: list[Goal] = []
    seen, waiting = {goal_id}, [goal_id]
    while waiting:
        for child in children.get(waiting.pop(0), []):
            if child.goal_id not in seen:
                seen.add(child.goal_id)
                found.append(child)
                waiting.append(child.goal_id)
    return found


def _target_row(goal: Goal, is_in_force: bool) -> dict[str, Any]:
    return {
        **goal.named,
        "kind": goal.kind,
        "parent_goal_id": goal.parent_goal_id,
        "title": goal.title,
        "rationale": goal.rationale,
        "owner_manager_id": goal.owner_id,
        "owner_name": goal.owner_name,
        "target_kind": goal.target_kind,
        "given": goal.given,
        "target_value": goal.target,
        "baseline_kind": goal.baseline_kind,
        "baseline": goal.baseline,
        "floor": goal.floor,
        "stretch": goal.stretch,
        "issued_on": goal.issued_on,
        "approved_by": goal.approved_by,
        "is_in_force": is_in_force,
        "source_file": goal.source_file,
        "source_row": goal.source_row,
    }


def _insert(
    connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[dict[str, Any]]
) -> None:
    _insert_into(connection, name, LANDED[name], rows)


def _insert_into(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, str],
    rows: Sequence[dict[str, Any]],
) -> None:
    if not rows:
        return
    arrays = [
        pa.array([_cell(row.get(column), kind) for row in rows], type=_ARROW[kind])
        for column, kind in columns.items()
    ]
    landed = pa.table(arrays, names=list(columns))  # noqa: F841 - DuckDB reads it by its name
    connection.execute(f"insert into raw.goals__{name} select * from landed")


def _cell(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "number":
        return as_kept(Decimal(value))
    return int(value) if kind == "int" else value


# -- baselines -----------------------------------------------------------------------------------


def read_baselines(workspace: Workspace) -> Kept:
    """Return the baselines that were known when and on the day looked from, the first of each."""
    kept: Kept = {}
    rows: list[dict[str, Any]] = []
    for path in sorted((workspace.state / "baselines").glob("*.parquet")):
        rows += pq.read_table(path).to_pylist()
    for row in sorted(rows, key=lambda r: r["kept_at"]):
        is_known = workspace.known_by is None or row["kept_at"] <= workspace.known_by
        if row["as_of"] <= workspace.as_of and is_known:
            kept.setdefault(tuple(row[c] for c in _KEY), Decimal(row["baseline"]))
    return kept


def keep_baselines(workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> int:
    """Keep the baselines of a run that is published, each once, in ``state/baselines``.

    A baseline that was once published does not move when late facts change its period.
    """
    if workspace.is_as_of_given or workspace.known_by is not None:
        return 0
    found = connection.execute(
        "select goal_id, version, kpi_code, scope_type, scope_id, period_grain, period_start, "
        "baseline_kind, baseline from raw.goals__targets "
        "where baseline is not null and baseline_kind <> 'given'"
    ).fetchall()
    known = read_baselines(workspace)
    now = datetime.now(UTC).replace(tzinfo=None)
    new = []
    for row in found:
        key = tuple(c.isoformat() if isinstance(c, date) else str(c) for c in row[:8])
        if key not in known:
            told = {**dict(zip(_KEY, key, strict=True)), "baseline": str(row[8])}
            new.append(told | {"as_of": workspace.as_of, "kept_at": now})
    if new:
        folder = workspace.state / "baselines"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{now:%Y%m%dT%H%M%S%f}-{uuid.uuid4().hex[:6]}.parquet"
        beside = folder / f".{name}.new"
        pq.write_table(pa.Table.from_pylist(new, schema=_BASELINES), beside)
        beside.rename(folder / name)
    return len(new)
