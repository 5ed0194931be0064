"""Periods that can be closed: their names, bounds and neighbours.

What belongs here: months, fiscal quarters and years. What does not: weeks and days, which nobody
is paid for.
"""

from __future__ import annotations

from datetime import date

from dagster_project.errors import WorkspaceError
from dagster_project.pay.inputs import Period
from dagster_project.summary import period_bounds

MONTHS = {"month": 1, "quarter": 3, "year": 12}


def month_after(day: date, months: int) -> date:
    """Return the first day of the month so many months after a day's month."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def parse_period(text: str, fiscal_start: int, doing: str) -> Period:
    """Read 2026-10, 2026-Q4 or 2026.

    Raises:
        WorkspaceError: The text names no month, quarter or year.
    """
    try:
        grain, start = period_bounds(text, fiscal_start)
    except ValueError:
        grain, start = "", date.min
    if grain not in MONTHS:
        raise WorkspaceError(
            doing,
            found=f"period `{text}`",
            expected="a month, quarter or year: 2026-10, 2026-Q4, 2026",
        )
    return Period(grain, start, month_after(start, MONTHS[grain]))


def label(period: Period, fiscal_start: int) -> str:
    """Name a period as ``parse_period`` reads it."""
    if period.grain == "month":
        return f"{period.start:%Y-%m}"
    if period.grain == "year":
        return f"{period.start:%Y}"
    months = (period.start.month - fiscal_start) % 12
    year = period.start.year - (1 if period.start.month < fiscal_start else 0)
    return f"{year}-Q{months // 3 + 1}"


def period_of(grain: str, day: date, fiscal_start: int) -> Period:
    """Return the period of a grain that holds a day."""
    size = MONTHS[grain]
    months = (day.month - fiscal_start) % 12 % size if size > 1 else 0
    start = month_after(day, -months)
    return Period(grain, start, month_after(start, size))


def periods_between(grain: str, first: date, last: date, fiscal_start: int) -> list[Period]:
    """Return the periods of a grain from the one that holds ``first`` to that of ``last``."""
    periods = [period_of(grain, first, fiscal_start)]
    while periods[-1].end <= last:
        periods.append(period_of(grain, periods[-1].end, fiscal_start))
    return periods
