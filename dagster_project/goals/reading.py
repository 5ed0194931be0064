"""Rows of targets files as goals, or as refusals that say what would settle them.

What belongs here: what a row means: its KPI, scope, period, kind of target, numbers, version. What
does not: columns and files (ingest), whether the goal is a good one (review).

A row that may mean two things is refused with both readings and their numbers; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dagster_project.goals.numbers import Written, read_number, shown
from dagster_project.goals.shapes import (
    BASELINE_KINDS,
    GOAL_KINDS,
    SCOPES_RU,
    TARGET_KINDS,
    Figures,
    Goal,
    Kpi,
    Refused,
    Told,
)
from dagster_project.period_names import GRAINS, read_period, shifted

Row = Mapping[str, Any]
_SCOPES = ("company", "team", "manager", "channel", "product", "partner")
_KIND_WORDS = {
    "цель": "goal",
    "задача": "task",
    "число": "absolute",
    "процент": "relative_percent",
    "проценты": "relative_percent",
    "пункты": "percentage_points",
    "не больше": "at_most",
    "не меньше": "at_least",
    "компания": "company",
    "отдел": "team",
    "менеджер": "manager",
    "канал": "channel",
    "товар": "product",
    "партнёр": "partner",
    "партнер": "partner",
    "день": "day",
    "неделя": "week",
    "месяц": "month",
    "квартал": "quarter",
    "год": "year",
}
_HASH = re.compile("[0-9a-f]{64}")
"""An e-mail as it is staged."""
_ABOVE_ONE = ("nrr", "nrr_trailing_12m")
"""Shares that may well be more than 1."""


class _Refusal(Exception):
    """Why a row is no goal, in both languages."""

    def __init__(self, en: str, ru: str) -> None:
        super().__init__(en)
        self.because = Told(en, ru)


@dataclass(frozen=True)
class Surroundings:
    """What a row is understood against.

    Args:
        kpis: The registry.
        figures: The past, for the numbers of two readings.
        find: (scope type, what is written) -> every (id, name) that it may mean.
        rate: (currency, day) -> its rate in the reporting currency, or None.
        reporting_currency: Currency of money without one.
    """

    kpis: Mapping[str, Kpi]
    figures: Figures
    find: Callable[[str, str], list[tuple[str, str]]]
    rate: Callable[[str, date], Decimal | None]
    reporting_currency: str


@dataclass
class _Draft:
    """A row on its way to a version of a goal."""

    row: Row
    goal: Goal
    version: int | None
    seen_at: datetime | None
    terms: tuple[Any, ...] = field(default=())


def read_goals(rows: Iterable[Row], surroundings: Surroundings) -> tuple[list[Goal], list[Refused]]:
    """Return the versions of all goals in order, and the rows that are none.

    Args:
        rows: As delivered; ``_came_before`` tells the instants and days at which a row came that
            has come again since.
        surroundings: What they are understood against.
    """
    drafts: list[_Draft] = []
    refused: list[Refused] = []
    for row in rows:
        try:
            draft = _read(row, surroundings)
            drafts += [
                replace(draft, row={**row, "observed_on": day}, seen_at=at)
                for at, day in row.get("_came_before") or ()
            ]
            drafts.append(draft)
        except _Refusal as refusal:
            told = {k: v for k, v in row.items() if v is not None}
            refused.append(Refused(told, refusal.because, str(row.get("goal_id") or "")))
    return _versions(_named_apart(drafts)), refused


# -- one row -------------------------------------------------------------------------------------


def _read(row: Row, around: Surroundings) -> _Draft:
    kpi = _kpi(_text(row, "kpi_code"), around)
    kind = _one_of(row, "kind", GOAL_KINDS, "goal")
    scope_type = _one_of(row, "scope_type", _SCOPES, "company")
    grain, start = _period(row, around.figures.fiscal_start)
    _check_meaning(kpi, scope_type, grain)
    scope_id, scope_name = _scope(row, scope_type, around)
    if scope_type == "manager":
        _check_employed(scope_id, scope_name, start, around.figures)
    goal = Goal(
        goal_id=_text(row, "goal_id"),
        version=1,
        kind=kind,
        kpi=kpi,
        scope_type=scope_type,
        scope_id=scope_id,
        scope_name=scope_name,
        grain=grain,
        start=start,
        end=shifted(grain, start, 1),
        target_kind="absolute",
        given=Decimal(0),
        parent_goal_id=_text(row, "parent_goal_id") or None,
        title=_text(row, "title") or None,
        rationale=_text(row, "rationale") or None,
        issued_on=row.get("issued_on"),
        approved_by=_text(row, "approved_by") or None,
        source_file=row.get("_source_file"),
        source_row=row.get("_source_row"),
    )
    goal = _with_owner(goal, row, around)
    goal = _with_numbers(goal, row, around)
    if not goal.goal_id:
        made = f"{kpi.code}:{scope_type}:{scope_name}:{grain}:{start}"
        goal = replace(goal, goal_id=made if kind == "goal" else f"task:{made}")
    version = row.get("version")
    return _Draft(row, goal, int(version) if version is not None else None, row.get("_observed_at"))


def _kpi(code: str, around: Surroundings) -> Kpi:
    by_name = {
        name.casefold(): kpi
        for kpi in around.kpis.values()
        for name in (kpi.name_en, kpi.name_ru, kpi.code)
    }
    kpi = by_name.get(code.casefold())
    if kpi is None:
        raise _Refusal(
            f"there is no KPI `{code}`; see `kpi explain` or marts.dim_kpi for their codes",
            f"показателя `{code}` нет; коды показателей — в marts.dim_kpi",
        )
    if not kpi.can_be_target:
        raise _Refusal(
            f"{kpi.code} is barred as a target (can_be_target is false): it is shown, not aimed "
            "at; take one that may be a target",
            f"{kpi.name_ru} ({kpi.code}) не может быть целью (can_be_target: нет): его показывают, "
            "но не ставят в план; возьмите другой показатель",
        )
    if not kpi.is_available:
        raise _Refusal(
            f"{kpi.code} is not computed here: {kpi.because_en}",
            f"{kpi.name_ru} ({kpi.code}) здесь не считается: {kpi.because_ru}",
        )
    return kpi


def _period(row: Row, fiscal_start: int) -> tuple[str, date]:
    text = _text(row, "period_start")
    grain = _one_of(row, "period_grain", GRAINS, None)
    found = read_period(text, fiscal_start, grain)
    if found is None:
        en = f"`{text}` is no {grain or 'period'}" + (
            f", nor the first day of one (quarters and years begin with month {fiscal_start})"
            if grain
            else "; write 2026-10, 2026-Q4, 2026-W41, 2026 or a first day with `period_grain`"
        )
        raise _Refusal(
            en,
            f"`{text}` — не период и не его первый день; пишите 2026-10, 2026-Q4, 2026-W41, 2026",
        )
    if grain is None and found[0] == "day":
        raise _Refusal(
            f"`{text}` may be a day, or the first day of a week, month, quarter or year; "
            "say which in `period_grain`",
            f"`{text}` может быть днём или первым днём недели, месяца, квартала, года; "
            "напишите в `period_grain`, чем именно",
        )
    return found


def _check_meaning(kpi: Kpi, scope_type: str, grain: str) -> None:
    if scope_type not in kpi.scopes or grain not in kpi.grains:
        by, of = sorted(kpi.scopes), [g for g in GRAINS if g in kpi.grains]
        known = f"{', '.join(by)} / {', '.join(of)}"
        raise _Refusal(
            f"{kpi.code} has no figures by {scope_type} and {grain}; it has them by {known}",
            f"{kpi.name_ru} ({kpi.code}) не считается: {scope_type} / {grain}; есть {known}",
        )


def _scope(row: Row, scope_type: str, around: Surroundings) -> tuple[str, str]:
    text = _text(row, "scope_id")
    if scope_type == "company":
        return next(iter(around.find("company", "all")), ("all", "all"))
    found = around.find(scope_type, text) if text else []
    if len(found) == 1:
        return found[0]
    if found:
        named = ", ".join(sorted(scope_id for scope_id, _ in found))
        raise _Refusal(
            f"`{text}` means {len(found)} of them: {named}; write the id",
            f"`{text}` — это сразу {len(found)}: {named}; напишите id",
        )
    shown_en, shown_ru = (
        ("the e-mail of this row", "e-mail этой строки")
        if _HASH.fullmatch(text)
        else (f"`{text}`", f"`{text}`")
    )
    raise _Refusal(
        f"no {scope_type} is known as {shown_en}; write an id, an e-mail or a name as marts show "
        "it",
        f"{SCOPES_RU[scope_type]}: {shown_ru} — такого нет; напишите id, e-mail или имя так, как "
        "в витринах",
    )


def _check_employed(manager_id: str, name: str, start: date, figures: Figures) -> None:
    person = figures.people.get(manager_id)
    if person is not None and person.left_on is not None and person.left_on < start:
        raise _Refusal(
            f"{name} left on {person.left_on}, before the period begins on {start}; give the "
            "target to who works then",
            f"{name}: последний рабочий день {person.left_on}, а период начинается {start}; "
            "передайте план тому, кто работает",
        )


def _with_owner(goal: Goal, row: Row, around: Surroundings) -> Goal:
    text = _text(row, "owner_manager_id")
    if not text and goal.scope_type == "manager":
        return replace(goal, owner_id=goal.scope_id, owner_name=goal.scope_name)
    found = around.find("manager", text) if text else []
    if len(found) == 1:
        return replace(goal, owner_id=found[0][0], owner_name=found[0][1])
    return replace(goal, owner_name=text or None)


# -- numbers -------------------------------------------------------------------------------------


def _with_numbers(goal: Goal, row: Row, around: Surroundings) -> Goal:
    kind = _one_of(row, "target_kind", TARGET_KINDS, None)
    written = _number(row, "target_value")
    kind, given = _target(goal, kind, written, around.figures)
    in_money = _rate(goal, row, around)
    rate = in_money if kind in ("absolute", "at_most", "at_least") else Decimal(1)
    baseline_kind, baseline = _baseline(goal, kind, row)
    ends = {}
    for name in ("floor", "stretch"):
        if _text(row, name):
            ends[name] = _target(goal, kind, _number(row, name), around.figures)[1] * rate
    goal = replace(
        goal,
        target_kind=kind,
        given=given * rate,
        baseline_kind=baseline_kind,
        baseline_given=None if baseline is None else baseline * in_money,
        **ends,
    )
    is_sound = goal.given > 0 or (kind == "at_most" and goal.given == 0)
    if kind in ("absolute", "at_most", "at_least") and not is_sound:
        raise _Refusal(
            f"a target of {shown(goal.given, goal.kpi.unit)}: it must be above 0 "
            "(0 only with at_most)",
            f"цель {shown(goal.given, goal.kpi.unit)}: должна быть больше 0 (0 — только с at_most)",
        )
    return goal


def _target(
    goal: Goal, kind: str | None, written: Written, figures: Figures
) -> tuple[str, Decimal]:
    """Return the kind of target and its number; refuse what may be read in two ways."""
    is_share = goal.kpi.unit == "share"
    if kind is None and written.is_points:
        kind = "percentage_points"
    is_change = written.is_signed and kind in (None, "absolute")
    if is_share and is_change:
        raise _two_readings(goal, written.number, figures)
    if kind is None and written.is_percent and not is_share and written.is_signed:
        kind = "relative_percent"
    if kind is None and (written.is_signed or (written.is_percent and not is_share)):
        sign = "%" if written.is_percent else ""
        raise _Refusal(
            f"`{written.number}{sign}` does not say of what; write target_kind: absolute "
            "or relative_percent",
            f"`{written.number}{sign}` — непонятно, от чего; укажите target_kind: absolute "
            "или relative_percent",
        )
    kind = kind or "absolute"
    if kind == "relative_percent":
        if abs(written.number) < 1 and written.number and not written.is_percent:
            n = written.number
            raise _Refusal(
                f"{n} with relative_percent may be {n} % or {n * 100} %; write the percent sign",
                f"{n} при relative_percent — это {n} % или {n * 100} %? Напишите знак процента",
            )
        return kind, written.number
    if kind == "percentage_points":
        if not is_share:
            raise _Refusal(
                f"{goal.kpi.code} is no share, so it has no percentage points; write "
                "relative_percent or absolute",
                f"{goal.kpi.name_ru} — не доля, пунктов у него нет; укажите relative_percent "
                "или absolute",
            )
        if abs(written.number) < 1 and not (written.is_percent or written.is_points):
            n = written.number
            raise _Refusal(
                f"{n} with percentage_points may be {n} or {n * 100} points; write `{n * 100} pp` "
                f"or `{n} pp`",
                f"{n} при percentage_points — это {n} или {n * 100} пункта? Напишите "
                f"`{n * 100} п.п.` или `{n} п.п.`",
            )
        return kind, written.number / 100
    if not is_share:
        return kind, written.number
    if written.is_percent:
        return kind, written.number / 100
    if written.number > (2 if goal.kpi.code in _ABOVE_ONE else 1):
        n = written.number
        raise _Refusal(
            f"a bare {n} for a share: write {n} % or {n / 100}",
            f"{n} для доли: напишите {n} % или {n / 100}",
        )
    return kind, written.number


def _two_readings(goal: Goal, change: Decimal, figures: Figures) -> _Refusal:
    """Tell both readings of ``+5 %`` of a share, with what each comes to."""
    before = figures.value(
        goal.kpi.code, goal.scope, goal.grain, shifted(goal.grain, goal.start, -1)
    )
    known = figures.before(goal.kpi.code, goal.scope, goal.grain, goal.start)
    base = before.value if before is not None else (known[-1].value if known else None)
    number = f"{'+' if change > 0 else ''}{change:f}"
    if base is None:
        relative = points = ("", "")
    else:
        told = [shown(v, "share") for v in (base, base * (1 + change / 100), base + change / 100)]
        relative = (f", from {told[0]} to {told[1]}", f": с {told[0]} до {told[1]}")
        points = (f", from {told[0]} to {told[2]}", f": с {told[0]} до {told[2]}")
    return _Refusal(
        f"{number} % of {goal.kpi.code} may be read in two ways: target_kind relative_percent "
        f"({number} % of the last period's rate{relative[0]}) or percentage_points ({number} "
        f"points{points[0]}); write which",
        f"«{goal.kpi.name_ru} {number} %» читается двояко: target_kind relative_percent "
        f"({number} % к прошлому значению{relative[1]}) или percentage_points ({number} "
        f"пункта{points[1]}); напишите, что имеется в виду",
    )


def _baseline(goal: Goal, kind: str, row: Row) -> tuple[str | None, Decimal | None]:
    named = _one_of(row, "baseline_kind", BASELINE_KINDS, None)
    text = _text(row, "baseline_value")
    if named is None:
        is_relative = kind in ("relative_percent", "percentage_points")
        named = "given" if text else ("previous_period" if is_relative else None)
    if named != "given":
        if text:
            raise _Refusal(
                f"a baseline_value beside baseline_kind {named}: one of the two",
                f"baseline_value вместе с baseline_kind {named}: нужно что-то одно",
            )
        return named, None
    if not text:
        raise _Refusal(
            "baseline_kind given, but no baseline_value", "baseline_kind given, но базы нет"
        )
    written = _number(row, "baseline_value")
    if goal.kpi.unit == "share" and not written.is_percent and written.number > 2:
        raise _Refusal(
            f"a bare {written.number} as the baseline of a share: write {written.number} %",
            f"{written.number} как база доли: напишите {written.number} %",
        )
    return named, written.number / 100 if written.is_percent else written.number


def _rate(goal: Goal, row: Row, around: Surroundings) -> Decimal:
    """Return the rate of a target in another currency, of the day on which its period begins."""
    currency = _text(row, "currency").upper()
    is_money = goal.kpi.unit.startswith("money")
    if not currency or currency == around.reporting_currency or not is_money:
        return Decimal(1)
    day = min(goal.start, around.figures.as_of)
    rate = around.rate(currency, day)
    if rate is None:
        raise _Refusal(
            f"no rate of {currency} for {day}; deliver fx_rates that hold it, or write the target "
            f"in {around.reporting_currency}",
            f"нет курса {currency} на {day}; добавьте его в fx_rates или напишите цель в "
            f"{around.reporting_currency}",
        )
    return rate


def _number(row: Row, name: str) -> Written:
    text = _text(row, name)
    written = read_number(text)
    if written is None:
        raise _Refusal(
            f"{name} `{text}` is no number, or may be two; write it like 1500000, 12.5, +15 %",
            f"{name} `{text}` — не число или читается двояко; пишите 1500000, 12.5, +15 %",
        )
    return written


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else " ".join(str(value).split())


def word_of(text: str | None) -> str:
    """Return a word of a sheet, in either language, as the program knows it."""
    word = " ".join((text or "").split()).casefold()
    return _KIND_WORDS.get(word, word)


def _one_of(row: Row, name: str, known: Sequence[str], default: str | None) -> Any:
    text = _text(row, name)
    if not text:
        return default
    word = word_of(text)
    if word not in known:
        raise _Refusal(
            f"{name} `{text}` is none of: {', '.join(known)}",
            f"{name} `{text}` — не из списка: {', '.join(known)}",
        )
    return word


# -- versions ------------------------------------------------------------------------------------


def _named_apart(drafts: list[_Draft]) -> list[_Draft]:
    """Name goals apart that share an id and not a period, as those of one line of a wide sheet."""
    starts: dict[str, set[tuple[str, date]]] = {}
    for draft in drafts:
        starts.setdefault(draft.goal.goal_id, set()).add((draft.goal.grain, draft.goal.start))
    shared = {goal_id for goal_id, held in starts.items() if len(held) > 1}
    for draft in drafts:
        goal = draft.goal
        suffix, parent = f"@{goal.start}", goal.parent_goal_id
        if goal.goal_id in shared:
            goal = replace(goal, goal_id=goal.goal_id + suffix)
        if parent in shared:
            goal = replace(goal, parent_goal_id=parent + suffix)
        draft.goal = goal
    return drafts


def _versions(drafts: list[_Draft]) -> list[Goal]:
    """Number the versions of each goal: as written, else in the order of issue."""
    by_goal: dict[str, list[_Draft]] = {}
    for draft in drafts:
        draft.terms = tuple(
            getattr(value, "code", value)
            for name, value in sorted(vars(draft.goal).items())
            if name not in ("version", "source_file", "source_row")
        )
        by_goal.setdefault(draft.goal.goal_id, []).append(draft)
    goals: list[Goal] = []
    for goal_id in sorted(by_goal):
        goals += _numbered(by_goal[goal_id])
    return goals


def _numbered(drafts: list[_Draft]) -> list[Goal]:
    first = datetime(1, 1, 1)  # noqa: DTZ001 - before every observation, none of which has a zone
    ordered = sorted(
        drafts,
        key=lambda d: (
            d.version or 0,
            d.seen_at or first,
            d.goal.issued_on or date.min,
            str(d.row.get("_file_sha256") or ""),
            d.row.get("_source_row") or 0,
        ),
    )
    kept: list[_Draft] = []
    told_by: dict[str, _Draft] = {}
    for draft in ordered:
        before = kept[-1] if kept else None
        path = str(draft.row.get("_source_file"))
        is_marked = draft.version is not None or draft.goal.issued_on is not None
        # without a mark of its own a row that comes back is news where its sheet had said otherwise
        others = kept if is_marked else [told_by.get(path, before)]
        if before is not None and any(draft.terms == o.terms for o in others if o):
            continue  # delivered again as it was
        told_by[path] = draft
        is_same_version = before is not None and (
            draft.version == before.version
            if draft.version is not None or before.version is not None
            else draft.row.get("_file_sha256") == before.row.get("_file_sha256")
            and draft.goal.issued_on == before.goal.issued_on
        )
        if is_same_version:
            kept.pop()  # within one version the last row counts
        kept.append(draft)
    numbered = []
    for place, draft in enumerate(kept, start=1):
        issued = draft.goal.issued_on
        if issued is None and place > 1:
            issued = draft.row.get("observed_on")
        number = draft.version if draft.version is not None else place
        numbered.append(replace(draft.goal, version=number, issued_on=issued))
    return numbered


def in_force(versions: Sequence[Goal], day: date) -> Goal:
    """Return the version of a goal that held on a day; before the first issue, the first."""
    held = [g for g in versions if g.issued_on is None or g.issued_on <= day]
    return held[-1] if held else versions[0]
