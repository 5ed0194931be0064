"""How a column writes its dates and numbers, read off the whole column, never guessed per value.

What belongs here: the decision dmy / mdy / ymd and point / comma, and the plain readings of single
values that ingestion needs for its own counts. What does not: the types of columns (staging).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, DecimalException

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


def decimal_of(
    values: Iterable[str],
    column: str,
    where: str,
    *,
    is_whole: bool = False,
    is_point_open: bool = False,
) -> str:
    """Decide the decimal sign from every distinct value that has one.

    In a column of whole numbers (``is_whole``) a sign before three digits divides thousands. A
    point before three digits is a decimal one, unless that is open (``is_point_open``).

    Returns:
        ``.`` or ``,``.

    Raises:
        SourceFileError: Values such as ``1,234`` or ``1.234`` only, which may be thousands or
            thousandths (``undecidable_decimal``), or both signs as decimals (``mixed_decimal``).
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
        elif "." in digits and is_point_open:
            is_grouped = len(digits) <= 7 and not digits.startswith("0")
            point, undecided = (point, value) if is_grouped else (value, undecided)
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


_SPACE = r"\t\n\f\r "  # as the engine of staging counts spaces and digits: those of ASCII only
_GAP = rf"[{_SPACE}\u00a0\u202f]*"
_GROUPED = rf"[^0-9]*(?:[0-9]{{1,3}}(?:(?:[{_SPACE}\u00a0\u202f]+|['%s])[0-9]{{3}})+"
_DIGITS = {
    ",": re.compile(_GROUPED % "." + r"|[0-9]+)(?:,[0-9]+)?[^0-9]*"),
    ".": re.compile(
        _GROUPED % "," + r"|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}|[0-9]+)(?:\.[0-9]+)?[^0-9]*"
    ),
}
"""Thousands stand in threes (in India in twos before the last), or are not parted."""
_SIGN, _LETTER = "[$¢-¥₠-₿]", "[A-Za-zÀ-ÖØ-öø-ɏͰ-ϿЀ-ӿႠ-ჿ一-鿿]"  # of currencies and units
_MARK = rf"(?:{_LETTER}{{0,3}}{_SIGN}|{_SIGN}{_LETTER}{{0,3}}|{_LETTER}{{2,4}}|[рРRr元円]|')\.?"
_NUMBER = re.compile(
    rf"[-+−(]?{_GAP}(?:{_MARK})?{_GAP}[-−]?{_GAP}"
    rf"[0-9][0-9{_SPACE}\u00a0\u202f'.,]*\)?{_GAP}(?:{_MARK})?{_GAP}\)?"
)
_PLAIN = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_MULTIPLIED = re.compile(
    rf"[0-9][{_SPACE}]*(k|m|mm|mln|mio|b|bn|к|т|тр|тыс|м|млн|млрд)\.?\Z", re.IGNORECASE
)  # "45k" is not 45
_MONEY_LIMIT = Decimal(10) ** 14  # decimal(18, 4)


def parsed_number(text: str, decimal: str) -> Decimal | None:
    """Return a person's spelling of money, or None where it is none (10 %) or too great.

    Used to add up the money of a file apart from what staging makes of it, so that
    reconciliation compares two independent readings, which must accept the same texts.
    """
    text = text.strip(" \u00a0\t\n\r")
    plain = text if decimal == "." and _PLAIN.fullmatch(text) else _plain_number(text, decimal)
    if plain is None:
        return None
    try:
        value = Decimal(plain).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    except DecimalException:
        return None
    return value if abs(value) < _MONEY_LIMIT else None


def _plain_number(text: str, decimal: str) -> str | None:
    if not _NUMBER.fullmatch(text) or _MULTIPLIED.search(text):
        return None
    if not _DIGITS[decimal].fullmatch(text) or ("(" in text) != (")" in text):
        return None
    if re.search(r"[-+−(].*[-+−(]", text):
        return None
    sign = "-" if re.match(r"\(.*\)\Z|[^0-9]*[-−]", text) else ""
    if decimal == ",":
        return sign + re.sub("[^0-9,]", "", text).replace(",", ".")
    without_dot = re.sub(r"\.\Z|[^0-9.]+\.\Z", "", text, count=1)
    return sign + re.sub("[^0-9.]", "", without_dot)


_ZONED = re.compile(
    r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?)(Z|[+-]\d\d(?::?\d\d)?| (?i:UTC|GMT))"
)
_LOCAL = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")
_WITH_ORDER = re.compile(
    r"(\d{4}|\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{1,2})"
    r"(?:,? \d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d+)?)?(?: [AaPp][Mm])?)?"
)


def parsed_time(text: str, order: str) -> datetime | None:
    """Return a time as written (with an offset: in UTC), or None where the text is none.

    A year before 1900 and a zone other than UTC and GMT make it none, as in staging.
    """
    try:
        value = _time_of(text.strip(), order)
    except (ValueError, OverflowError, KeyError):
        return None
    return value if value and value.year >= 1900 else None


def _time_of(text: str, order: str) -> datetime | None:
    if re.fullmatch(r"\d{10}(\.\d+)?|\d{13}", text):
        seconds = float(text) / (1000 if len(text) == 13 and "." not in text else 1)
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    if re.fullmatch(r"\d{5}(\.\d+)?", text):
        days = float(text)
        return datetime(1899, 12, 30) + timedelta(days=days) if 20000 <= days <= 80000 else None
    if zoned := _ZONED.fullmatch(text):
        offset = "Z" if zoned[2].strip().isalpha() else zoned[2]
        return datetime.fromisoformat(zoned[1] + offset).astimezone(UTC).replace(tzinfo=None)
    if _LOCAL.fullmatch(text):
        return datetime.fromisoformat(text)
    if not (match := _WITH_ORDER.fullmatch(text)):
        return None
    parts = dict(zip(order, match.groups(), strict=True))
    year = int(parts["y"])
    if len(parts["y"]) == 2 and order != "ymd":
        year += 2000 if year < 69 else 1900
    return datetime(year, int(parts["m"]), int(parts["d"]))
