"""The verbs of pay: ``close, diff, bonus, whatif, plan-diff``. Wiring only, like ``cli``.

What belongs here: options, printing. What does not: how anything is worked out (closing, pay).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from dagster_project.cli_options import JsonOption, WorkspaceOption
from dagster_project.settings import load_workspace

PeriodArgument = Annotated[str, typer.Argument(help="2026-10, 2026-Q4 or 2026.")]
_SUMS = ("earned", "held", "deferred", "corrections", "releases", "carried_in", "restated")
_SUMS += ("forgiven", "to_pay", "carried_out")
_SHOWN_IF_ANY = ("deferred", "releases", "restated", "forgiven")
_WORDS = {
    "en": {
        "now": "earned so far",
        "if_ended_today": "if the period ended today",
        "next_deal": "the next deal of {change} is worth",
        "task": "{kpi} +{change}",
        "line": "line",
        "before": "now",
        "after": "then",
    },
    "ru": {
        "now": "заработано на сегодня",
        "if_ended_today": "если бы период закончился сегодня",
        "next_deal": "следующая сделка на {change} принесёт",
        "task": "{kpi} +{change}",
        "line": "строка",
        "before": "сейчас",
        "after": "тогда",
    },
}


def add_pay_verbs(app: typer.Typer) -> None:
    """Add the verbs of pay to the command line."""
    app.command("close")(close)
    app.command("diff")(diff)
    app.command("bonus")(bonus)
    app.command("whatif")(whatif)
    app.command("plan-diff")(plan_diff)


def close(
    period: PeriodArgument,
    by: Annotated[str, typer.Option(help="Who closes the period.")],
    reason: Annotated[str, typer.Option(help="Why; for a later revision, why again.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a period as it is published now: values, statements, plans. Again: a new revision."""
    from dagster_project.closing.closing import close as close_period
    from dagster_project.lock import writing
    from dagster_project.settings import option_of

    settings = load_workspace(workspace)
    with writing(settings, f"close {period}"):
        revision = close_period(settings, period, by=by, reason=reason)
    rows = [
        {
            "manager": s.statement.payee.manager_name,
            "status": s.statement.status,
            **{name: getattr(s.statement, name) for name in _SUMS},
        }
        for s in revision.settled
    ]
    if as_json:
        _say_json({"period": revision.label, "revision": revision.number, "statements": rows})
        return
    print(f"{revision.label} is closed as revision {revision.number}: {revision.folder}")
    _say_table(_without_zeros(rows))
    total = sum((row["to_pay"] for row in rows), Decimal(0))
    print(f"to pay: {_money(total)} {settings.config.reporting_currency}")
    next_ = f"kpi run{option_of(settings.directory)}"
    print(f"Back up state/: it cannot be rebuilt. Next: {next_}")


def diff(
    period: PeriodArgument,
    revisions: Annotated[
        tuple[int, int], typer.Option(help="Two revisions of the period: --revisions 1 2.")
    ],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what differs between two closings of a period, and which files brought it."""
    from dagster_project.closing.closing import difference

    settings = load_workspace(workspace)
    told = difference(settings, period, *revisions)
    if as_json:
        _say_json(
            {
                "values": told.values,
                "statements": told.statements,
                "facts": told.facts,
                "files": told.files,
            }
        )
        return
    for revision in (told.first, told.second):
        mark = revision.manifest
        print(
            f"revision {revision.number}: closed as of {mark['closed_on']} by {mark['by']}: "
            f"{mark['reason']}"
        )
    print(f"\n{len(told.values)} values differ")
    _say_table(
        [
            {
                "kpi": row["kpi_code"],
                "scope": f"{row['scope_type']} {row['scope_name']}",
                "before": row["value_before"],
                "after": row["value_after"],
                "files": ", ".join(row["files"]) or "none of its own: its parts, or a window ended",
            }
            for row in told.values[:60]
        ]
    )
    if len(told.values) > 60:
        print(f"... and {len(told.values) - 60} more (--json shows all)")
    print(f"\n{len(told.statements)} statements differ")
    _say_table(told.statements)
    if told.files:
        print(f"\nplans, targets or settings that differ: {', '.join(told.files)}")


def bonus(
    manager: Annotated[str | None, typer.Option(help="Only this manager.")] = None,
    period: Annotated[str | None, typer.Option(help="Only this period: 2026-10.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show published statements; of one manager and period with every line."""
    from dagster_project.closing.published import as_published, lines_of, statements_of

    settings = load_workspace(workspace)
    manager, period = as_published(settings, manager, period)
    statements = statements_of(settings, manager, period)
    lines = lines_of(settings, manager, period) if manager and period else []
    if as_json:
        _say_json({"statements": statements, "lines": lines})
        return
    shown = ("period", "revision", "manager_name", "status", *_SUMS)
    _say_table(_without_zeros([{name: row[name] for name in shown} for row in statements]))
    for row in statements:
        if row["reason"]:
            print(f"\n{row['manager_name']}, {row['period']}:\n{row['reason']}")
    if lines:
        shown = ("kind", "origin_start", "component", "target", "attainment", "segment", "weight")
        shown += ("amount", "released", "held", "deal_id", "status")
        print()
        _say_table([{name: row[name] for name in shown} for row in lines])


def whatif(
    manager: Annotated[str, typer.Option(help="An id, a name or an alias.")],
    kpi: Annotated[
        list[str] | None,
        typer.Option(help="A figure moved: meetings=+5, or set: calls=400. May be repeated."),
    ] = None,
    period: Annotated[str | None, typer.Option(help="2026-10; default the running one.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a running period pays now, what is worth doing, and what a change would pay."""
    from dagster_project.closing.answers import ask_what_if

    settings = load_workspace(workspace)
    told = ask_what_if(settings, manager, kpi or [], period)
    if as_json:
        _say_json(
            {
                "manager": told.manager_name,
                "period": told.period,
                "gain": told.gain,
                "hints": [vars(h) for h in told.hints],
            }
        )
        return
    words = _WORDS[settings.config.language]
    print(f"{told.manager_name}, {told.period}, {told.currency}")
    for hint in told.hints:
        change = "" if hint.change is None else f"{hint.change.normalize():,f}"
        text = words[hint.kind].format(kpi=hint.kpi_code, change=change)
        sign = "+" if hint.kind in ("task", "next_deal") else ""
        print(f"  {text}: {sign}{_money(hint.amount)}")
    if kpi:
        before = _by_component(told.before)
        after = _by_component(told.after)
        _say_table(
            [
                {
                    words["line"]: name,
                    words["before"]: before.get(name, Decimal(0)),
                    words["after"]: after.get(name, Decimal(0)),
                }
                for name in dict.fromkeys([*before, *after])
            ]
        )
        print(f"{', '.join(kpi)}: {'+' if told.gain >= 0 else ''}{_money(told.gain)}")


def plan_diff(
    old: Annotated[Path, typer.Argument(help="The plan as it is.")],
    new: Annotated[Path, typer.Argument(help="The plan as it would be.")],
    months: Annotated[int, typer.Option(help="Complete months to replay.", min=1)] = 12,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay a year under the last version of two plans: who gains, who loses, what it costs."""
    from dagster_project.closing.answers import compare_plans

    settings = load_workspace(workspace)
    told = compare_plans(settings, old, new, months=months)
    if as_json:
        _say_json({"rows": told.rows, "cost": told.cost, "refused": told.refused})
        return
    print(f"{told.first_day} to {told.last_day}: {told.old} -> {told.new}, {told.currency}")
    print("each plan by its last version, whatever was paid then")
    names = ("manager_name", "old", "new", "difference")
    _say_table([{name: row[name] for name in names} for row in told.rows])
    gains = sum(1 for row in told.rows if row["difference"] > 0)
    losses = sum(1 for row in told.rows if row["difference"] < 0)
    print(f"{gains} gain, {losses} lose, cost to the company: {_money(told.cost)}")
    for reason in dict.fromkeys(told.refused):
        print(f"not worked out: {reason}")


def _by_component(lines: Sequence[Any]) -> dict[str, Decimal]:
    told: dict[str, Decimal] = {}
    for line in lines:
        name = line.component if line.kind == "earned" else f"{line.kind}: {line.component}"
        told[name] = told.get(name, Decimal(0)) + line.amount
    return told


def _without_zeros(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the rarer sums where nobody has any: what is shown adds up to what is paid."""
    gone = [name for name in _SHOWN_IF_ANY if not any(row[name] for row in rows)]
    return [{k: v for k, v in row.items() if k not in gone} for row in rows]


def _say_json(answer: Any) -> None:
    print(json.dumps(answer, ensure_ascii=False, default=_as_json, indent=2))


def _as_json(value: Any) -> str:
    """Write a decimal with two places, or with as many as it needs."""
    if not isinstance(value, Decimal):
        return str(value)
    exact = f"{value.normalize():f}"
    return exact if len(exact.partition(".")[2]) > 2 else f"{value:.2f}"


def _say_table(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        print("  none")
        return
    header = [name.replace("_", " ") for name in rows[0]]
    cells = [header, *([_plain(value) for value in row.values()] for row in rows)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(header))]
    for row in cells:
        print("  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip())


def _plain(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Decimal):
        return _money(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _money(value: Decimal) -> str:
    return f"{value:,.2f}"
