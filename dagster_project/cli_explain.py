"""The verb of explanations: ``kpi explain``. Wiring only, like ``cli``.

What belongs here: options, printing. What does not: what a number is made of (explain).
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dagster_project.cli_options import JsonOption, WorkspaceOption
from dagster_project.cli_tables import plain, print_table
from dagster_project.settings import load_workspace

_WORDS = {
    "en": {
        "day": "day of",
        "week": "week of",
        "month": "month of",
        "quarter": "quarter of",
        "year": "year of",
        "part": "part",
        "numerator": "numerator",
        "denominator": "denominator",
        "cases": "cases",
        "few": "few",
        "maturity": "maturity",
        "conditions": "known only where: {told}",
        "window": "the whole period is {days} days old",
        "facts": "facts: {count} in all, the largest of each measure",
        "none": "none",
        "overwritten": "{name} was overwritten: a line may stand in an earlier content of it, "
        "which is kept in state/versions and counts",
    },
    "ru": {
        "day": "день",
        "week": "неделя с",
        "month": "месяц с",
        "quarter": "квартал с",
        "year": "год с",
        "part": "часть",
        "numerator": "числитель",
        "denominator": "знаменатель",
        "cases": "случаев",
        "few": "мало",
        "maturity": "зрелость",
        "conditions": "известно, только если: {told}",
        "window": "всему периоду исполнилось {days} дн.",
        "facts": "факты: всего {count}, самые крупные каждой меры",
        "none": "нет",
        "overwritten": "{name} переписан: строка может быть из прежнего содержания, которое "
        "лежит в state/versions и учитывается",
    },
}


def add_explain_verb(app: typer.Typer) -> None:
    """Add the verb of explanations to the command line."""
    app.command("explain")(explain)


def explain(
    kpi: Annotated[str, typer.Argument(help="A KPI's code, such as win_rate.")],
    scope: Annotated[
        str, typer.Option(help="company, or manager=NAME, team=, channel=, product=, partner=.")
    ] = "company",
    period: Annotated[str, typer.Option(help="2026-10, 2026-Q4, 2026-W41, 2026.")] = "",
    limit: Annotated[int, typer.Option(help="Facts shown per measure.")] = 20,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how a number comes about: formula, parts, and the facts, down to file and line."""
    from dagster_project.explain import explain as take_back

    settings = load_workspace(workspace)
    told = take_back(settings, kpi, scope, period or f"{settings.as_of:%Y-%m}", limit=limit)
    if as_json:
        answer = {"kpi": told.kpi, "cell": told.cell, "sums": told.sums, "facts": told.facts}
        answer |= {"parts": told.parts, "overwritten": told.overwritten}
        print(json.dumps(answer, ensure_ascii=False, default=str, indent=2))
        return
    language = settings.config.language
    words, cell = _WORDS[language], told.cell
    print(
        f"{told.kpi[f'name_{language}']} ({kpi}), {cell['scope_name']}, "
        f"{words[cell['period_grain']]} {cell['period_start']}: {plain(cell['value'])}"
    )
    print(f"  {told.kpi[f'formula_{language}']}")
    for part, value in told.parts.items():
        print(f"  {words['part']} {part}: {plain(value)}")
    for side in ("numerator", "denominator"):
        if measure := told.kpi[f"{side}_measure"]:
            print(f"  {words[side]} {measure}: {plain(cell[side])}")
    if told.conditions:
        window = words["window"].format(days=settings.config.settings.conversion_window_days)
        conditions = [window if c == "conversion_window_days" else c for c in told.conditions]
        print(f"  {words['conditions'].format(told='; '.join(conditions))}")
    low = f"  ({words['few']})" if cell["is_low_sample"] else ""
    print(f"  {words['cases']}: {cell['sample_size']}{low}")
    if cell["maturity"] is not None:
        print(f"  {words['maturity']}: {cell['maturity']:.0%}")
    print_table(words["facts"].format(count=told.fact_count), told.facts, none=words["none"])
    for name in told.overwritten:
        print(words["overwritten"].format(name=name))
