"""What goals need, read out of the marts of a run or of a release.

What belongs here: SQL over ``kpi.marts`` (and, within a run, over the engine's days) and the shapes
of ``goals.shapes``. What does not: any rule of a goal.

**Shape**: only the KPIs and scopes that are asked for are read, each table once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from dagster_project.goals.shapes import COMPANY, Figures, Kpi, Person, Scope, Value
from dagster_project.names import match_name
from dagster_project.settings import Workspace

Wanted = set[tuple[str, Scope, str]]
_NAMES = {
    "team": ("dim_team", "team_id", "team_name"),
    "channel": ("dim_channel", "channel_id", "channel_name"),
    "product": ("dim_product", "product_id", "product_name"),
    "partner": ("dim_partner", "partner_id", "partner_name"),
}

BEFORE_MARTS = {
    "dim_kpi": "(select *, true as is_available, cast(null as varchar) as unavailable_because, "
    "cast(null as varchar) as unavailable_because_ru from seeds.kpi_registry)",
    "dim_manager": "(select versions.*, versions.valid_to = date '9999-12-31' as is_current, "
    "employment.employed_from, employment.left_on from intermediate.int_managers__versions "
    "as versions left join intermediate.int_managers__employment as employment "
    "on versions.manager_id = employment.manager_id)",
    "dim_manager_ids": "intermediate.int_managers__crosswalk",
    "dim_team": "(select team_id, min(team_name) as team_name "
    "from intermediate.int_managers__versions group by team_id)",
    "fct_rates": "intermediate.int_fx__daily",
}
"""What stands for the marts when targets on revenue are read before the marts are built."""


class GoalMarts:
    """The marts, asked for what goals are judged by.

    Args:
        connection: Has the marts attached as ``kpi``.
        workspace: Its settings.
        relations: What stands for a table of the marts before they are built (``BEFORE_MARTS``).
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        workspace: Workspace,
        relations: Mapping[str, str] | None = None,
    ) -> None:
        self.connection, self.workspace = connection, workspace
        self._relations = relations
        self._registry = self._rows(f"select * from {self._table('dim_kpi')} order by sort_order")
        self.kpis = {row["kpi_code"]: _kpi_of(row) for row in self._registry}
        self.people = self._people()

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        found = self.connection.execute(sql, list(values))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _table(self, name: str) -> str:
        return f"kpi.marts.{name}" if self._relations is None else self._relations[name]

    def _people(self) -> dict[str, Person]:
        rows = self._rows(
            "select manager_id, manager_name, team_id, valid_from, is_current, employed_from, "
            f"left_on, strategy from {self._table('dim_manager')} where manager_id <> 'not_given' "
            "order by manager_id, valid_from"
        )
        versions: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            versions.setdefault(row["manager_id"], []).append(row)
        people = {}
        for manager_id, own in versions.items():
            now = next((row for row in own if row["is_current"]), own[-1])
            people[manager_id] = Person(
                manager_id,
                now["manager_name"],
                now["employed_from"],
                now["left_on"],
                now["strategy"],
                tuple((row["valid_from"], row["team_id"]) for row in own if row["team_id"]),
            )
        return people

    # -- names -----------------------------------------------------------------------------------

    def spellings(self) -> dict[str, dict[str, dict[str, str]]]:
        """Return, by scope type and spelling, every id that it may mean, with its name.

        A manager is also known by e-mail: by its hash, as it stands in a staged target.
        """
        told: dict[str, dict[str, dict[str, str]]] = {"manager": {}}
        for scope_type, (table, key, name) in _NAMES.items():
            if self._relations is not None and table not in self._relations:
                continue
            for row in self._rows(f"select {key} as id, {name} as name from {self._table(table)}"):
                for spelling in (row["id"], row["name"], row["id"].split(":", 1)[-1]):
                    _note(told, scope_type, spelling, row["id"], row["name"])
        ids = self._rows(
            "select manager_ref, manager_id, manager_name, is_id "
            f"from {self._table('dim_manager_ids')}"
        )
        names = {manager_id: person.name for manager_id, person in self.people.items()}
        by_ref = {row["manager_ref"]: row["manager_id"] for row in ids}
        for row in ids:
            own = [row["manager_ref"], row["manager_id"], row["manager_name"]]
            own += [row["manager_ref"].split(":", 1)[-1]] if row["is_id"] else []
            for spelling in own:
                name = names.get(row["manager_id"], row["manager_name"])
                _note(told, "manager", spelling, row["manager_id"], name)
        for row in self._e_mails():
            manager_id = by_ref.get(row["ref"])
            if manager_id is not None:
                _note(told, "manager", row["email"], manager_id, names.get(manager_id))
        for subject, pairs in self.workspace.config.aliases.items():
            for spelling, meant in pairs.items():
                for scope_id, name in told.get(subject, {}).get(match_name(meant), {}).items():
                    _note(told, subject, spelling, scope_id, name)
        company = {"all": self.workspace.config.company}
        return told | {"company": {"all": company}}

    def _e_mails(self) -> list[dict[str, Any]]:
        return self._rows(
            "select distinct coalesce(manager_id, source_name || ':~' || manager_name) as ref, "
            "email from intermediate.int_managers__united where email is not null"
        )

    # -- figures ---------------------------------------------------------------------------------

    def figures(self, wanted: Wanted) -> Figures:
        """Return the past of some KPIs, scopes and grains; of the grain `day` by day.

        Args:
            wanted: (KPI, scope, grain); the scopes that speak for one with little history too.
        """
        codes = {row["kpi_code"]: row for row in self._registry}
        wanted = {one for one in wanted if one[0] in codes}
        wanted |= {("cycle_days_median", scope, "year") for _, scope, _ in wanted}
        self._mark(wanted)
        values, days = self._values()
        workspace = self.workspace

        def cycle_days(scope: Scope) -> Decimal | None:
            for place in (scope, COMPANY):
                held = values.get(("cycle_days_median", place, "year"), {})
                known = [v for _, v in sorted(held.items()) if v.value is not None]
                if known and known[-1].sample_size >= workspace.config.settings.low_sample_below:
                    return known[-1].value
            return None

        percentiles = {c: row["percentile"] for c, row in codes.items() if row["percentile"]}
        return Figures(
            as_of=workspace.as_of,
            first_incomplete_on=workspace.first_incomplete_on,
            fiscal_start=workspace.config.fiscal_year_start_month,
            values=values,
            days=days,
            balances=self._balances(wanted),
            samples=self._samples(wanted),
            percentiles={c: float(p) for c, p in percentiles.items()},
            working_days=self._working_days(),
            people=self.people,
            low_sample_below=workspace.config.settings.low_sample_below,
            company_strategy=workspace.config.strategy,
            cycle_days=cycle_days,
            first_day=self._first_day(),
            profiles=self._profiles(),
            zero_codes=frozenset(c for c, kpi in self.kpis.items() if kpi.zero_rule == "zero"),
        )

    def _mark(self, wanted: Wanted) -> None:
        rows = sorted((code, *scope, grain) for code, scope, grain in wanted)
        names = ("kpi_code", "scope_type", "scope_id", "period_grain")
        marked = pa.table(  # noqa: F841 - DuckDB reads it by its name
            {
                name: pa.array([row[n] for row in rows], type=pa.string())
                for n, name in enumerate(names)
            }
        )
        self.connection.execute(
            "create or replace temp table wanted_figures as select * from marked"
        )

    def _values(
        self,
    ) -> tuple[
        dict[tuple[str, Scope, str], dict[date, Value]],
        dict[tuple[str, Scope], list[tuple[date, Decimal, Decimal]]],
    ]:
        """Return values by period, and the parts of each day of what adds up over days."""
        rows = self.connection.execute(
            "select v.kpi_code, v.scope_type, v.scope_id, v.period_grain, v.period_start, "
            "v.period_end, v.numerator, v.denominator, v.value, v.sample_size, v.is_complete "
            "from kpi.marts.kpi_values as v semi join wanted_figures as w "
            "on v.kpi_code = w.kpi_code and v.scope_type = w.scope_type "
            "and v.scope_id = w.scope_id and v.period_grain = w.period_grain "
            "order by v.period_start"
        ).fetchall()
        told: dict[tuple[str, Scope, str], dict[date, Value]] = {}
        days: dict[tuple[str, Scope], list[tuple[date, Decimal, Decimal]]] = {}
        zero = Decimal(0)
        for code, scope_type, scope_id, grain, start, end, upper, lower, value, cases, over in rows:
            scope, aggregation = (scope_type, scope_id), self.kpis[code].aggregation
            if grain == "day" and aggregation in ("additive", "ratio"):
                days.setdefault((code, scope), []).append((start, upper or zero, lower or zero))
            exact = _exact(aggregation, upper, lower, value)
            held = told.setdefault((code, scope, grain), {})
            held[start] = Value(start, end, upper, lower, exact, cases or 0, bool(over))
        return told, days

    def _balances(self, wanted: Wanted) -> dict[tuple[str, Scope], list[tuple[date, Decimal]]]:
        rows = self._of_days(
            wanted,
            "semi_additive",
            "select w.kpi_code, d.scope_type, d.scope_id, d.day, round(d.value, 4) "
            "from engine.kpi_scope_days as d",  # as kpi_values publishes the last of them
            "and d.is_balance order by d.day",
        )
        told: dict[tuple[str, Scope], list[tuple[date, Decimal]]] = {}
        for code, scope_type, scope_id, day, value in rows:
            told.setdefault((code, (scope_type, scope_id)), []).append((day, value))
        return told

    def _samples(self, wanted: Wanted) -> dict[tuple[str, Scope], list[tuple[date, int, int]]]:
        rows = self._of_days(
            wanted,
            "distribution",
            "select w.kpi_code, d.scope_type, d.scope_id, d.day, d.sample, d.sample_count "
            "from engine.kpi_sample_days as d",
            "and d.sample_count > 0 order by d.day, d.sample",
        )
        told: dict[tuple[str, Scope], list[tuple[date, int, int]]] = {}
        for code, scope_type, scope_id, day, sample, count in rows:
            told.setdefault((code, (scope_type, scope_id)), []).append((day, sample, count))
        return told

    def _of_days(
        self, wanted: Wanted, aggregation: str, select: str, rest: str
    ) -> list[tuple[Any, ...]]:
        """Join what the engine keeps by day with the figures wanted, by their measure."""
        if not any(g == "day" and self.kpis[c].aggregation == aggregation for c, _, g in wanted):
            return []
        return self.connection.execute(
            f"{select} inner join kpi.marts.dim_kpi as k on d.measure_code = k.numerator_measure "
            f"and k.aggregation = '{aggregation}' inner join wanted_figures as w "
            "on k.kpi_code = w.kpi_code and d.scope_type = w.scope_type "
            f"and d.scope_id = w.scope_id and w.period_grain = 'day' {rest}"
        ).fetchall()

    def _profiles(self) -> dict[tuple[str, str], frozenset[str]]:
        rows = self._rows("select strategy, judged, kpi_code from kpi.marts.strategy_profiles")
        told: dict[tuple[str, str], set[str]] = {}
        for row in rows:
            told.setdefault((row["strategy"], row["judged"]), set()).add(row["kpi_code"])
        return {key: frozenset(codes) for key, codes in told.items()}

    def _first_day(self) -> date | None:
        (row,) = self._rows(
            "select min(period_start) as day from kpi.marts.kpi_values "
            "where scope_type = 'company' and period_grain = 'day'"
        )
        return row["day"]

    def _working_days(self) -> list[date]:
        """Return working days; beyond the marts' last day weekdays stand in for the calendar."""
        rows = self._rows("select day, is_working from kpi.marts.dim_date order by day")
        days = [row["day"] for row in rows if row["is_working"]]
        day = rows[-1]["day"] + timedelta(days=1) if rows else self.workspace.as_of
        while day <= self.workspace.as_of + timedelta(days=800):
            if day.weekday() < 5:
                days.append(day)
            day += timedelta(days=1)
        return days

    def rate(self, currency: str, day: date) -> Decimal | None:
        """Return a currency's rate in the reporting currency on a day."""
        rows = self._rows(
            f"select rate from {self._table('fct_rates')} where currency = ? and day = ?",
            [currency, day],
        )
        return rows[0]["rate"] if rows else None


def _kpi_of(row: Mapping[str, Any]) -> Kpi:
    def parts(name: str) -> frozenset[str]:
        return frozenset(part for part in (row[name] or "").split(";") if part)

    return Kpi(
        row["kpi_code"],
        row["name_en"],
        row["name_ru"],
        row["unit"],
        row["direction"],
        row["aggregation"],
        row["date_rule"] or "",
        parts("scopes"),
        parts("grains"),
        parts("strategies"),
        row["zero_rule"] or "",
        bool(row["needs_window"]),
        bool(row["can_be_target"]),
        bool(row["is_available"]),
        row["unavailable_because"],
        row["unavailable_because_ru"],
        row["formula_en"] or "",
        row["formula_ru"] or "",
        bool(row["guard_minimum"]),
    )


def _exact(
    aggregation: str, upper: Decimal | None, lower: Decimal | None, value: float | None
) -> Decimal | None:
    """Return a value from its decimal parts where it has them, else as the double is written."""
    if value is None:
        return None
    if aggregation == "ratio" and upper is not None and lower:
        return upper / lower
    if aggregation in ("additive", "semi_additive") and upper is not None:
        return upper
    return Decimal(repr(value))


def _note(
    told: dict[str, dict[str, dict[str, str]]],
    scope_type: str,
    spelling: str | None,
    scope_id: str,
    name: str | None,
) -> None:
    if spelling:
        told.setdefault(scope_type, {}).setdefault(match_name(spelling), {})[scope_id] = (
            name or scope_id
        )
