"""Statements and their inputs as rows: how they are kept, and how they are read back.

What belongs here: the columns of each kept table, rows from objects, objects from rows. What does
not: files (frozen), the marts' contracts (models).

**Units**: numbers are decimals with ten places; money in a statement has the plan's rounding.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dagster_project.pay.arithmetic import as_decimal
from dagster_project.pay.assignments import Assignment
from dagster_project.pay.checks import KpiTerms
from dagster_project.pay.inputs import (
    Fact,
    Figure,
    Inputs,
    Knowledge,
    Payee,
    Period,
    Received,
    Reversal,
    Target,
)
from dagster_project.pay.lines import DealShare, Line, Statement
from dagster_project.pay.plans import Plan
from dagster_project.pay.settlement import Settled

Row = dict[str, Any]
PLACES = 10
_PERIOD = "period_grain:text period_start:date period_end:date "
_ORIGIN = "origin_grain:text origin_start:date origin_end:date "
_FIGURE = (
    "plan:text kpi_code:text scope_type:text scope_id:text numerator:number denominator:number "
    "value:number sample_size:int is_low_sample:bool is_mature:bool earlier_reversals:number"
)


def _columns(text: str) -> dict[str, str]:
    return dict(part.split(":") for part in text.split())


TABLES: dict[str, dict[str, str]] = {
    "statements": _columns(
        _PERIOD + "manager_id:text manager_name:text team_id:text hired_on:date left_on:date "
        "plans:text currency:text status:text reason:text has_payments:bool held_because:text "
        "earned:number released:number held:number deferred:number corrections:number "
        "releases:number net:number carried_in:number restated:number forgiven:number "
        "to_pay:number carried_out:number"
    ),
    "lines": _columns(
        _PERIOD + "manager_id:text line_number:int kind:text " + _ORIGIN + "plan:text "
        "component:text kpi_code:text scope_type:text numerator:number denominator:number "
        "earlier_reversals:number taken_back:number target:number target_from:text "
        "attainment:number segment:text weight:number base:number rate:number payout:number "
        "multiplier:number amount:number released:number held:number deal_id:text spell:int "
        "deals:text status:text reason:text notes:text"
    ),
    "assignments": _columns(
        "manager_id:text plan:text from_:date to:date target_amount:number ramp:text "
        "guarantee:number line:int"
    ),
    "figures": _columns("manager_id:text " + _FIGURE),
    "facts": _columns(
        "manager_id:text kpi_code:text scope_type:text deal_id:text spell:int won_on:date "
        "won_at:timestamp amount:number share:number"
    ),
    "targets": _columns(
        "manager_id:text goal_id:text kind:text kpi_code:text scope_type:text scope_id:text "
        "period_grain:text period_start:date target_value:number version:int issued_on:date "
        "target_kind:text approved_by:text"
    ),
    "days": _columns("day:date"),
    "kpis": _columns(
        "kpi_code:text unit:text direction:text aggregation:text scopes:text grains:text "
        "can_be_paid:bool is_cohort:bool is_available:bool unavailable_because:text"
    ),
    "origins": _columns("manager_id:text " + _ORIGIN),
    "reversals": _columns(
        "manager_id:text " + _ORIGIN + "deal_id:text spell:int occurred_on:date kind:text "
        "part:number whole:number"
    ),
    "received": _columns(
        "manager_id:text " + _ORIGIN + "deal_id:text spell:int part:number whole:number"
    ),
    "ripened": _columns("manager_id:text " + _ORIGIN + _FIGURE),
}
"""Columns of every kept table: name -> text, date, timestamp, int, bool or number."""


# -- to rows -------------------------------------------------------------------------------------


def rows_of(settled: Sequence[Settled]) -> dict[str, list[Row]]:
    """Return the rows of every kept table for statements of one period."""
    told: dict[str, list[Row]] = {name: [] for name in TABLES}
    days: set[date] = set()
    kpis: dict[str, KpiTerms] = {}
    for one in settled:
        inputs, statement = one.inputs, one.statement
        own = {"manager_id": inputs.payee.manager_id}
        told["statements"].append(statement_row(one))
        told["lines"] += line_rows(statement)
        told["assignments"] += [
            own | vars(a) | {"ramp": ";".join(str(share) for share in a.ramp)}
            for a in inputs.assignments
        ]
        told["figures"] += [
            own | _figure_row(key[0], figure) for key, figure in sorted(inputs.figures.items())
        ]
        told["facts"] += [own | _plain(fact) for fact in inputs.facts]
        told["targets"] += [own | _plain(target) for target in inputs.targets]
        days |= set(inputs.working_days)
        kpis |= inputs.kpis
        for key, known in sorted(one.knowledge.items()):
            origin = own | _origin(key, one)
            told["origins"].append(origin)
            told["reversals"] += [origin | _plain(r) for r in known.reversals]
            told["received"] += [origin | _plain(r) for r in known.received]
            told["ripened"] += [
                origin | _figure_row(figure_key[0], figure)
                for figure_key, figure in sorted(known.ripened.items())
            ]
    told["days"] = [{"day": day} for day in sorted(days)]
    told["kpis"] = [
        vars(k) | {"scopes": ";".join(sorted(k.scopes)), "grains": ";".join(sorted(k.grains))}
        for _, k in sorted(kpis.items())
    ]
    return told


def statement_row(one: Settled) -> Row:
    """Return a statement with its sums."""
    statement, inputs = one.statement, one.inputs
    parts = ("earned", "released", "held", "deferred", "corrections", "releases", "net")
    kept = ("carried_in", "restated", "forgiven", "to_pay", "carried_out")
    return {
        **_period("period", statement.period),
        **vars(inputs.payee),
        "plans": ";".join(statement.plans),
        "currency": statement.currency,
        "status": statement.status,
        "reason": statement.reason,
        "has_payments": inputs.has_payments,
        "held_because": inputs.held_because,
        **{name: getattr(statement, name) for name in (*parts, *kept)},
    }


def line_rows(statement: Statement) -> list[Row]:
    """Return a statement's lines, numbered in their order."""
    rows = []
    for number, line in enumerate(statement.lines, start=1):
        deals = [
            {
                "deal_id": d.deal_id,
                "spell": d.spell,
                "amount": f"{d.amount.normalize():f}",
                "share": f"{d.share.normalize():f}",
            }
            for d in line.deals
        ]
        rows.append(
            {
                **_period("period", statement.period),
                "manager_id": statement.payee.manager_id,
                "line_number": number,
                **vars(line),
                **_period("origin", line.origin),
                "deals": json.dumps(deals, ensure_ascii=False),
                "notes": json.dumps(line.notes, ensure_ascii=False),
            }
        )
    return rows


def _period(prefix: str, period: Period) -> Row:
    return {
        f"{prefix}_grain": period.grain,
        f"{prefix}_start": period.start,
        f"{prefix}_end": period.end,
    }


def _origin(key: str, one: Settled) -> Row:
    return _period("origin", one.periods[key])


def _figure_row(plan: str, figure: Figure) -> Row:
    return {"plan": plan, **vars(figure)}


def _plain(value: Any) -> Row:
    return dict(vars(value))


def _cell(value: Any, kind: str) -> Any:
    if kind != "number" or value is None:
        return value
    if isinstance(value, Fraction):
        return as_decimal(value, PLACES)
    number = value if isinstance(value, Decimal) else Decimal(value)
    is_finer = int(number.as_tuple().exponent) < -PLACES
    return as_decimal(Fraction(number), PLACES) if is_finer else number


# -- from rows -----------------------------------------------------------------------------------


def settled_of(
    tables: Mapping[str, Sequence[Row]], plans: Mapping[str, Plan], revision: int, closed_on: date
) -> list[Settled]:
    """Return the statements of a kept period as they were, ready to be settled."""
    kpis = {
        row["kpi_code"]: KpiTerms(
            **row
            | {
                "scopes": frozenset(row["scopes"].split(";")),
                "grains": frozenset(row["grains"].split(";")),
            }
        )
        for row in tables["kpis"]
    }
    days = tuple(row["day"] for row in tables["days"])
    by_manager = {
        name: _by_manager(tables[name]) for name in TABLES if name not in ("days", "kpis")
    }
    told = []
    for row in tables["statements"]:
        own = {name: rows.get(row["manager_id"], []) for name, rows in by_manager.items()}
        payee = Payee(
            *(row[c] for c in ("manager_id", "manager_name", "team_id", "hired_on", "left_on"))
        )
        period = Period(row["period_grain"], row["period_start"], row["period_end"])
        inputs = Inputs(
            payee,
            period,
            tuple(_assignment(r) for r in own["assignments"]),
            days,
            kpis,
            {(r["plan"], r["kpi_code"], r["scope_type"]): _figure(r) for r in own["figures"]},
            tuple(Fact(**_without(r, "manager_id")) for r in own["facts"]),
            tuple(Target(**_without(r, "manager_id")) for r in own["targets"]),
            row["has_payments"],
            row["held_because"],
        )
        statement = Statement(
            payee,
            period,
            tuple(p for p in row["plans"].split(";") if p),
            row["currency"],
            tuple(_line(r) for r in own["lines"]),
            row["carried_in"],
            row["restated"],
            row["to_pay"],
            row["carried_out"],
            row["forgiven"],
            status=row["status"],
            reason=row["reason"],
        ).revised(revision, closed_on)
        told.append(Settled(statement, inputs, plans, _knowledge(own), _periods(own)))
    return told


def _by_manager(rows: Iterable[Row]) -> dict[str, list[Row]]:
    told: dict[str, list[Row]] = {}
    for row in rows:
        told.setdefault(row["manager_id"], []).append(row)
    return told


def _without(row: Row, *names: str) -> Row:
    return {key: value for key, value in row.items() if key not in names}


def _assignment(row: Row) -> Assignment:
    ramp = tuple(Decimal(share) for share in row["ramp"].split(";") if share)
    return Assignment(**row | {"ramp": ramp})


def _figure(row: Row) -> Figure:
    return Figure(**{name: row[name] for name in Figure.__dataclass_fields__})


def _line(row: Row) -> Line:
    fractions = ("target", "attainment", "base", "rate", "payout", "multiplier")
    given = {name: row[name] for name in Line.__dataclass_fields__ if name in row}
    given |= {n: None if row[n] is None else Fraction(row[n]) for n in fractions}
    deals = tuple(
        DealShare(d["deal_id"], d["spell"], Decimal(d["amount"]), Decimal(d["share"]))
        for d in json.loads(row["deals"])
    )
    origin = Period(row["origin_grain"], row["origin_start"], row["origin_end"])
    return Line(
        **given | {"origin": origin, "deals": deals, "notes": tuple(json.loads(row["notes"]))}
    )


_ORIGIN_COLUMNS = ("manager_id", "origin_grain", "origin_start", "origin_end")


def _periods(own: Mapping[str, list[Row]]) -> dict[str, Period]:
    periods = [
        Period(r["origin_grain"], r["origin_start"], r["origin_end"]) for r in own["origins"]
    ]
    return {p.key: p for p in periods}


def _knowledge(own: Mapping[str, list[Row]]) -> dict[str, Knowledge]:
    told = {}
    for key, period in _periods(own).items():
        of = {
            name: [
                r
                for r in own[name]
                if (r["origin_grain"], r["origin_start"]) == (period.grain, period.start)
            ]
            for name in ("reversals", "received", "ripened")
        }
        told[key] = Knowledge(
            tuple(Reversal(**_without(r, *_ORIGIN_COLUMNS)) for r in of["reversals"]),
            tuple(Received(**_without(r, *_ORIGIN_COLUMNS)) for r in of["received"]),
            {(r["plan"], r["kpi_code"], r["scope_type"]): _figure(r) for r in of["ripened"]},
        )
    return told


def sql_type(kind: str) -> str:
    """Return DuckDB's type for a kind of column."""
    return {
        "text": "varchar",
        "date": "date",
        "timestamp": "timestamp",
        "int": "bigint",
        "bool": "boolean",
        "number": f"decimal(38, {PLACES})",
    }[kind]


def arrow_table(columns: Mapping[str, str], rows: Sequence[Row]) -> Any:
    """Return rows as an Arrow table with the types of their columns."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us"),
        "int": pa.int64(),
        "bool": pa.bool_(),
        "number": pa.decimal128(38, PLACES),
    }
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    plain = [{name: _cell(row.get(name), kind) for name, kind in columns.items()} for row in rows]
    return pa.Table.from_pylist(plain, schema=schema)
