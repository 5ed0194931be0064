"""How a published number comes about: formula, parts, and the facts behind it, to file and line.

What belongs here: reading marts.kpi_events, kpi_balances, kpi_balance_spans, kpi_period_events and
kpi_parts of the release. What does not: formulas (registry).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import zip_longest
from typing import Any

import duckdb

from dagster_project.errors import PipelineError, WorkspaceError
from dagster_project.names import match_name
from dagster_project.publish.reader import opened_release
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

    ``facts``: one mapping per fact, measure and line it came from, with ``measure_code,
    occurred_on, fact_table, fact_id, value, _source_file, _source_row``; the value of a fact stands
    at the first of its lines, so that the values add up. ``parts``: what the formula of a composite
    KPI combines, by name. ``overwritten``: those of the files that had other contents before, which
    still count; a line may be one of those.
    """

    kpi: dict[str, Any]
    cell: dict[str, Any]
    facts: list[dict[str, Any]]
    sums: dict[str, Any]
    fact_count: int
    parts: dict[str, float] = field(default_factory=dict)
    overwritten: list[str] = field(default_factory=list)

    @property
    def conditions(self) -> list[str]:
        """What must hold for a sum or ratio to be told, by measures, where it is withheld."""
        side = {"ratio": "denominator", "additive": "value", "semi_additive": "value"}
        told_by = side.get(self.kpi["aggregation"])
        if told_by is None or self.cell[told_by] is not None:
            return []
        measures, bases = (
            (self.kpi[f"guard_{part}"] or "").split(";") for part in ("numerator", "denominator")
        )
        told = [
            f"{measure} >= {self.kpi['guard_minimum']:.0%} {base}" if base else f"{measure} > 0"
            for measure, base in zip_longest(measures, bases, fillvalue="")
            if measure
        ]
        return told + ["conversion_window_days"] * bool(self.kpi["needs_window"])


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
    doing = f"explaining {kpi_code}"
    try:
        grain, start = period_bounds(period, workspace.config.fiscal_year_start_month)
    except ValueError:
        raise WorkspaceError(
            doing,
            found=f"period `{period}`",
            expected="2026-10, 2026-Q4, 2026-W41, 2026 or 2026-10-05",
            where="--period",
        ) from None
    with opened_release(workspace, doing) as release:
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
        parts = _parts(release, cell) if kpi["aggregation"] == "composite" else {}
        measures = [m for m in (kpi["numerator_measure"], kpi["denominator_measure"]) if m]
        sources = _sources(release, cell, measures or list(parts))
        if parts:  # percentiles and ages are no sums of facts
            sources = [source for source in sources if _is_any(release, source)]
        is_sample = kpi["aggregation"] == "distribution" and scope_type == "product"
        facts, sums, count = _facts(release, cell, sources, limit, is_sample=is_sample)
        before = release.execute(
            "select distinct file_name from ops.files where status = 'superseded' order by 1"
        ).fetchall()
    published = {
        kpi["numerator_measure"]: cell["numerator"],
        kpi["denominator_measure"]: cell["denominator"],
        **parts,
    }
    for measure, told in published.items():
        is_summed = measure in {source.name for source in sources} and told is not None
        allowed = 0.005 + 0.0001 * count  # foreign money of balances is valued by groups of facts
        if is_summed and abs(float(sums.get(measure, 0)) - float(told)) > allowed:
            raise PipelineError(
                doing,
                found=f"the facts of {measure} add up to {sums.get(measure, 0)}",
                expected=f"the published part, {told}",
                where=str(workspace.published / "kpi.duckdb"),
            )
    shown = {fact["_source_file"] for fact in facts}
    overwritten = [name for (name,) in before if name in shown]
    return Explanation(kpi, cell, facts, sums, count, parts, overwritten)


def _parts(release: duckdb.DuckDBPyConnection, cell: dict[str, Any]) -> dict[str, float]:
    return dict(
        release.execute(
            "select part, value from marts.kpi_parts where kpi_code = ? and scope_type = ? and "
            "scope_id = ? and window_code = 'period' and period_grain = ? and period_start = ? "
            "order by part",
            [cell[k] for k in ("kpi_code", "scope_type", "scope_id", "period_grain")]
            + [cell["period_start"]],
        ).fetchall()
    )


@dataclass(frozen=True)
class _Source:
    """Where the facts of one measure stand: its relation and the days or periods that count."""

    name: str
    sql: str
    values: list[Any]


def _sources(
    release: duckdb.DuckDBPyConnection, cell: dict[str, Any], measures: list[str]
) -> list[_Source]:
    """Find the facts of each measure: by day, as a balance of the last day, or for the period."""
    windows = {
        suffix: (first, last)
        for suffix, first, last in release.execute(
            "select suffix, first_day, last_day from marts.kpi_windows "
            "where window_code = 'period' and period_grain = ? and period_start = ?",
            [cell["period_grain"], cell["period_start"]],
        ).fetchall()
    } or {"": (cell["period_start"], cell["period_start"])}
    column = "strategy" if cell["scope_type"] == "strategy" else f"{cell['scope_type']}_id"
    is_all = cell["scope_type"] == "company"
    condition = "" if is_all else f" and {column} = ?"
    who: list[Any] = [] if is_all else [cell["scope_id"]]
    found = []
    for name in measures:
        measure, suffix = re.fullmatch(r"(.+?)(__90d|__lagged|__12m)?", name).groups("")
        first, last = windows.get("" if suffix == "__12m" else suffix, (None, None))
        if first is None or measure == "spend_covered_days":
            continue  # history is shorter; days on which any channel is covered do not add up
        periods = [cell["period_grain"], cell["period_start"], cell["period_start"]]
        if suffix == "__12m":  # whole months that end with the window, or before its last one
            after = (last + timedelta(days=1)).replace(day=1)
            first, last = after.replace(year=after.year - 1), after - timedelta(days=1)
            periods = ["month", first, last]
        columns = f"'{name}' as measure_code, {{}} as occurred_on, fact_table, fact_id, value"
        sql = (
            f"select {columns.format('occurred_on')} from marts.kpi_events "
            f"where measure_code = ? and occurred_on >= ? and occurred_on <= ?{condition} "
            f"union all select {columns.format('occurred_on')} from marts.kpi_balances "
            f"where measure_code = ? and occurred_on = ?{condition} "
            f"union all select {columns.format('cast(? as date)').replace(', value', '')}, "
            "case when spans.currency is null then value else value * rates.rate end "
            "from marts.kpi_balance_spans as spans left join marts.fct_rates as rates "
            "on spans.currency = rates.currency and rates.day = ? where measure_code = ? "
            f"and from_on <= ? and coalesce(to_on, date '9999-12-31') > ?{condition} "
            f"union all select {columns.format('period_start')} from marts.kpi_period_events "
            "where measure_code = ? and window_code = 'period' and period_grain = ? and "
            f"period_start >= ? and period_start <= ?{condition}"
        )
        values = [measure, first, last, *who, measure, last, *who]
        values += [last, last, measure, last, last, *who, measure, *periods, *who]
        found.append(_Source(name, sql, values))
    return found


def _is_any(release: duckdb.DuckDBPyConnection, source: _Source) -> bool:
    return bool(release.execute(f"select 1 from ({source.sql}) limit 1", source.values).fetchall())


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
    rows = release.execute(f"select distinct {key}, {name} from marts.{table}").fetchall()
    found = {told for told, _ in rows if told == wanted} or {
        told
        for told, called in rows
        if told.partition(":")[2] == wanted or match_name(called or "") == match_name(wanted)
    }
    if len(found) == 1:
        return kind, found.pop()
    known = ", ".join(sorted({called for _, called in rows if called}))
    raise WorkspaceError(
        doing,
        found=f"{len(found)} {kind}s called `{wanted}`",
        expected=f"exactly one of: {known}" if not found else f"an id: {', '.join(sorted(found))}",
        where="--scope",
    )


_ORIGINS = {
    "fct_deals": "deal_id",
    "fct_deal_events": "deal_id",
    "fct_deal_credits": "deal_id",
    "fct_pipeline_spans": "deal_id",
    "fct_unpaid_spans": "deal_id",
    "fct_due_deals": "deal_id",
    "fct_partner_days": "partner_id",
    "fct_leads": "lead_id",
    "fct_activities": "activity_id",
    "fct_milestones": "milestone_id",
    "fct_payments": "payment_id",
    "fct_spend": "spend_id",
    "fct_subscriptions": "customer_id",
}
"""Facts that a line of a file stands behind, by their keys."""
_COUNTED_ONCE = "('active_partners')"
"""Measures of which a fact counts once in a scope, whatever it did there."""


_AT_THE_END = "('mrr', 'active_customers', 'mrr_costed', 'mrr_margin')"
"""Measures of a customer that only the subscriptions of a period's last day stand behind."""
_A_YEAR_BACK = "('mrr_year_before', 'mrr_kept_a_year', 'mrr_of_kept_a_year')"
"""Measures of a customer that those of the day a year before stand behind, too."""


def _origins(release: duckdb.DuckDBPyConnection) -> str:
    """Return a relation (fact_table, fact_id, from_on, to_on, _source_file, _source_row).

    MRR of a customer comes from its subscriptions, which count in periods that they touch:
    ``from_on`` and ``to_on`` (exclusive) say when; NULL in both: always. Lifetime value comes from
    what ``ltv_basis`` counts (deals, payments or subscriptions) in the customer's first 12 months.
    """
    always = "cast(null as date) as from_on, cast(null as date) as to_on"
    lines = "any_value(_source_file) as _source_file, any_value(_source_row) as _source_row"
    relations = [
        f"select '{table}' as fact_table, {key} as fact_id, {always}, {lines} from marts.{table} "
        + ("where is_customer_start " if table == "fct_subscriptions" else "")
        + f"group by {key}"
        for table, key in _ORIGINS.items()
    ]
    basis = release.execute("select max(ltv_basis) from marts.ltv_cohorts").fetchone()[0]
    table, day = {
        "payments": ("fct_payments", "paid_on"),
        "mrr": ("fct_subscriptions", "started_on"),
    }.get(basis or "deals", ("fct_deals", "won_on"))
    relations.append(
        f"select 'dim_customer', customer_id, {always}, earned._source_file, earned._source_row "
        f"from marts.{table} as earned inner join marts.dim_customer as customers "
        f"using (customer_id) where earned.{day} < customers.acquired_on + interval 12 month"
    )
    relations += [
        f"select '{table}', customer_id, started_on, coalesce(ended_on, date '9999-12-31'), "
        "_source_file, _source_row from marts.fct_subscriptions where mrr > 0"
        for table in ("fct_mrr_movements", "fct_mrr_periods")
    ]
    return " union all ".join(relations)


def _facts(
    release: duckdb.DuckDBPyConnection,
    cell: dict[str, Any],
    sources: list[_Source],
    limit: int,
    *,
    is_sample: bool,
) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    """Return facts with their lines, the sum of each measure, and how many facts there are.

    A percentile of a product is taken of whole values (``is_sample``), as the facts then show them;
    the sums stay those of the parts that fall to the product.
    """
    if not sources:
        return [], {}, 0
    events = " union all ".join(source.sql for source in sources)
    given = [value for source in sources for value in source.values]
    facts = (
        "select measure_code, occurred_on, fact_table, fact_id, "
        f"case when measure_code in {_COUNTED_ONCE} then max(value) else sum(value) end as value "
        f"from ({events}) group by measure_code, occurred_on, fact_table, fact_id"
    )
    sums = dict(
        release.execute(
            f"select measure_code, sum(value) from ({facts}) group by 1", given
        ).fetchall()
    )
    count = release.execute(f"select count(*) from ({facts})", given).fetchone()[0]
    whole = (
        "(select facts.* replace (facts.value / parts.share as value) from facts "
        "inner join marts.fct_deal_products as parts "
        "on facts.fact_id = parts.deal_id and parts.product_id = ?) as whole"
    )
    product = [cell["scope_id"]] if is_sample else []
    months = {"month": 1, "quarter": 3, "year": 12}.get(cell["period_grain"], 0)
    found = release.execute(
        f"""
        with facts as ({facts}), events as (
            select *, row_number() over (
                partition by measure_code order by abs(value) desc, occurred_on, fact_id) as place
            from {whole if is_sample else "facts"}
        ), shown as (
            select *, occurred_on + to_months(
                case when ends_with(measure_code, '__12m') then 1 else {months} end) as ends_on
            from events where place <= {int(limit)}
        ), last_days as (
            select max(last_day) as last_day, max(last_day) + 1 as next_day
            from marts.kpi_windows where window_code = 'period' and suffix = ''
                and period_grain = ? and period_start = ?
        ), origins as ({_origins(release)}), lines as (
            select shown.*, origins._source_file, origins._source_row, row_number() over (
                partition by shown.measure_code, shown.place
                order by origins._source_file, origins._source_row) as line
            from shown cross join last_days left join origins
                on shown.fact_table = origins.fact_table and shown.fact_id = origins.fact_id
                and (origins.to_on is null
                or (origins.from_on < shown.ends_on and origins.to_on > case
                    when shown.measure_code in {_AT_THE_END} then last_days.last_day
                    when shown.measure_code in {_A_YEAR_BACK} then least(shown.occurred_on,
                        cast(last_days.next_day - interval 12 month as date)) - 1
                    else shown.occurred_on - 1 end))
        )
        select measure_code, occurred_on, fact_table, fact_id,
            case when line = 1 then value end as value, _source_file, _source_row
        from lines order by measure_code, place, line
        """,
        [*given, *product, cell["period_grain"], cell["period_start"]],
    )
    names = [c[0] for c in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()], sums, count
