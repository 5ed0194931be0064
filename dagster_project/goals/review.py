"""A verdict per letter of SMART, with its evidence in words, in both languages.

What belongs here: judging a goal before its period begins. What does not: how far it has come
(progress).

**Shape**: rows of ``marts.goal_review``, one per goal and version, and one per refused row.

Source: decision 24 for "achievable": the last 12 periods; fewer than 4: no_history; met in 2 of the
last 3: trivial; z <= 1 reasonable; up to the best ever or z <= 2 ambitious; else unrealistic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import mean, stdev
from typing import Any

from dagster_project.goals.attainment import is_met
from dagster_project.goals.drivers import drives
from dagster_project.goals.numbers import percent, shown
from dagster_project.goals.shapes import SCOPES_RU, Figures, Goal, Refused, Told
from dagster_project.period_names import year_before

TOO_FEW = 4
_ACTIVITIES = ("calls", "connected_calls", "meetings", "proposals", "new_leads", "spend")


@dataclass(frozen=True)
class Verdict:
    """One letter's verdict and why."""

    verdict: str
    told: Told


@dataclass(frozen=True)
class Achievable:
    """The verdict on a value, and the numbers behind it."""

    verdict: str
    told: Told
    z: float | None = None
    percentile: float | None = None
    best: Decimal | None = None
    season: Decimal | None = None
    required_growth: Decimal | None = None
    best_growth: Decimal | None = None


def review(
    goal: Goal,
    figures: Figures,
    goals: Mapping[str, Goal],
    children: Sequence[Goal],
    *,
    tolerance: Decimal,
) -> dict[str, Any]:
    """Return one row of the review.

    Args:
        goal: The version that is judged.
        figures: The past.
        goals: The newest version of every goal by id.
        children: Newest versions of the goals that name this one as their parent.
        tolerance: Children off their parent by more than this share of it do not add up.
    """
    reached = achievable(goal, figures)
    sums = child_sums(goal, children)
    letters = {
        "specific": _specific(goal, figures),
        "measurable": _measurable(goal, figures),
        "achievable": Verdict(reached.verdict, reached.told),
        "relevant": _relevant(goal, figures, goals, sums, tolerance),
        "time_bound": _time_bound(goal, figures),
    }
    total = next(iter(sums), None)
    row: dict[str, Any] = {
        **goal.named,
        "kind": goal.kind,
        "parent_goal_id": goal.parent_goal_id,
        "title": goal.title,
        "owner_manager_id": goal.owner_id,
        "owner_name": goal.owner_name,
        "issued_on": goal.issued_on,
        "is_refused": False,
        "unit": goal.kpi.unit,
        "target_kind": goal.target_kind,
        "target": goal.target,
        "baseline_kind": goal.baseline_kind,
        "baseline": goal.baseline,
        "z_score": _number(reached.z),
        "percentile": _number(reached.percentile),
        "best_ever": reached.best,
        "same_season": reached.season,
        "required_growth": reached.required_growth,
        "best_growth": reached.best_growth,
        "children_sum": total.total if total else None,
        "children_gap": total.gap if total else None,
        "children_gap_rate": total.gap_rate if total else None,
        "source_file": goal.source_file,
        "source_row": goal.source_row,
    }
    for letter, verdict in letters.items():
        row |= {
            f"{letter}_verdict": verdict.verdict,
            f"{letter}_evidence_en": verdict.told.en,
            f"{letter}_evidence_ru": verdict.told.ru,
        }
    return row


def refused_row(refused: Refused, number: int) -> dict[str, Any]:
    """Return the review's row of what is no goal."""
    row = refused.row
    told = {name: row.get(name) for name in ("kind", "parent_goal_id", "title", "issued_on")}
    place = f"row:{row.get('_source_file')}:{row.get('_source_row')}:{number}"
    return told | {
        "goal_id": refused.goal_id or place,
        "version": row.get("version") or 1,
        "kpi_code": row.get("kpi_code"),
        "scope_type": row.get("scope_type"),
        "scope_id": row.get("scope_id"),
        "scope_name": row.get("scope_id"),
        "period_grain": row.get("period_grain"),
        "is_refused": True,
        "refused_because_en": refused.because.en,
        "refused_because_ru": refused.because.ru,
        "source_file": row.get("_source_file"),
        "source_row": row.get("_source_row"),
    }


def _number(value: float | None) -> Decimal | None:
    return None if value is None or math.isinf(value) else Decimal(repr(value))


# -- S and M -------------------------------------------------------------------------------------


def _specific(goal: Goal, figures: Figures) -> Verdict:
    where = f"{goal.kpi.code}, {goal.scope_type} {goal.scope_name}"
    where_ru = f"{goal.kpi.name_ru}, {SCOPES_RU[goal.scope_type]} {goal.scope_name}"
    if goal.owner_id is None:
        name = goal.owner_name
        return Verdict(
            "no_owner",
            Told(
                f"{where}: " + (f"no manager is known as `{name}`" if name else "nobody owns it"),
                f"{where_ru}: "
                + (f"менеджер `{name}` неизвестен" if name else "нет ответственного"),
            ),
        )
    person = figures.people.get(goal.owner_id)
    came = person.employed_from if person else None
    left = person.left_on if person else None
    if (left is not None and left < goal.start) or (came is not None and came >= goal.end):
        return Verdict(
            "owner_absent",
            Told(
                f"{where}: {goal.owner_name} does not work in the period "
                f"(employed {came or '?'} to {left or 'now'})",
                f"{where_ru}: {goal.owner_name} в этом периоде не работает "
                f"(с {came or '?'} по {left or 'сейчас'})",
            ),
        )
    if not goal.title:
        return Verdict(
            "no_title",
            Told(
                f"{where}, owner {goal.owner_name}: without a title in words",
                f"{where_ru}, ответственный {goal.owner_name}: нет формулировки словами",
            ),
        )
    return Verdict(
        "specific",
        Told(
            f"“{goal.title}”: {where}, owner {goal.owner_name}",
            f"«{goal.title}»: {where_ru}, ответственный {goal.owner_name}",
        ),
    )


def _measurable(goal: Goal, figures: Figures) -> Verdict:
    known = figures.before(goal.kpi.code, goal.scope, goal.grain, goal.start)
    if goal.target is None:
        base = goal.baseline_kind or "-"
        return Verdict(
            "baseline_unknown",
            Told(
                f"the target waits for its baseline ({base}), which is not complete or not above 0",
                f"цель ждёт базы ({base}): её период не закончен или база не больше 0",
            ),
        )
    if not known:
        return Verdict(
            "no_figures",
            Told(
                f"{goal.kpi.code} has no figure for {goal.scope_name} in any earlier {goal.grain}",
                f"{goal.kpi.name_ru}: по {goal.scope_name} нет ни одного значения за прошлые "
                "периоды",
            ),
        )
    target = shown(goal.target, goal.kpi.unit)
    return Verdict(
        "measurable",
        Told(
            f"{goal.kpi.code} = {goal.kpi.formula_en}, all of which is delivered; target {target}; "
            f"{len(known)} earlier periods known",
            f"«{goal.kpi.name_ru}» = {goal.kpi.formula_ru}, всё это загружено; цель {target}; "
            f"известно прошлых периодов: {len(known)}",
        ),
    )


# -- A -------------------------------------------------------------------------------------------


def achievable(goal: Goal, figures: Figures) -> Achievable:
    """Judge a goal's target against its scope's own last 12 periods."""
    past = figures.before(goal.kpi.code, goal.scope, goal.grain, goal.start)
    values = [v.value for v in past if v.value is not None]
    if goal.target is None or len(values) < TOO_FEW:
        return Achievable(
            "no_history",
            Told(
                f"{len(values)} earlier periods of {goal.scope_name}; {TOO_FEW} are needed",
                f"прошлых периодов у {goal.scope_name}: {len(values)}; для оценки нужно {TOO_FEW}",
            ),
        )
    target, sign = goal.target, 1 if goal.is_up else -1
    best = max(values) if goal.is_up else min(values)
    z = _z_score(values, target, sign)
    below = sum(1 for v in values if sign * v < sign * target)
    season = figures.value(
        goal.kpi.code, goal.scope, goal.grain, year_before(goal.grain, goal.start)
    )
    same = season.value if season is not None and season.is_complete else None
    growth = values[-1] and (target - values[-1]) / abs(values[-1])
    best_growth = _best_growth(values, sign)
    met_lately = sum(is_met(goal, v, target) for v in values[-3:])
    if met_lately >= 2:
        verdict = "trivial"
    elif z <= 1:
        verdict = "reasonable"
    elif is_met(goal, best, target) or z <= 2:
        verdict = "ambitious"
    else:
        verdict = "unrealistic"
    return Achievable(
        verdict,
        _told(goal, values, verdict, z, below, met_lately, best, same, growth, best_growth),
        z,
        below / len(values),
        best,
        same,
        growth if values[-1] else None,
        best_growth,
    )


def _z_score(values: Sequence[Decimal], target: Decimal, sign: int) -> float:
    numbers = [float(v) for v in values]
    spread, middle = stdev(numbers), mean(numbers)
    distance = sign * (float(target) - middle)
    if spread == 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / spread


def _best_growth(values: Sequence[Decimal], sign: int) -> Decimal | None:
    steps = [(after - before) / abs(before) for before, after in pairwise(values) if before]
    return max(steps, key=lambda step: sign * step) if steps else None


def _told(
    goal: Goal,
    values: Sequence[Decimal],
    verdict: str,
    z: float,
    below: int,
    met_lately: int,
    best: Decimal,
    same: Decimal | None,
    growth: Decimal,
    best_growth: Decimal | None,
) -> Told:
    unit = goal.kpi.unit
    target = shown(goal.target, unit)
    middle = shown(Decimal(repr(mean(float(v) for v in values))), unit)
    en = [
        f"{target} against a mean of {middle} over {len(values)} periods (z {z:.2f}), "
        f"best {shown(best, unit)}",
        f"harder than {below} of {len(values)}, met in {met_lately} of the last 3",
    ]
    ru = [
        f"{target} при среднем {middle} за {len(values)} периодов (z {z:.2f}), "
        f"лучший результат {shown(best, unit)}",
        f"труднее, чем {below} из {len(values)}; выполнено в {met_lately} из последних 3",
    ]
    if same is not None:
        en.append(f"same season a year ago {shown(same, unit)}")
        ru.append(f"в тот же сезон год назад {shown(same, unit)}")
    if best_growth is not None and values[-1]:
        en.append(
            f"it takes {percent(growth)} on the last period, where the best step ever was "
            f"{percent(best_growth)}"
        )
        ru.append(
            f"нужно {percent(growth)} к последнему периоду, а лучший шаг за всё время "
            f"{percent(best_growth)}"
        )
    if verdict == "unrealistic":
        en.append("nothing like it was ever reached")
        ru.append("ничего подобного ещё не было")
    return Told("; ".join(en), "; ".join(ru))


# -- R -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ChildSum:
    """What the children of one kind of scope and grain add up to, beside their parent."""

    scope_type: str
    grain: str
    count: int
    total: Decimal
    gap: Decimal
    gap_rate: Decimal


def child_sums(goal: Goal, children: Sequence[Goal]) -> list[ChildSum]:
    """Add up a goal's children on the same KPI, one sum per scope type and grain."""
    if goal.kpi.aggregation != "additive" or not goal.target:
        return []
    groups: dict[tuple[str, str], list[Goal]] = {}
    for child in children:
        is_part = child.kind == "goal" and child.kpi.code == goal.kpi.code
        is_inside = child.start >= goal.start and child.end <= goal.end
        if is_part and is_inside and child.target is not None:
            groups.setdefault((child.scope_type, child.grain), []).append(child)
    sums = []
    for (scope_type, grain), members in sorted(groups.items()):
        total = sum((m.target for m in members if m.target is not None), Decimal(0))
        gap = total - goal.target
        sums.append(ChildSum(scope_type, grain, len(members), total, gap, gap / goal.target))
    return sums


def _relevant(
    goal: Goal,
    figures: Figures,
    goals: Mapping[str, Goal],
    sums: Sequence[ChildSum],
    tolerance: Decimal,
) -> Verdict:
    unit = goal.kpi.unit
    off = [s for s in sums if abs(s.gap_rate) > tolerance]
    if off:
        one = off[0]
        return Verdict(
            "children_do_not_add_up",
            Told(
                f"its {one.count} goals by {one.scope_type} add up to {shown(one.total, unit)}, "
                f"{shown(one.gap, unit)} ({percent(one.gap_rate)}) off {shown(goal.target, unit)}",
                f"подцели ({SCOPES_RU[one.scope_type]}: {one.count}) дают в сумме "
                f"{shown(one.total, unit)}: расхождение {shown(one.gap, unit)} "
                f"({percent(one.gap_rate)}) с {shown(goal.target, unit)}",
            ),
        )
    parent = goals.get(goal.parent_goal_id) if goal.parent_goal_id else None
    if goal.parent_goal_id and parent is None:
        return Verdict(
            "no_parent",
            Told(
                f"it names the goal `{goal.parent_goal_id}`, which is not there",
                f"указана цель `{goal.parent_goal_id}`, которой нет",
            ),
        )
    if parent and parent.kpi.code != goal.kpi.code and not drives(goal.kpi.code, parent.kpi.code):
        return Verdict(
            "does_not_drive",
            Told(
                f"{goal.kpi.code} does not drive {parent.kpi.code}, the KPI of its goal "
                f"`{parent.goal_id}`",
                f"{goal.kpi.name_ru} не влияет на {parent.kpi.name_ru}, показатель цели "
                f"`{parent.goal_id}`",
            ),
        )
    strategy = _strategy(goal, figures)
    is_below = parent is not None and goal.kind == "task"  # it drives a goal: that is its reason
    if strategy and not is_below and not _is_in_profile(goal, strategy, figures):
        return Verdict(
            "off_strategy",
            Told(
                f"{goal.kpi.code} is none of the KPIs by which the strategy `{strategy}` judges "
                f"a {goal.scope_type}",
                f"{goal.kpi.name_ru} — не из показателей, по которым стратегия `{strategy}` "
                f"судит ({SCOPES_RU[goal.scope_type]})",
            ),
        )
    en, ru = f"a KPI of the strategy `{strategy}`", f"показатель стратегии `{strategy}`"
    if is_below:
        en, ru = f"a driver of {parent.kpi.code}", f"влияет на показатель «{parent.kpi.name_ru}»"
    if parent:
        en += f"; serves `{parent.goal_id}` ({parent.kpi.code})"
        ru += f"; служит цели `{parent.goal_id}` ({parent.kpi.name_ru})"
    for one in sums:
        en += f"; its {one.count} goals by {one.scope_type} add up ({percent(one.gap_rate)})"
        ru += f"; подцели ({SCOPES_RU[one.scope_type]}: {one.count}) сходятся"
        ru += f" ({percent(one.gap_rate)})"
    return Verdict("relevant", Told(en, ru))


def _is_in_profile(goal: Goal, strategy: str, figures: Figures) -> bool:
    """Tell whether the strategy judges such a scope by the KPI; where it names none, by its own."""
    profile = figures.profiles.get((strategy, goal.scope_type))
    return goal.kpi.code in profile if profile else strategy in goal.kpi.strategies


def _strategy(goal: Goal, figures: Figures) -> str | None:
    if goal.scope_type == "manager" and goal.scope_id in figures.people:
        return figures.people[goal.scope_id].strategy or figures.company_strategy
    return figures.company_strategy


# -- T -------------------------------------------------------------------------------------------


def _time_bound(goal: Goal, figures: Figures) -> Verdict:
    last = goal.end - timedelta(days=1)
    span, span_ru = f"{goal.start} to {last}", f"{goal.start} — {last}"
    if goal.issued_on is not None and goal.issued_on >= goal.start:
        return Verdict(
            "issued_late",
            Told(
                f"{span}; issued on {goal.issued_on}, when it had begun",
                f"{span_ru}; поставлена {goal.issued_on}, когда период уже шёл",
            ),
        )
    cycle = None if goal.kpi.code in _ACTIVITIES else figures.cycle_days(goal.scope)
    length = (goal.end - goal.start).days
    if cycle is not None and cycle > length:
        return Verdict(
            "too_short",
            Told(
                f"{span}: {length} days, while half of the deals take more than {cycle:.0f}",
                f"{span_ru}: {length} дн., а половина сделок идёт дольше {cycle:.0f} дн.",
            ),
        )
    issued = f"issued on {goal.issued_on}" if goal.issued_on else "nobody says when it was issued"
    issued_ru = f"поставлена {goal.issued_on}" if goal.issued_on else "дата постановки не указана"
    return Verdict("time_bound", Told(f"{span}; {issued}", f"{span_ru}; {issued_ru}"))
