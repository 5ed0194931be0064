"""The two worked examples as plans and frozen inputs, and small plans, for the tests of pay."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dagster_project.pay.assignments import Assignment
from dagster_project.pay.checks import KpiTerms, PlanContext
from dagster_project.pay.engine import evaluate
from dagster_project.pay.inputs import Fact, Figure, Inputs, Knowledge, Payee, Period, Received
from dagster_project.pay.plans import Plan
from dagster_project.pay.reading import read_plan

SCOPES = frozenset({"company", "team", "manager"})
GRAINS = frozenset({"day", "month", "quarter", "year"})


def kpi(code: str, unit: str, aggregation: str, direction: str = "up", **more: Any) -> KpiTerms:
    return KpiTerms(
        code, unit, direction, aggregation, SCOPES, GRAINS, **{"can_be_paid": True, **more}
    )


KPIS = {
    k.kpi_code: k
    for k in (
        kpi("calls", "count", "additive"),
        kpi("meetings", "count", "additive"),
        kpi("proposals", "count", "additive"),
        kpi("lead_conversion_window", "share", "ratio", is_cohort=True),
        kpi("booked_revenue", "money", "additive"),
        kpi("credited_margin", "money", "additive"),
        kpi("won_deals", "count", "additive"),
        replace(kpi("mrr_new", "money", "additive"), grains=GRAINS - {"day"}),
        kpi("margin_rate", "share", "ratio"),
        kpi("win_rate", "share", "ratio"),
        kpi("crm_hygiene", "share", "ratio"),
        kpi("cycle_days_mean", "days", "ratio", "down"),
        kpi("lead_conversion_operational", "share", "ratio", can_be_paid=False),
        kpi(
            "mrr",
            "money",
            "semi_additive",
            is_available=False,
            unavailable_because="no subscriptions",
        ),
    )
}
CONTEXT = PlanContext(KPIS, "RUB", has_payments=True)

MASS = """\
plan: mass_2026
strategy: mass
currency: RUB
period: month
versions:
  - from: 2026-01-01
    to: null
    target_amount: 40000
    components:
      - {kpi: calls,        weight: 15, curve: activity, target: 400}
      - {kpi: meetings,     weight: 15, curve: activity, target: 40}
      - {kpi: proposals,    weight: 10, curve: activity, target: 60}
      - {kpi: lead_conversion_window, weight: 30, curve: outcome, min_sample: 30,
         immature: defer, target: 0.12}
      - {kpi: booked_revenue, weight: 30, curve: outcome, target: 1500000}
    curves:
      activity: [[70, 50], [100, 100]]
      outcome:  [[80, 50], [100, 100], [120, 150]]
    gates:
      - {kpi: crm_hygiene, below: 0.90, effect: {scale: 0.9}}
    overall_cap_pct: 150
    clawback: {window_days: 90, method: rerun_origin, floor: 0, carry: true}
    rounding: {line: 0.01, mode: half_up}
"""

LARGE = """\
plan: large_2026
strategy: large
currency: RUB
period: quarter
versions:
  - from: 2026-01-01
    to: null
    components:
      - kpi: credited_margin
        quota: 3000000
        mode: marginal
        tiers:
          - {from_pct: 0, to_pct: 50, rate: 0.02}
          - {from_pct: 50, to_pct: 100, rate: 0.04}
          - {from_pct: 100, to_pct: 150, rate: 0.06}
          - {from_pct: 150, rate: 0.05}
    gates:
      - {kpi: margin_rate, below: 0.22, effect: {limit_rate: 0.04}}
    multipliers:
      - {kpi: win_rate, steps: [[0, 0.90], [0.25, 0.95], [0.30, 1.00]]}
    credit_on: won_date
    release_on: payment_date
    cap_amount: 250000
    clawback: {window_days: 180}
"""


def plan_of(text: str, context: PlanContext = CONTEXT) -> Plan:
    return read_plan(text.encode(), "bonus/test.yml", context).plan


def working_days(start: date, end: date) -> tuple[date, ...]:
    days = (start + timedelta(days=n) for n in range((end - start).days))
    return tuple(day for day in days if day.weekday() < 5)


def month(year: int, number: int) -> Period:
    end = date(year + number // 12, number % 12 + 1, 1)
    return Period("month", date(year, number, 1), end)


OCTOBER = month(2026, 10)
Q1 = Period("quarter", date(2026, 1, 1), date(2026, 4, 1))
Q2 = Period("quarter", date(2026, 4, 1), date(2026, 7, 1))
ANNA = Payee("crm:1", "Anna", "sales", hired_on=date(2020, 1, 1))


def figure(
    code: str, value: str | None = None, *, over: tuple[str, str] | None = None, **more: Any
):
    """A figure by its value, or a ratio by its two parts."""
    if over:
        parts = {"numerator": Decimal(over[0]), "denominator": Decimal(over[1])}
        return Figure(
            code, "manager", ANNA.manager_id, sample_size=int(Decimal(over[1])), **parts, **more
        )
    number = None if value is None else Decimal(value)
    return Figure(code, "manager", ANNA.manager_id, number, None, number, 100, **more)


def inputs_of(
    plan: Plan, period: Period, figures: list[Figure], facts: list[Fact] | None = None, **more: Any
) -> Inputs:
    given = {
        "payee": ANNA,
        "assignments": (Assignment(ANNA.manager_id, plan.plan, date(2026, 1, 1)),),
        "working_days": working_days(period.start, period.end),
        "kpis": KPIS,
        "has_payments": True,
        **more,
    }
    keyed = {(plan.plan, f.kpi_code, f.scope_type): f for f in figures}
    return Inputs(period=period, figures=keyed, facts=tuple(facts or ()), **given)


def mass_figures(**over: Any) -> list[Figure]:
    """October of worked example 1; named figures replace the example's, None leaves one out."""
    told = {
        "calls": figure("calls", "452"),
        "meetings": figure("meetings", "34"),
        "proposals": figure("proposals", "66"),
        "lead_conversion_window": figure("lead_conversion_window", over=("21", "200")),
        "booked_revenue": figure("booked_revenue", "1710000"),
        "crm_hygiene": figure("crm_hygiene", over=("93", "100")),
    } | over
    return [f for f in told.values() if f is not None]


def win(
    deal_id: str, on: str, amount: str, share: str = "1", code: str = "credited_margin"
) -> Fact:
    day = date.fromisoformat(on)
    at = datetime(day.year, day.month, day.day, 12)
    return Fact(code, "manager", deal_id, 1, day, at, Decimal(amount), Decimal(share))


def paid(deal_id: str, part: str, whole: str) -> Received:
    return Received(deal_id, 1, Decimal(part), Decimal(whole))


WINS = [
    win("A", "2026-01-20", "1800000"),
    win("B", "2026-02-14", "840000", "0.6"),
    win("C", "2026-03-05", "900000"),
    win("D", "2026-03-28", "250000"),
]
PAID_ABC = Knowledge(received=(paid("A", "5", "5"), paid("B", "7", "7"), paid("C", "9", "9")))


def large_figures(**over: Any) -> list[Figure]:
    """The first quarter of worked example 2."""
    told = {
        "credited_margin": figure("credited_margin", "3790000"),
        "margin_rate": figure("margin_rate", over=("24", "100")),
        "win_rate": figure("win_rate", over=("9", "33")),
    } | over
    return [f for f in told.values() if f is not None]


HEAD = "plan: p\ncurrency: RUB\nperiod: month\nversions:\n"


def version(components: str, more: str = "", start: str = "2026-01-01", end: str = "null") -> str:
    return (
        f"  - from: {start}\n    to: {end}\n    target_amount: 10000\n"
        "    curves: {line: [[0, 0], [100, 100], [200, 200]], step: [[100, 100]]}\n"
        f"    components:\n{components}{more}"
    )


def one(kpi: str, more: str = "", weight: int = 100, curve: str = "line") -> str:
    return f"      - {{kpi: {kpi}, weight: {weight}, curve: {curve}{', ' if more else ''}{more}}}\n"


def lines_of(text: str, figures, facts=None, known=None, period=OCTOBER, plans=(), **more):
    plan = plan_of(HEAD + text)
    others = {name: plan.model_copy(update={"plan": name}) for name in plans}
    inputs = inputs_of(plan, period, figures, facts, **more)
    return evaluate({plan.plan: plan} | others, inputs, known)


def amount(lines) -> Decimal:
    return sum((x.amount for x in lines), Decimal(0))
