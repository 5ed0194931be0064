"""How people write periods: 2026-10, Q4 2026, IV кв. 2026, окт. 2026, 01.10.2026.

What belongs here: reading a name of a period. What does not: where such names stand (ingestion),
what a period means for a goal (goals).
"""

from __future__ import annotations

import re
from datetime import date, timedelta

GRAINS = ("day", "week", "month", "quarter", "year")
_MONTHS = (
    "jan янв",
    "feb фев",
    "mar мар",
    "apr апр",
    "may май мая",
    "jun июн",
    "jul июл",
    "aug авг",
    "sep сен",
    "oct окт",
    "nov ноя",
    "dec дек",
)
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
_QUARTER = r"(?P<quarter>[1-4]|iv|i{1,3})"
_WORD = r"(?:q|кв(?:артал)?\.?)"
_MONTH = r"(?P<month>[^\W\d_]{3,8})\.?"
_SHAPES = tuple(
    re.compile(shape, re.IGNORECASE)
    for shape in (
        r"(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})(?:[ T]00:00(?::00)?)?",
        r"(?P<day>\d{1,2})\.(?P<number>\d{2})\.(?P<year>\d{4})",
        r"(?P<year>\d{4})[-/](?P<number>\d{2})",
        r"(?P<number>\d{2})[./](?P<year>\d{4})",
        rf"(?P<year>\d{{4}})[-\s]*{_WORD}\s*{_QUARTER}",
        rf"(?P<year>\d{{4}})[-\s]*{_QUARTER}[-\s]*{_WORD}",
        rf"{_WORD}\s*{_QUARTER}[-\s]*(?P<year>\d{{4}})(?:\s*г\.?)?",
        rf"{_QUARTER}[-\s]*{_WORD}[-\s]*(?P<year>\d{{4}})(?:\s*г\.?)?",
        r"(?P<year>\d{4})-?w(?P<week>\d{1,2})",
        rf"{_MONTH}[-\s]*(?P<year>\d{{4}})(?:\s*г\.?)?",
        rf"(?P<year>\d{{4}})[-\s]+{_MONTH}",
        r"(?P<year>\d{4})(?:\s*г(?:од)?\.?)?",
    )
)


def read_period(text: str, fiscal_start: int, grain: str | None = None) -> tuple[str, date] | None:
    """Return (grain, first day) of a written period, or None where it is none.

    Args:
        text: The name: a day, week, month, quarter or year, or the first day of one.
        fiscal_start: Month with which quarters and years begin.
        grain: What the period is said to be: then a day, or a month, may name its beginning.
    """
    found = _read(" ".join(text.split()), fiscal_start)
    if found is None or grain in (None, found[0]):
        return found
    told, start = found
    is_beginning = period_start(grain, start, fiscal_start) == start
    return (grain, start) if told in ("day", "month") and is_beginning else None


def is_period(text: str | None) -> bool:
    """Tell whether a header names a period."""
    return bool(text) and _read(" ".join((text or "").split()), 1) is not None


def _read(text: str, fiscal_start: int) -> tuple[str, date] | None:
    match = next(filter(None, (shape.fullmatch(text) for shape in _SHAPES)), None)
    if match is None:
        return None
    told = match.groupdict()
    year = int(told["year"])
    try:
        if told.get("day"):
            return "day", date(year, int(told["number"]), int(told["day"]))
        if told.get("number"):
            return "month", date(year, int(told["number"]), 1)
        if told.get("week"):
            return "week", date.fromisocalendar(year, int(told["week"]), 1)
    except ValueError:
        return None
    if written := told.get("quarter"):
        number = _ROMAN.get(written.casefold()) or int(written)
        return "quarter", months_after(date(year, fiscal_start, 1), 3 * (number - 1))
    if word := told.get("month"):
        for number, stems in enumerate(_MONTHS, start=1):
            if any(word.casefold().startswith(stem) for stem in stems.split()):
                return "month", date(year, number, 1)
        return None
    return "year", date(year, fiscal_start, 1)


def months_after(day: date, months: int) -> date:
    """Return the first day of the month so many months after a day's month."""
    count = day.year * 12 + day.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)


def period_start(grain: str, day: date, fiscal_start: int) -> date:
    """Return the first day of the period of a grain that holds a day."""
    if grain == "day":
        return day
    if grain == "week":
        return day - timedelta(days=day.weekday())
    size = {"month": 1, "quarter": 3, "year": 12}[grain]
    return months_after(day, -((day.month - fiscal_start) % 12 % size))


def shifted(grain: str, start: date, periods: int) -> date:
    """Return the first day of the period so many periods after one."""
    if grain in ("day", "week"):
        return start + timedelta(days=periods * (7 if grain == "week" else 1))
    return months_after(start, periods * {"month": 1, "quarter": 3, "year": 12}[grain])


def year_before(grain: str, start: date) -> date:
    """Return the first day of the period a year earlier; a week is compared with 52 weeks ago."""
    if grain in ("day", "week"):
        return start - timedelta(days=364)
    return months_after(start, -12)
