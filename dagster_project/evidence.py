"""The facts behind a published number: which rows a measure adds up, and where they came from.

What belongs here: reading the views of a release that take measures apart (kpi_events by day,
kpi_balances and kpi_balance_spans for what stands on a day, kpi_period_events for what belongs to
a period as a whole). What does not: filters and formulas (models, registry).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

COUNTED_ONCE = frozenset({"active_partners"})
"""Measures of which a fact counts once in a scope, whatever it did there."""
KEYS = {
    "fct_deals": "deal_id",
    "fct_deal_events": "deal_id",
    "fct_deal_credits": "deal_id",
    "fct_pipeline_spans": "deal_id",
    "fct_unpaid_spans": "deal_id",
    "fct_due_deals": "deal_id",
    "fct_partner_days": "partner_id",
    "fct_leads": "lead_id",
    "fct_activities": "activity_id",
    "fct_payments": "payment_id",
    "fct_spend": "spend_id",
    "fct_subscriptions": "customer_id",
    "fct_mrr_movements": "customer_id",
    "fct_mrr_periods": "customer_id",
}
"""Tables of facts and what the views name them by."""


@dataclass(frozen=True)
class Wanted:
    """One part of a number: a measure over some days, under the name that the number gives it."""

    part: str
    measure: str
    first_day: date
    last_day: date


def wanted_parts(
    release: duckdb.DuckDBPyConnection, kpi: dict[str, Any], cell: dict[str, Any], as_of: date
) -> list[Wanted]:
    """Return which measures a KPI reads for a cell, and over which days.

    Args:
        release: The published file.
        kpi: Its row of dim_kpi.
        cell: Its row of kpi_values.
        as_of: The day that the run looked from.
    """
    last = min(cell["period_end"] - timedelta(days=1), as_of)
    if kpi["aggregation"] == "composite":
        names = [part for part, _ in composite_parts(release, cell)]
    else:
        names = [m for m in (kpi["numerator_measure"], kpi["denominator_measure"]) if m]
    samples = dict(
        release.execute(
            "select kpi_code, numerator_measure from marts.dim_kpi "
            "where aggregation = 'distribution'"
        ).fetchall()
    )
    windows = {
        suffix: (first, until)
        for suffix, first, until in release.execute(
            "select suffix, first_day, last_day from marts.kpi_windows "
            "where window_code = 'period' and period_grain = ? and period_start = ?",
            [cell["period_grain"], cell["period_start"]],
        ).fetchall()
    }
    told = []
    for name in dict.fromkeys(names):
        measure, mark, window = name.partition("__")
        first, until = windows.get(mark + window, (cell["period_start"], last))
        told.append(Wanted(name, samples.get(measure, measure), first, until))
    return told


def composite_parts(
    release: duckdb.DuckDBPyConnection, cell: dict[str, Any]
) -> list[tuple[str, float | None]]:
    """Return the parts that a composite KPI combines, each as summed at the scope."""
    return release.execute(
        "select part, value from marts.kpi_parts where kpi_code = ? and scope_type = ? "
        "and scope_id = ? and window_code = 'period' and period_grain = ? and period_start = ? "
        "order by part",
        [cell[n] for n in ("kpi_code", "scope_type", "scope_id", "period_grain", "period_start")],
    ).fetchall()


def facts_of(
    release: duckdb.DuckDBPyConnection, cell: dict[str, Any], wanted: list[Wanted], limit: int
) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    """Return the largest facts of each part, the sums over all of them, and how many there are.

    Args:
        release: The published file.
        cell: The row of kpi_values that is explained.
        wanted: Its parts.
        limit: At most so many facts per part.

    Returns:
        Facts with ``measure_code`` (the part), the fact and its file and line; sum by part; count.
    """
    found: list[dict[str, Any]] = []
    sums: dict[str, Any] = {}
    count = 0
    for part in wanted:
        rows = _facts_of_part(release, cell, part)
        if rows:
            sums[part.part] = sum(row["value"] for row in rows)
        count += len(rows)
        found += rows[:limit]
    origins = _origins(release, found)
    for row in found:
        row["_source_file"], row["_source_row"] = origins.get(
            (row["fact_table"], row["fact_id"]), (None, None)
        )
    return found, sums, count


def _facts_of_part(
    release: duckdb.DuckDBPyConnection, cell: dict[str, Any], part: Wanted
) -> list[dict[str, Any]]:
    scope, who = "true", []
    if cell["scope_type"] != "company":
        column = "strategy" if cell["scope_type"] == "strategy" else f"{cell['scope_type']}_id"
        scope, who = f"{column} = ?", [cell["scope_id"]]
    counting = "max" if part.measure in COUNTED_ONCE else "sum"
    found = release.execute(
        f"""
        with parts as (
            select occurred_on, fact_table, fact_id, value from marts.kpi_events
            where measure_code = ? and occurred_on between ? and ? and {scope}
            union all
            select occurred_on, fact_table, fact_id, value from marts.kpi_balances
            where measure_code = ? and occurred_on = ? and {scope}
            union all
            select ?, spans.fact_table, spans.fact_id,
                case when spans.currency is null then spans.value else spans.value * rates.rate end
            from marts.kpi_balance_spans as spans
            left join marts.fct_rates as rates on spans.currency = rates.currency and rates.day = ?
            where spans.measure_code = ? and spans.from_on <= ?
                and coalesce(spans.to_on, date '9999-12-31') > ? and {scope}
            union all
            select period_start, fact_table, fact_id, value from marts.kpi_period_events
            where measure_code = ? and window_code = 'period' and period_grain = ?
                and period_start = ? and {scope}
        )
        select ? as measure_code, occurred_on, fact_table, fact_id, {counting}(value) as value
        from parts where value is not null group by occurred_on, fact_table, fact_id
        order by abs({counting}(value)) desc, occurred_on, fact_id
        """,
        [
            *(part.measure, part.first_day, part.last_day, *who),
            *(part.measure, part.last_day, *who),
            *(part.last_day, part.last_day, part.measure, part.last_day, part.last_day, *who),
            *(part.measure, cell["period_grain"], cell["period_start"], *who),
            part.part,
        ],
    )
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _origins(
    release: duckdb.DuckDBPyConnection, facts: list[dict[str, Any]]
) -> dict[tuple[str, str], tuple[str, int]]:
    """Return file and line of each fact shown, from its own table."""
    told: dict[tuple[str, str], tuple[str, int]] = {}
    for table in sorted({row["fact_table"] for row in facts} & set(KEYS)):
        ids = sorted({row["fact_id"] for row in facts if row["fact_table"] == table})
        has_lines = release.execute(
            "select count(*) from information_schema.columns where table_schema = 'marts' "
            "and table_name = ? and column_name = '_source_file'",
            [table],
        ).fetchone()[0]
        if not has_lines:
            continue
        marks = ", ".join("?" for _ in ids)
        for key, file, row in release.execute(
            f"select {KEYS[table]}, any_value(_source_file), any_value(_source_row) "
            f"from marts.{table} where {KEYS[table]} in ({marks}) group by 1",
            ids,
        ).fetchall():
            told[table, key] = (file, row)
    return told
