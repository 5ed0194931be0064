"""The verb of goals: ``kpi goals``. Wiring only, like ``cli``.

What belongs here: options, printing. What does not: how a goal is judged (goals, planning).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any, Literal

import typer

from dagster_project.cli_options import JsonOption, WorkspaceOption
from dagster_project.goals.numbers import shown
from dagster_project.settings import Workspace, load_workspace

_WORDS = {
    "en": {
        "goal": "goal",
        "task": "task",
        "refused": "REFUSED",
        "target": "target",
        "now": "now",
        "landing": "landing",
        "needs": "still needed",
        "none": "no goals; put a sheet of them into targets/ and run `kpi run`",
        "no_proposal": "no proposal",
    },
    "ru": {
        "goal": "цель",
        "task": "задача",
        "refused": "НЕ ПРИНЯТО",
        "target": "план",
        "now": "сейчас",
        "landing": "прогноз",
        "needs": "осталось сделать",
        "none": "целей нет; положите таблицу целей в targets/ и выполните `kpi run`",
        "no_proposal": "предложить нечего",
    },
}
_VERDICTS_RU = {
    "specific": "конкретна",
    "no_owner": "нет ответственного",
    "owner_absent": "ответственный не работает",
    "no_title": "нет формулировки",
    "measurable": "измерима",
    "no_figures": "нет данных",
    "baseline_unknown": "база неизвестна",
    "trivial": "слишком легко",
    "reasonable": "по силам",
    "ambitious": "амбициозно",
    "unrealistic": "нереально",
    "no_history": "нет истории",
    "relevant": "по делу",
    "children_do_not_add_up": "подцели не сходятся",
    "no_parent": "нет вышестоящей цели",
    "does_not_drive": "не влияет на цель",
    "off_strategy": "не по стратегии",
    "time_bound": "срок ясен",
    "issued_late": "поставлена поздно",
    "too_short": "период слишком короткий",
    "met": "выполнено",
    "ahead": "с опережением",
    "on_track": "по плану",
    "at_risk": "под угрозой",
    "behind": "отстаёт",
    "missed": "не выполнено",
    "no_data": "нет данных",
}


def add_goal_verbs(app: typer.Typer) -> None:
    """Add the verb of goals to the command line."""
    app.command("goals")(goals)


def goals(
    period: Annotated[str | None, typer.Option(help="Only this period: 2026-Q4, 2026-11.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Goals of periods that are over, too.")
    ] = False,
    propose: Annotated[
        bool, typer.Option("--propose", help="Propose targets per manager from history.")
    ] = False,
    kpi: Annotated[
        list[str] | None, typer.Option(help="With --propose: a KPI; may be repeated.")
    ] = None,
    manager: Annotated[
        str | None, typer.Option(help="With --propose: only this manager, id or name.")
    ] = None,
    lang: Annotated[
        Literal["ru", "en"] | None, typer.Option(help="Language; default the workspace's.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Review goals letter by letter (SMART) and where they stand; or propose targets."""
    settings = load_workspace(workspace)
    language = lang or settings.config.language
    if propose:
        _say_proposals(settings, kpi or ["booked_revenue"], period, manager, language, as_json)
        return
    from dagster_project.planning.published import activities, reviews

    rows = reviews(settings, period, with_past=everything)
    needs = activities(settings, period, with_past=everything)
    if as_json:
        _say_json({"goals": rows, "required_activity": needs})
        return
    words = _WORDS[language]
    if not rows:
        print(words["none"])
    for row in rows:
        _say_goal(row, [n for n in needs if n["goal_id"] == row["goal_id"]], words, language)


def _say_goal(
    row: dict[str, Any], needs: list[dict[str, Any]], words: dict[str, str], language: str
) -> None:
    if row["is_refused"]:
        place = f"{row['source_file']}, {row['source_row']}"
        print(f"{words['refused']}: {row['goal_id']} ({place})")
        print(f"  {row[f'refused_because_{language}']}\n")
        return
    from dagster_project.planning.published import REVIEWED

    unit = row["unit"]
    kind = words[row["kind"]]
    title = row["title"] or row["kpi_code"]
    print(f"{kind} {row['goal_id']} v{row['version']}: {title}")
    print(
        f"  {row['kpi_code']}, {row['scope_type']} {row['scope_name']}, {row['period_grain']} "
        f"{row['period_start']}, {words['target']} {shown(row['target'], unit)}"
    )
    for letter, name in zip("SMART", REVIEWED, strict=True):
        verdict = _word(row[f"{name}_verdict"], language)
        print(f"  {letter}  {verdict}: {row[f'{name}_evidence_{language}']}")
    if row["status"]:
        print(
            f"  {words['now']}: {shown(row['actual'], unit)}, {_word(row['status'], language)}, "
            f"{words['landing']} {shown(row['landing'], unit)}"
        )
    for need in needs:
        print(f"  {words['needs']}: {need[f'explanation_{language}']}")
    print()


def _word(verdict: str, language: str) -> str:
    return _VERDICTS_RU.get(verdict, verdict) if language == "ru" else verdict.replace("_", " ")


def _say_proposals(
    settings: Workspace,
    codes: list[str],
    period: str | None,
    manager: str | None,
    language: str,
    as_json: bool,
) -> None:
    from dagster_project.planning.published import proposals

    told = proposals(settings, codes, period, manager)
    if as_json:
        _say_json(
            [
                {
                    "manager_id": p.goal.scope_id,
                    "manager_name": p.goal.scope_name,
                    "kpi_code": p.goal.kpi.code,
                    "period_grain": p.goal.grain,
                    "period_start": p.goal.start,
                    "target_value": p.target,
                    "verdict": p.verdict,
                    "because": getattr(p.told, language),
                }
                for p in told
            ]
        )
        return
    words = _WORDS[language]
    for p in told:
        number = words["no_proposal"] if p.target is None else shown(p.target, p.goal.kpi.unit)
        print(
            f"{p.goal.scope_name}, {p.goal.kpi.code}, {p.goal.grain} {p.goal.start}: {number} "
            f"({_word(p.verdict, language)})"
        )
        print(f"  {getattr(p.told, language)}")


def _say_json(answer: Any) -> None:
    print(json.dumps(answer, ensure_ascii=False, default=_as_json, indent=2))


def _as_json(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
