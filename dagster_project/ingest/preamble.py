"""What the lines above a table say of the whole table: whose it is, which days it covers.

What belongs here: searching those lines and reading days as people write them. What does not: where
the header stands (recognition), which words a system uses (contracts).
"""

from __future__ import annotations

import re
from datetime import date

from dagster_project.canonical import TIME_KINDS

_MONTHS = (
    ("jan", "янв", "jän"),
    ("feb", "фев", "fév", "fev"),
    ("mar", "мар", "mär"),
    ("apr", "апр", "avr"),
    ("may", "мая", "май", "mai"),
    ("jun", "июн", "juin"),
    ("jul", "июл", "juil"),
    ("aug", "авг", "aoû", "aou"),
    ("sep", "сен"),
    ("oct", "окт", "okt"),
    ("nov", "ноя"),
    ("dec", "дек", "dez", "déc"),
)


def told_above(lines: list[str], patterns: tuple[str, ...], kinds: dict[str, str]) -> dict:
    """Return column -> value of what the patterns find in the lines above a header.

    A group of a column of days counts only where it is a day; earlier patterns win.
    """
    told: dict[str, str] = {}
    for pattern in patterns:
        for line in lines:
            match = re.search(pattern, line)
            for column, value in (match.groupdict() if match else {}).items():
                text = (value or "").strip()
                if kinds.get(column) in TIME_KINDS:
                    day = day_of(text)
                    text = day.isoformat() if day else ""
                if text:
                    told.setdefault(column, text)
    return told


def day_of(text: str) -> date | None:
    """Return a day written in ISO, with points (day first) or with the month in words."""
    words = re.findall(r"\d+|[^\W\d_]+", text.lower())
    numbers = [int(word) for word in words if word.isdigit()]
    month = next((m for word in words if (m := _month_of(word))), None)
    try:
        if re.fullmatch(r"\s*\d{4}-\d{1,2}-\d{1,2}\s*", text):
            return date(*numbers)
        if re.fullmatch(r"\s*\d{1,2}\.\d{1,2}\.\d{4}\s*", text):
            return date(numbers[2], numbers[1], numbers[0])
        if month and len(numbers) == 2 and numbers[1] > 31:
            return date(numbers[1], month, numbers[0])
    except ValueError:
        return None
    return None


def _month_of(word: str) -> int | None:
    if word.isdigit():
        return None
    return next(
        (n for n, stems in enumerate(_MONTHS, start=1) if word.startswith(stems)),
        None,
    )
