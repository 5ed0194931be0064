"""How a column writes its dates and numbers, read off the whole column, never guessed per value.

What belongs here: the decision dmy / mdy / ymd and point / comma, and the plain readings of single
values that ingestion needs for its own counts. What does not: the types of columns (staging).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from dagster_project.errors import SourceFileError

_ORDERED = re.compile(r"^\s*(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})")
_DOING = "telling how a column writes its values"


def date_order_of(
    values: Iterable[str], column: str, where: str, *, dotted: str | None = None
) -> str:
    """Decide the order of day and month from every distinct value that is not ISO.

    Args:
        values: Distinct non-empty values of the column.
        column: The column, for the message.
        where: The file, for the message.
        dotted: Order of dates with dots where no value tells it.

    Returns:
        ``dmy``, ``mdy``, ``ymd``, or ``iso`` where no value needs an order.

    Raises:
        SourceFileError: Days never pass 12 (``undecidable_date_order``), or some values can only be
            day-first and others only month-first (``mixed_date_order``).
    """
    day_first = month_first = year_first = undecided = None
    is_dotted = True
    for value in values:
        match = _ORDERED.match(value)
        if not match:
            continue
        first, second, _ = match.groups()
        if len(first) == 4:
            if value.strip()[4] != "-":
                year_first = value
        elif int(first) > 12 and int(second) <= 12:
            day_first = value
        elif int(second) > 12 and int(first) <= 12:
            month_first = value
        else:
            undecided = value
            is_dotted = is_dotted and "." in match.group()
    if day_first and month_first:
        raise SourceFileError(
            _DOING,
            reason_code="mixed_date_order",
            found=f"`{day_first}` (day first) and `{month_first}` (month first) in `{column}`",
            expected="one order of day and month in the whole column",
            where=where,
            remedy="declare `date_order: dmy` (or mdy) for this entity: values that do not fit it "
            "are then listed in quarantine",
        )
    if day_first or month_first:
        return "dmy" if day_first else "mdy"
    if undecided and dotted and is_dotted:
        return dotted
    if undecided:
        raise SourceFileError(
            _DOING,
            reason_code="undecidable_date_order",
            found=f"`{undecided}` in `{column}`, and no value whose day is above 12",
            expected="a value that tells day from month, or a declaration",
            where=where,
            remedy="add `date_order: dmy` (or mdy) to this entity in workspace.yml",
        )
    return "ymd" if year_first else "iso"


def decimal_of(values: Iterable[str], column: str, where: str, *, is_whole: bool = False) -> str:
    """Decide the decimal sign from every distinct value that has a comma.

    In a column of whole numbers (``is_whole``) a sign before three digits divides thousands.

    Returns:
        ``.`` or ``,``.

    Raises:
        SourceFileError: Values such as ``1,234`` only, which may be thousands or thousandths
            (``undecidable_decimal``), or both signs as decimals (``mixed_decimal``).
    """
    comma = point = undecided = None
    for value in values:
        digits = re.sub(r"[^\d.,]", "", value).strip(".")
        if "," in digits and "." in digits:
            if digits.rfind(",") > digits.rfind("."):
                comma = value
            else:
                point = value
        elif digits.count(",") == 1:
            tail = len(digits) - digits.rfind(",") - 1
            if tail == 3 and not digits.startswith("0,"):
                point, undecided = (value, undecided) if is_whole else (point, value)
            else:
                comma = value
        elif digits.count(",") > 1:
            point = value
        elif digits.count(".") > 1:
            comma = value
        elif "." in digits and len(digits) - digits.rfind(".") - 1 != 3:
            point = value
        elif "." in digits and is_whole and not digits.startswith("0."):
            comma = value
    if comma and point:
        raise SourceFileError(
            _DOING,
            reason_code="mixed_decimal",
            found=f"`{comma}` (decimal comma) and `{point}` (decimal point) in `{column}`",
            expected="one decimal sign in the whole column",
            where=where,
            remedy='declare `decimal: ","` (or ".") for this entity: values that do not fit it are '
            "then listed in quarantine",
        )
    if undecided and not comma and not point:
        raise SourceFileError(
            _DOING,
            reason_code="undecidable_decimal",
            found=f"`{undecided}` in `{column}`, and no value that tells thousands from decimals",
            expected="a value that decides, or a declaration",
            where=where,
            remedy='add `decimal: ","` (or ".") to this entity in workspace.yml',
        )
    return "," if comma else "."


_NUMBER = re.compile(
    r"\s*[-+−(]?\s*(?:[^\d\s().,+−-]{1,4}\.?)?\s*[-−]?\s*\d[\d\s\u00a0\u202f'.,]*\)?"
    r"\s*(?:[^\d\s().,+−-]{1,4}\.?|%)?\s*\)?\s*"
)
_MULTIPLIED = re.compile(
    r"\d\s*(k|m|mm|mln|mio|b|bn|к|т|тр|тыс|м|млн|млрд)\.?\s*$", re.IGNORECASE
)  # "45k" is not 45


def parsed_number(text: str, decimal: str) -> Decimal | None:
    """Return a person's spelling of a number, or None where it is none.

    Used to add up the money of a file apart from what staging makes of it, so that
    reconciliation compares two independent readings.
    """
    if not _NUMBER.fullmatch(text) or _MULTIPLIED.search(text):
        return None
    is_negative = re.match(r"\s*\(.*\)\s*$|[^\d]*[-−]", text)
    other = "." if decimal == "," else ","
    digits = re.sub(r"[^\d.,]", "", re.sub(r"[^\d.,]*\.?\s*$", "", text))
    if re.search(rf"{re.escape(decimal)}\d*{re.escape(other)}", digits):
        return None
    try:
        value = Decimal(digits.replace(other, "").replace(decimal, "."))
    except InvalidOperation:
        return None
    if "%" in text:
        value /= 100
    return (-value if is_negative else value).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def parsed_time(text: str, order: str) -> datetime | None:
    """Return a time as written (with an offset: in UTC), or None where the text is none."""
    text = text.strip()
    try:
        if re.fullmatch(r"\d{10}(\.\d+)?", text):
            return datetime.fromtimestamp(float(text), UTC).replace(tzinfo=None)
        if re.fullmatch(r"\d{5}(\.\d+)?", text):
            return datetime(1899, 12, 30) + timedelta(days=float(text))
        if text[4:5] == "-":
            value = datetime.fromisoformat(text)
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        match = re.match(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})", text)
        if not match:
            return None
        parts = dict(zip(order, (int(part) for part in match.groups()), strict=True))
        year = parts["y"] + (2000 if parts["y"] < 69 else 1900 if parts["y"] < 100 else 0)
        return datetime(year, parts["m"], parts["d"])
    except (ValueError, OverflowError, KeyError):
        return None
