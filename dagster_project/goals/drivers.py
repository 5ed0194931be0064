"""As is and as required: how much activity an outcome still takes, by the scope's own rates.

What belongs here: the tree of drivers and what it asks of what remains of a period. What does not:
the figures themselves (planning), the goal's pace (progress).

**Shape**: rows of ``marts.required_activity``, one per goal on an outcome and driver.

Revenue = wins x average check; wins = proposals x wins per proposal; proposals = meetings x
proposals per meeting; meetings = calls x meetings per call; wins = leads x conversion. Each rate is
that of the last 12 complete months, sum over sum: of the scope itself, or, where it stands on fewer
cases than the setting ``low_sample_below``, of its team, or the company.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from dagster_project.goals.curve import working_days_of
from dagster_project.goals.numbers import shown
from dagster_project.goals.shapes import Figures, Goal, Scope
from dagster_project.period_names import months_after

MONTHS = 12
_MONEY = ("booked_revenue", "credited_revenue")
_CHAIN = (
    # what is needed, of what it makes, the KPI that says how much of one makes the other
    ("proposals", "won_deals", "proposal_to_win_rate"),
    ("meetings", "proposals", "meeting_to_proposal_rate"),
    ("calls", "meetings", "call_to_meeting_rate"),
    ("new_leads", "won_deals", "lead_conversion_operational"),
)
DRIVERS = ("won_deals", "proposals", "meetings", "calls", "new_leads")
OUTCOMES = (*_MONEY, *DRIVERS)
"""KPIs whose goals are broken down."""
RATES = ("average_check", *(rate for _, _, rate in _CHAIN))
_WORDS = {
    "won_deals": ("deals won", "выигранных сделок"),
    "proposals": ("proposals", "предложений"),
    "meetings": ("meetings", "встреч"),
    "calls": ("calls", "звонков"),
    "new_leads": ("new leads", "новых лидов"),
}
_BASES_RU = {"team": "отдела", "company": "компании"}
_DRIVEN_BY = {
    "booked_revenue": (
        "won_deals average_check new_leads lead_conversion lead_conversion_window win_rate "
        "created_win_rate new_customers cycle_days_median"
    ),
    "credited_revenue": "booked_revenue won_deals average_check credited_margin",
    "paid_revenue": "booked_revenue unpaid_won_amount",
    "gross_margin": "booked_revenue margin_rate cost_of_sale",
    "credited_margin": "credited_revenue gross_margin margin_rate",
    "won_deals": (
        "proposals meetings new_leads lead_conversion lead_conversion_window win_rate "
        "proposal_to_win_rate created_win_rate open_pipeline qualified_leads"
    ),
    "lead_conversion": (
        "qualified_leads speed_to_lead_minutes speed_to_lead_sla win_rate calls meetings proposals"
    ),
    "lead_conversion_window": "lead_conversion",
    "win_rate": "proposals meetings cycle_days_median meeting_to_proposal_rate",
    "proposals": "meetings meeting_to_proposal_rate",
    "meetings": "calls call_to_meeting_rate connected_calls speed_to_lead_minutes",
    "calls": "connected_calls",
    "new_leads": "spend cpl",
    "new_customers": "won_deals new_leads",
    "partner_revenue": "active_partners",
    "mrr": "mrr_new mrr_expansion mrr_contraction mrr_churned mrr_reactivated nrr grr",
    "nrr": "grr mrr_expansion mrr_contraction mrr_churned logo_retention_rate",
    "mrr_new": "won_deals new_leads first_month_survival",
    "qualified_leads": "new_leads speed_to_lead_minutes speed_to_lead_sla calls",
}


def drives(driver: str, outcome: str) -> bool:
    """Tell whether one KPI lies below another in the tree, however deep."""
    seen: set[str] = set()
    waiting = [outcome]
    while waiting:
        for code in _DRIVEN_BY.get(waiting.pop(), "").split():
            if code == driver:
                return True
            if code not in seen:
                seen.add(code)
                waiting.append(code)
    return False


@dataclass(frozen=True)
class Rate:
    """A rate, whose it is, and on how many cases it stands."""

    value: Decimal
    basis: str
    cases: int
    is_low: bool


@dataclass(frozen=True)
class Need:
    """How much of a driver is needed, by which rates."""

    code: str
    amount: Decimal
    rates: tuple[tuple[str, Rate], ...]


def required_activity(
    goal: Goal, actual: Decimal | None, figures: Figures, tasks: Sequence[Goal]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each driver of a goal whose period is not over.

    Args:
        goal: A goal on revenue, wins, proposals or meetings.
        actual: Its actual to date; None before its period begins.
        figures: The past.
        tasks: Tasks given by hand below the goal; those of its period, or that fill it together,
            are compared with what is needed.
    """
    last_day = goal.end - timedelta(days=1)
    if goal.kpi.code not in OUTCOMES or goal.target is None:
        return
    if not goal.is_up or (last_day < figures.first_incomplete_on and last_day <= figures.as_of):
        return
    remaining = max(Decimal(0), goal.target - (actual or 0))
    begin = max(goal.start, figures.as_of + timedelta(days=1))
    left = len(working_days_of(figures, begin, goal.end))
    for need in _needs(goal, remaining, figures):
        usual = _usual_per_day(need.code, goal.scope, figures)
        per_day = need.amount / left if left else None
        done = _value(need.code, goal, figures)
        given = _tasks_for(goal, need.code, tasks)
        asked = [t.target for t in given if t.target is not None]
        task_target = sum(asked, Decimal(0)) if asked and len(asked) == len(given) else None
        whole = need.amount + (done or 0)
        is_low = any(rate.is_low for _, rate in need.rates)
        row: dict[str, Any] = {
            **goal.named,
            "remaining": remaining,
            "working_days_left": left,
            "driver_kpi_code": need.code,
            "required": need.amount,
            "required_per_day": per_day,
            "usual_per_day": usual,
            "factor": per_day / usual if per_day is not None and usual else None,
            "done": done,
            "rates": "; ".join(
                f"{code} {rate.value:.4f} ({rate.basis}, {rate.cases})" for code, rate in need.rates
            ),
            "rate_basis": _widest([rate.basis for _, rate in need.rates]),
            "is_low_sample": is_low,
            "task_goal_id": "; ".join(t.goal_id for t in given) or None,
            "task_target": task_target,
            "task_gap": None if task_target is None else task_target - whole,
        }
        yield row | _told(goal, need, row)


def _tasks_for(goal: Goal, code: str, tasks: Sequence[Goal]) -> list[Goal]:
    """Return the task of a goal's period, else those of one grain that fill it: one per period."""
    by_grain: dict[str, dict[date, Goal]] = {}
    for task in tasks:
        is_inside = task.start >= goal.start and task.end <= goal.end
        if task.kpi.code == code and task.scope == goal.scope and is_inside:
            by_grain.setdefault(task.grain, {}).setdefault(task.start, task)
    length = goal.end - goal.start
    full = [
        [own[start] for start in sorted(own)]
        for own in by_grain.values()
        if sum((t.end - t.start for t in own.values()), timedelta()) == length
    ]
    return min(full, key=len, default=[])


def _needs(goal: Goal, remaining: Decimal, figures: Figures) -> Iterator[Need]:
    """Walk the tree down from a goal: each driver with the rates on the way to it."""
    known: dict[str, Need] = {}
    if goal.kpi.code in _MONEY:
        check = _rate("average_check", goal.scope, figures)
        if check is None or check.value <= 0:
            return
        wins = Need("won_deals", remaining / check.value, (("average_check", check),))
        known["won_deals"] = wins
        yield _whole(wins)
    else:
        known[goal.kpi.code] = Need(goal.kpi.code, remaining, ())
    for code, makes, rate_code in _CHAIN:
        above = known.get(makes)
        rate = _rate(rate_code, goal.scope, figures) if above else None
        if above is None or rate is None or rate.value <= 0:
            continue
        need = Need(code, above.amount / rate.value, (*above.rates, (rate_code, rate)))
        known[code] = need
        yield _whole(need)


def _whole(need: Need) -> Need:
    """Round what is needed up to whole pieces: nobody makes half a call."""
    amount = need.amount.quantize(Decimal("1e-9")).to_integral_value(ROUND_CEILING)
    return Need(need.code, amount, need.rates)


def _rate(code: str, scope: Scope, figures: Figures) -> Rate | None:
    """Return a rate of the last 12 complete months: own, or of whoever has cases enough."""
    found: Rate | None = None
    for place in (scope, *figures.wider(scope, figures.as_of)):
        values = _year(code, place, figures)
        cases = sum(v.sample_size for v in values)
        upper = sum((v.numerator or Decimal(0) for v in values), Decimal(0))
        lower = sum((v.denominator or Decimal(0) for v in values), Decimal(0))
        if lower <= 0 or upper <= 0:
            continue
        basis = "own" if place == scope else place[0]
        rate = Rate(upper / lower, basis, cases, cases < figures.low_sample_below)
        found = rate
        if not rate.is_low:
            return rate
    return found


def _year(code: str, scope: Scope, figures: Figures) -> list[Any]:
    """Return the values of the last 12 complete months."""
    month = figures.first_incomplete_on.replace(day=1)
    first = months_after(month, -MONTHS)
    values = figures.values(code, scope, "month")
    return [v for start, v in values.items() if first <= start < month and v.is_complete]


def _usual_per_day(code: str, scope: Scope, figures: Figures) -> Decimal | None:
    """Return what a working day usually brings, over the months in which the scope has figures."""
    values = [v for v in _year(code, scope, figures) if v.value is not None]
    days = sum(len(working_days_of(figures, v.start, v.end)) for v in values)
    total = sum((v.value for v in values), Decimal(0))
    return total / days if days else None


def _value(code: str, goal: Goal, figures: Figures) -> Decimal | None:
    value = figures.value(code, goal.scope, goal.grain, goal.start)
    if value is None:
        return None if goal.start > figures.as_of else Decimal(0)
    return value.value


def _widest(bases: Sequence[str]) -> str:
    order = ("own", "team", "company")
    return max(bases, key=order.index) if bases else "own"


def _told(goal: Goal, need: Need, row: dict[str, Any]) -> dict[str, str]:
    remaining = shown(row["remaining"], goal.kpi.unit)
    name_en, name_ru = _WORDS[need.code]
    left = row["working_days_left"]
    en = f"{need.amount} {name_en} in {left} working days for {remaining}"
    ru = f"{name_ru}: {need.amount} за {left} раб. дн. на {remaining}"
    if row["factor"] is not None:
        per_day, usual = row["required_per_day"], row["usual_per_day"]
        en += f": {per_day:.1f} a day where {usual:.1f} are usual (x {row['factor']:.2f})"
        ru += f": {per_day:.1f} в день при обычных {usual:.1f} (× {row['factor']:.2f})"
    if row["rate_basis"] != "own":
        en += f"; own rates stand on too few cases: those of the {row['rate_basis']} are taken"
        ru += f"; своих случаев мало: взяты показатели {_BASES_RU[row['rate_basis']]}"
    elif row["is_low_sample"]:
        en += "; few cases stand behind it"
        ru += "; случаев мало"
    if row["task_gap"] is not None:
        gap = row["task_gap"]
        word = ("covers it", "покрывает") if gap >= 0 else ("falls short", "не хватает")
        en += (
            f"; the task of {shown(row['task_target'], 'count')} {word[0]} ({shown(gap, 'count')})"
        )
        ru += f"; задача {shown(row['task_target'], 'count')} — {word[1]} ({shown(gap, 'count')})"
    return {"explanation_en": en, "explanation_ru": ru}
