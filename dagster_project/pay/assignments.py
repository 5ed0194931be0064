"""Who is paid by which plan, from when to when: ``bonus/assignments.csv``.

What belongs here: reading the file, and that nobody has two plans on one day. What does not: the
plans (reading), who a manager's name means (the caller knows the crosswalk).

Units: ``to`` is the first day that no longer counts; ``ramp`` are shares of the target for the
first full calendar months.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from dagster_project.errors import PlanRefused
from dagster_project.pay.reading import PlanFile

REQUIRED = ("manager_id", "plan", "from")
OPTIONAL = ("to", "target_amount", "ramp", "guarantee")
_DOING = "reading who is paid by which plan"


@dataclass(frozen=True)
class Assignment:
    """One line: a manager, a plan, and the days [from_, to).

    ``target_amount`` and ``guarantee`` take the place of the plan's where given.
    """

    manager_id: str
    plan: str
    from_: date
    to: date | None = None
    target_amount: Decimal | None = None
    ramp: tuple[Decimal, ...] = ()
    guarantee: Decimal | None = None
    line: int = 0

    def is_in_force(self, day: date) -> bool:
        """Tell whether the assignment holds on a day."""
        return self.from_ <= day and (self.to is None or day < self.to)


def read_assignments(
    content: bytes,
    file_name: str,
    plans: Mapping[str, PlanFile],
    resolve: Callable[[str], str | None] = lambda reference: reference,
    left_out: list[tuple[str, PlanRefused]] | None = None,
) -> list[Assignment]:
    """Read the assignments and refuse what could pay one person twice, or nobody.

    Args:
        content: The file's bytes: CSV in UTF-8 with commas or semicolons.
        file_name: The file as people know it.
        plans: The plans that may be named.
        resolve: Returns the manager that an id, name, e-mail or alias means; None: nobody.
        left_out: Given, collects (manager, reason) where only what is delivered makes an
            assignment impossible: nobody of that name, or one person under two names. Those
            people are left out, everybody else is read.

    Raises:
        PlanRefused: With the line at fault.
        MappingMissing: As ``resolve`` raises it, where a name fits two people.
    """
    reader = _Reader(file_name)
    assignments = []
    for line, row in reader.rows(content):
        plan = reader.required(row, "plan", line)
        if plan not in plans:
            known = ", ".join(sorted(plans)) or "none is there"
            raise reader.refused(line, f"no plan `{plan}`", f"one of the plans: {known}")
        reference = reader.required(row, "manager_id", line)
        manager_id = resolve(reference)
        if manager_id is None:
            error = reader.refused(
                line,
                f"no manager `{reference}`",
                "an id, a name, an e-mail or an alias of a manager that some delivered file knows",
            )
            if left_out is None:
                raise error
            left_out.append((reference, error))
            continue
        from_, to = reader.day(row, "from", line), reader.day(row, "to", line)
        if from_ is None:
            raise reader.refused(line, "no `from`", "the first day of the assignment")
        if to is not None and to <= from_:
            raise reader.refused(
                line, f"from {from_} to {to}", "`to` after `from`: the first day that is left out"
            )
        assignments.append(
            Assignment(
                manager_id,
                plan,
                from_,
                to,
                reader.money(row, "target_amount", line),
                reader.ramp(row, line),
                reader.money(row, "guarantee", line),
                line,
            )
        )
    for assignment in assignments:
        _refuse_missing_terms(reader, assignment, plans[assignment.plan])
    twice = _two_plans(reader, assignments)
    if twice and left_out is None:
        raise next(iter(twice.values()))
    if left_out is not None:
        left_out += twice.items()
    return [a for a in assignments if a.manager_id not in twice]


def _two_plans(reader: _Reader, assignments: list[Assignment]) -> dict[str, PlanRefused]:
    """Return, by manager, the first two assignments that meet on one day."""
    twice: dict[str, PlanRefused] = {}
    by_manager: dict[str, list[Assignment]] = {}
    for assignment in assignments:
        by_manager.setdefault(assignment.manager_id, []).append(assignment)
    for manager_id, own in by_manager.items():
        for first, second in pairwise(sorted(own, key=lambda a: (a.from_, a.line))):
            if first.to is None or first.to > second.from_:
                twice.setdefault(
                    manager_id,
                    reader.refused(
                        second.line,
                        f"{manager_id} on plan `{second.plan}` from {second.from_}, while "
                        f"line {first.line} has plan `{first.plan}` until "
                        f"{first.to or 'further notice'}",
                        "one plan for one person on one day: end the earlier assignment",
                    ),
                )
    return twice


def _refuse_missing_terms(reader: _Reader, assignment: Assignment, told: PlanFile) -> None:
    for version in told.plan.versions:
        is_met = (version.to is None or version.to > assignment.from_) and (
            assignment.to is None or version.from_ < assignment.to
        )
        is_given = assignment.target_amount is not None or version.target_amount is not None
        if is_met and version.needs_target_amount and not is_given:
            raise reader.refused(
                assignment.line,
                f"no target_amount, and none in plan `{assignment.plan}` from {version.from_}",
                "a target_amount in the plan or in the assignment",
            )
    first = min(version.from_ for version in told.plan.versions)
    if assignment.from_ < first:
        raise reader.refused(
            assignment.line,
            f"an assignment from {assignment.from_} to plan `{assignment.plan}`, which begins on "
            f"{first}",
            "an assignment that begins with the plan or later",
        )


_WRITTEN = r"(?:[0-9]{1,3}(?:[\s\u00a0\u202f][0-9]{3})+|[0-9]+)(?:[.,][0-9]+)?"
_EITHER = r"[1-9]\d{0,2}[.,]\d{3}"
"""Thousands or thousandths, by who wrote it: 40,000 would be paid as 40."""


class _Reader:
    """The cells of one file, with errors that name its lines."""

    def __init__(self, file_name: str) -> None:
        self.file_name = file_name

    def refused(self, line: int, found: str, expected: str) -> PlanRefused:
        return PlanRefused(
            _DOING,
            found=found,
            expected=expected,
            where=f"{self.file_name}, line {line}",
            remedy="correct the line; nobody is paid by this file until then",
        )

    def rows(self, content: bytes) -> list[tuple[int, dict[str, str]]]:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.refused(
                1, str(error), "text in UTF-8 (in Excel: Save as, CSV UTF-8)"
            ) from error
        header_line = text.split("\n", 1)[0]
        delimiter = ";" if header_line.count(";") > header_line.count(",") else ","
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        told: list[tuple[int, dict[str, str]]] = []
        header: list[str] | None = None
        line = 1
        try:
            for cells in reader:
                values = [cell.strip() for cell in cells]
                if any(values) and header is None:
                    header = values
                    self._check_header(header, line)
                elif any(values):
                    if len(values) != len(header or []):
                        raise self.refused(
                            line, f"{len(values)} cells", f"{len(header or [])}, as in the header"
                        )
                    told.append((line, dict(zip(header or [], values, strict=True))))
                line = reader.line_num + 1
        except csv.Error as error:
            raise self.refused(line, str(error), "CSV whose quotes are closed") from error
        if header is None:
            raise self.refused(1, "an empty file", f"a header: {', '.join((*REQUIRED, *OPTIONAL))}")
        return told

    def _check_header(self, header: list[str], line: int) -> None:
        for name in header:
            if name not in (*REQUIRED, *OPTIONAL):
                raise self.refused(
                    line, f"unknown column `{name}`", f"{', '.join((*REQUIRED, *OPTIONAL))}"
                )
            if header.count(name) > 1:
                raise self.refused(line, f"the column `{name}` twice", "each column once")
        for name in REQUIRED:
            if name not in header:
                raise self.refused(line, f"no column `{name}`", f"{', '.join(REQUIRED)} at least")

    def required(self, row: dict[str, str], name: str, line: int) -> str:
        if not row.get(name):
            raise self.refused(line, f"an empty `{name}`", "a value")
        return row[name]

    def day(self, row: dict[str, str], name: str, line: int) -> date | None:
        text = row.get(name, "")
        if not text:
            return None
        dotted = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text)
        try:
            if dotted:
                return date(int(dotted[3]), int(dotted[2]), int(dotted[1]))
            return date.fromisoformat(text)
        except ValueError:
            pass
        raise self.refused(line, f"`{name}`: {text}", "a day such as 2026-10-31 or 31.10.2026")

    def number(self, text: str, name: str, line: int) -> Decimal:
        is_number = re.fullmatch(_WRITTEN, text) and not re.fullmatch(_EITHER, text)
        if not is_number:
            raise self.refused(line, f"`{name}`: {text}", "a number such as 40000 or 40000.50")
        return Decimal(re.sub(r"[\s\u00a0\u202f]", "", text).replace(",", "."))

    def money(self, row: dict[str, str], name: str, line: int) -> Decimal | None:
        return self.number(row[name], name, line) if row.get(name) else None

    def ramp(self, row: dict[str, str], line: int) -> tuple[Decimal, ...]:
        shares = tuple(
            self.number(part, "ramp", line)
            for part in re.split(r"[;|]", row.get("ramp", ""))
            if part
        )
        if any(share <= 0 or share > 1 for share in shares):
            raise self.refused(line, f"`ramp`: {row['ramp']}", "shares above 0 up to 1: 0.5;0.75")
        return shares
