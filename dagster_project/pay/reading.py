"""Plan files: read, held against their invariants, refused with the line at fault.

What belongs here: from a file to a plan that may be paid by. What does not: who is assigned to it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dagster_project.errors import PlanRefused
from dagster_project.pay.checks import PlanContext, broken_invariants
from dagster_project.pay.documents import DocumentError, read_document
from dagster_project.pay.plans import Plan

_DOING = "reading a bonus plan"
_REMEDY = "correct the lines named above; nobody is paid by this plan until then"


@dataclass(frozen=True)
class PlanFile:
    """A plan that holds its invariants, and the file it was read from."""

    plan: Plan
    file_name: str
    sha256: str


def read_plan(content: bytes, file_name: str, context: PlanContext) -> PlanFile:
    """Read one plan.

    Args:
        content: The file's bytes, YAML in UTF-8.
        file_name: The file as people know it, for messages.
        context: The registry, the reporting currency, and whether payments are delivered.

    Raises:
        PlanRefused: It is no YAML, has an unknown key, a bad value or a broken invariant; every
            fault with its line.
    """
    try:
        document = read_document(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PlanRefused(
            _DOING, found=str(error), expected="text in UTF-8", where=file_name, remedy=_REMEDY
        ) from error
    except DocumentError as error:
        raise _refused(file_name, [(error.line or 1, error.found, "YAML, each key once")]) from None
    if not isinstance(document.values, dict):
        raise _refused(file_name, [(1, "no mapping of keys", "plan, currency, period, versions")])
    try:
        plan = Plan.model_validate(document.values)
    except ValidationError as error:
        faults = []
        for item in error.errors():
            if item["type"] == "literal_error" and "quota" in item["loc"]:
                continue  # the other reading of a quota, as a number, tells what is wrong
            loc = _without_types(item["loc"])
            faults.append((document.line_of(loc), *_shape_fault(item, loc)))
        raise _refused(file_name, faults) from error
    problems = broken_invariants(plan, context)
    if problems:
        faults = [(document.line_of(p.path), p.found, p.expected) for p in problems]
        raise _refused(file_name, faults)
    return PlanFile(plan, file_name, hashlib.sha256(content).hexdigest())


def plan_called(content: bytes) -> Any:
    """Return the name that a plan gives itself, whether it may be paid by or not.

    Raises:
        DocumentError: It is no YAML.
    """
    values = read_document(content.decode("utf-8-sig")).values
    return values.get("plan") if isinstance(values, dict) else None


def _without_types(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Leave out what pydantic adds: the kind of component it took, the kind of quota it tried."""
    if "quota" in loc:
        loc = loc[: loc.index("quota") + 1]
    return tuple(
        part
        for place, part in enumerate(loc)
        if not (place >= 2 and loc[place - 2] == "components" and isinstance(loc[place - 1], int))
    )


def _shape_fault(item: Any, loc: tuple[str | int, ...]) -> tuple[str, str]:
    key = ".".join(str(part) for part in loc)
    if item["type"] == "extra_forbidden":
        return f"unknown key `{loc[-1]}`", "the keys that README describes for plans"
    if item["type"] == "missing":
        above = ".".join(str(part) for part in loc[:-1]) or "the plan"
        return f"no `{loc[-1]}` in {above}", f"the key `{loc[-1]}`"
    given = item.get("input")
    shown = "" if isinstance(given, dict | list) else f" {given}"
    wanted = item["msg"].removeprefix("Value error, ").lower()
    wanted += ", or the word `goal`" if loc[-1:] == ("quota",) else ""
    return f"`{key}`:{shown}", wanted


def _refused(file_name: str, faults: list[tuple[int, str, str]]) -> PlanRefused:
    faults = sorted(set(faults))
    lines = ", ".join(dict.fromkeys(str(line) for line, _, _ in faults))
    word = "line" if "," not in lines else "lines"
    if len(faults) == 1:
        found, expected = faults[0][1], faults[0][2]
    else:
        found = "; ".join(f"line {line}: {found}" for line, found, _ in faults)
        expected = "; ".join(f"line {line}: {expected}" for line, _, expected in faults)
    return PlanRefused(
        _DOING, found=found, expected=expected, where=f"{file_name}, {word} {lines}", remedy=_REMEDY
    )


def read_plans(folder: Path, context: PlanContext) -> dict[str, PlanFile]:
    """Read every plan of a folder ``bonus/``.

    Returns:
        Plans by name.

    Raises:
        PlanRefused: A plan is refused, or two files hold plans of one name.
    """
    plans: dict[str, PlanFile] = {}
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        told = read_plan(path.read_bytes(), f"{folder.name}/{path.name}", context)
        twin = plans.get(told.plan.plan)
        if twin is not None:
            raise PlanRefused(
                _DOING,
                found=f"the plan `{told.plan.plan}` in two files",
                expected="one file, one plan; versions stand inside it",
                where=f"{twin.file_name} and {told.file_name}",
                remedy="give one of them another name, or make it a version of the other",
            )
        plans[told.plan.plan] = told
    return plans
