"""The YAML of the semantic layer, generated from the registry by ``make semantic``.

What belongs here: which semantic model a measure is read from, how a registry row becomes a
MetricFlow metric, and which KPIs cannot be one and why. What does not: formulas and filters (the
registry, dbt/macros/measures.sql), the views that are read (dbt/semantic/models).

A metric divides sums as MetricFlow adds them up from single facts, so any grouping that the facts
have is answered rightly, also those that ``kpi_values`` has no scope for. Every view carries which
KPIs a release has no input for, and a metric of such a KPI is NULL, never a 0 out of nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dagster_project.settings import project_root

_HEAD = "# Generated from dbt/seeds/kpi_registry.csv by `make semantic`. Edit the registry.\n"
_ENTITIES = ("manager", "team", "channel", "product", "partner", "strategy")
_GRAINS = ("month", "quarter", "year")

BALANCES = frozenset(
    [
        "open_pipeline",
        "open_deals",
        "priced_open_deals",
        "weighted_pipeline",
        "kept_deals",
        "unpaid_won_amount",
        "active_partners",
    ]
)
"""Measures that stand for their day: a period's figure is that of its last day."""

MOVEMENTS = frozenset(
    ["mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churned", "mrr_reactivated"]
)
"""Measures of whole months that add up to longer periods."""

MONTH_ENDS = frozenset(
    ["mrr", "active_customers", "mrr_year_before", "mrr_kept_a_year", "mrr_of_kept_a_year"]
)
"""Measures of a month's last day: a longer period's figure is that of its last month."""

TWO_ENDED = frozenset(
    [
        "customers_at_start",
        "customers_lost",
        "customers_kept",
        "mrr_at_start",
        "mrr_kept",
        "mrr_of_kept",
        "due_deals",
        "slipped_deals",
        "ltv_customers",
        "ltv_margin",
    ]
)
"""Measures that compare the ends of a period: months never add up to a quarter, so that a KPI of
them is a metric per grain (``grr_monthly``, ``grr_quarterly``, ``grr_yearly``)."""

NO_METRIC = {
    "lead_conversion_window": "known only once all days of the period are N days old, which a sum "
    "over its leads cannot tell",
    "cac_lagged": "divides the spend of other days than those of the period",
    "ltv_predicted": "composite: its parts span the twelve whole months before",
    "ltv_to_cac": "composite: divides a cohort's first year by a lagged cost",
    "cac_payback_months": "composite: a first age reached, not a sum",
    "pipeline_coverage": "composite: sets a balance against a target",
    "sales_velocity": "composite: its parts span the 90 days before",
}
"""KPIs that stay in ``kpi_values`` alone: no sum over the facts of the period asked gives them."""


def registry() -> list[dict[str, str]]:
    """Return the registry's rows of KPIs that are computed."""
    path = project_root() / "dbt" / "seeds" / "kpi_registry.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        return [kpi for kpi in csv.DictReader(handle) if kpi["is_computed"] == "true"]


def metrics() -> list[dict[str, Any]]:
    """Return the metrics: one per KPI (per grain, where months do not add up), and their parts."""
    parts: dict[str, dict[str, Any]] = {}
    for kpi, grain in _kpis():
        for measure in () if kpi["percentile"] else _measures(kpi):
            parts[_part(measure, grain)] = _part_metric(measure, grain)
    told = [_metric(kpi, grain) for kpi, grain in _kpis()]
    flags = [_unavailable(metric)[1] for metric in told if metric["type"] == "derived"]
    return [*told, *(part for _, part in sorted(parts.items())), *flags]


def _kpis() -> Iterator[tuple[dict[str, str], str | None]]:
    for kpi in registry():
        if kpi["kpi_code"] not in NO_METRIC:
            for grain in _GRAINS if kpi["numerator_measure"] in TWO_ENDED else (None,):
                yield kpi, grain


def semantic_models() -> list[dict[str, Any]]:
    """Return the semantic models over the views of dbt/semantic/models."""
    kpis = [kpi for kpi in registry() if kpi["kpi_code"] not in NO_METRIC]
    used = {m for kpi in kpis if not kpi["percentile"] for m in _measures(kpi)}
    days = "occurred_on"
    events = [_measure(m) for m in sorted(used - BALANCES - MOVEMENTS - MONTH_ENDS - TWO_ENDED)]
    samples = [_percentile(kpi) for kpi in kpis if kpi["percentile"]]
    balances = [_measure(m, last_of="counted_on") for m in sorted(used & BALANCES)]
    for kpi, grain in _kpis():
        if not kpi["percentile"] and not grain and _home(kpi) != "months":
            flag, _ = _unavailable(_metric(kpi, grain))
            (balances if _home(kpi) == "balances" else events).append(flag)
    models = [
        _facts("events", "day", days, events),
        _facts("samples", "day", days, samples, without="product"),
        _facts("balances_daily", "day", "day", balances),
    ]
    for grain in _GRAINS:
        own = [_measure(m, grain, f"{grain}_start") for m in sorted(used & TWO_ENDED)]
        if grain == "month":
            own += [_measure(m) for m in sorted(used & MOVEMENTS)]
            own += [_measure(m, last_of="month_start") for m in sorted(used & MONTH_ENDS)]
        for kpi, of_grain in _kpis():
            if of_grain == grain or (grain == "month" and _home(kpi) == "months"):
                own.append(_unavailable(_metric(kpi, of_grain))[0])
        models.append(_facts(f"periods_{grain}ly", grain, "period_start", own, f"{grain}_start"))
    return [*models, *(_names(entity) for entity in _ENTITIES if entity != "strategy")]


def _home(kpi: dict[str, str]) -> str:
    measure = kpi["numerator_measure"]
    if measure in BALANCES:
        return "balances"
    return "months" if measure in MOVEMENTS | MONTH_ENDS else "events"


def _guards(kpi: dict[str, str]) -> list[tuple[str, str]]:
    above = [code for code in kpi["guard_numerator"].split(";") if code]
    below = kpi["guard_denominator"].split(";")
    return [(code, below[i] if i < len(below) else "") for i, code in enumerate(above)]


def _measures(kpi: dict[str, str]) -> list[str]:
    codes = [kpi["numerator_measure"], kpi["denominator_measure"]]
    return [code for code in (*codes, *(c for pair in _guards(kpi) for c in pair)) if code]


def _of_grain(name: str, measure: str, grain: str | None) -> str:
    return f"{name}_{grain}ly" if grain and measure in TWO_ENDED else name


def _part(measure: str, grain: str | None) -> str:
    return f"part_{_of_grain(measure, measure, grain)}"


def _part_metric(measure: str, grain: str | None) -> dict[str, Any]:
    name = _of_grain(measure, measure, grain)
    return {
        "name": f"part_{name}",
        "label": f"Part: {name.replace('_', ' ')}",
        "description": f"The measure {measure}, of which KPIs are made; none is 0.",
        "type": "simple",
        "type_params": {"measure": {"name": name, "fill_nulls_with": 0}},
        "config": {"meta": {"measure": measure}},
    }


def _metric(kpi: dict[str, str], grain: str | None) -> dict[str, Any]:
    """Return one KPI as a metric; with a guard, as an expression that is NULL where it fails."""
    above, below = kpi["numerator_measure"], kpi["denominator_measure"]
    per = f" ({grain})" if grain else ""
    told = f"{kpi['description_en']} {kpi['formula_en']}."
    told += f" Of the last {grain} in the time asked: {grain}s never add up." if grain else ""
    metric: dict[str, Any] = {
        "name": f"{kpi['kpi_code']}_{grain}ly" if grain else kpi["kpi_code"],
        "label": f"{kpi['name_en']}{per}",
        "description": told,
    }
    if kpi["percentile"]:  # without samples there is no percentile
        metric |= {"type": "simple", "type_params": {"measure": {"name": kpi["kpi_code"]}}}
    else:
        inputs = [{"name": _part(m, grain), "alias": m} for m in sorted(set(_measures(kpi)))]
        told_of = {"name": f"part_unavailable_{metric['name']}", "alias": "unavailable"}
        expression = _formula(above, below, _guards(kpi), kpi["guard_minimum"])
        metric["type"] = "derived"
        metric["type_params"] = {"expr": expression, "metrics": [*inputs, told_of]}
    meta = {"kpi_code": kpi["kpi_code"], "name_ru": kpi["name_ru"], "unit": kpi["unit"]}
    meta |= {"numerator_measure": above, "denominator_measure": below or None}
    whole = {"product"} if kpi["percentile"] else set()  # a sample does not come apart by product
    meta |= {"scopes": [scope for scope in kpi["scopes"].split(";") if scope not in whole]}
    meta |= {"grains": [grain] if grain else kpi["grains"].split(";")}
    return metric | {"config": {"meta": meta}}


def _formula(above: str, below: str, guards: list[tuple[str, str]], minimum: str) -> str:
    """Return a KPI's value over its parts: NULL where it is unavailable or a guard fails."""
    held = ["unavailable = 0"]
    held += [
        f"cast({code} as double) >= {minimum} * {base}" if base else f"{code} > 0"
        for code, base in guards
    ]
    value = f"cast({above} as double) / nullif(cast({below} as double), 0)" if below else above
    return f"case when {' and '.join(held)} then {value} end"


def _unavailable(metric: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the measure, and the part, that tell whether a release lacks a KPI's input."""
    code, name = metric["config"]["meta"]["kpi_code"], f"unavailable_{metric['name']}"
    measure = {
        "name": name,
        "agg": "max",
        "expr": f"case when unavailable like '%;{code};%' then 1 else 0 end",
    }
    part = {
        "name": f"part_{name}",
        "label": f"Part: {name.replace('_', ' ')}",
        "description": f"1 where the release has no input for {code}, else 0.",
        "type": "simple",
        "type_params": {"measure": {"name": name}},
        "config": {"meta": {"measure": name}},
    }
    return measure, part


def _measure(code: str, grain: str | None = None, last_of: str | None = None) -> dict[str, Any]:
    """Return a measure that adds up, unless only the last of ``last_of`` counts."""
    is_counted = code == "active_partners"
    value = "fact_id" if is_counted else "value"
    told: dict[str, Any] = {
        "name": _of_grain(code, code, grain),
        "agg": "count_distinct" if is_counted else "sum",
        "expr": f"case when measure_code = '{code}' then {value} end",
    }
    if last_of:
        told["non_additive_dimension"] = {"name": last_of, "window_choice": "max"}
    return told


def _percentile(kpi: dict[str, str]) -> dict[str, Any]:
    code = kpi["numerator_measure"]
    return {
        "name": kpi["kpi_code"],
        "agg": "percentile",
        "expr": f"case when measure_code = '{code}' then cast(value as double) end",
        "agg_params": {
            "percentile": float(kpi["percentile"]),
            "use_discrete_percentile": False,
            "use_approximate_percentile": False,
        },
    }


def _facts(
    model: str,
    grain: str,
    column: str,
    measures: list[dict[str, Any]],
    dimension: str = "counted_on",
    without: str | None = None,
) -> dict[str, Any]:
    time = {"name": dimension, "type": "time", "expr": column}
    return {
        "name": model,
        "model": f"ref('{model}')",
        "defaults": {"agg_time_dimension": dimension},
        "primary_entity": f"{model}_row",
        "entities": [
            {"name": entity, "type": "foreign", "expr": _key(entity)}
            for entity in _ENTITIES
            if entity != without
        ],
        "dimensions": [time | {"type_params": {"time_granularity": grain}}],
        "measures": measures,
    }


def _key(entity: str) -> str:
    return entity if entity == "strategy" else f"{entity}_id"


def _names(entity: str) -> dict[str, Any]:
    return {
        "name": f"{entity}s",
        "model": f"ref('{entity}s')",
        "entities": [{"name": entity, "type": "primary", "expr": _key(entity)}],
        "dimensions": [{"name": f"{entity}_name", "type": "categorical"}],
    }


def texts() -> dict[str, str]:
    """Return file name -> the text that the registry asks for."""
    return {
        "semantic_models.yml": _text({"semantic_models": semantic_models()}),
        "metrics.yml": _text({"metrics": metrics()}),
    }


def _text(content: dict[str, Any]) -> str:
    told = yaml.safe_dump(
        {"version": 2} | content, allow_unicode=True, sort_keys=False, width=100, indent=2
    )
    return _HEAD + told


def folder() -> Path:
    """Return where the generated files stand."""
    return project_root() / "dbt" / "semantic" / "models"


def write() -> None:
    """Write both files."""
    for name, text in texts().items():
        (folder() / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
