"""A phone as people write it, as the digits of its international form: one number, one spelling.

What belongs here: what a written phone means, by the numbering plans of ``phonenumbers``. What does
not: the plain spellings that SQL reads by itself (macro ``as_phone_digits``), hashing (the vault).
"""

from __future__ import annotations

import functools
import re

import duckdb

FUNCTION = "kpi_phone"
"""Name under which SQL calls ``phone_digits``."""

_LEAST_DIGITS = 5
_SEVEN = {"RU", "KZ", None}
_SEVERAL = re.compile(r"[;/|\n]|,\s")


@functools.lru_cache(maxsize=200_000)
def phone_digits(written: str | None, country: str | None) -> str | None:
    """Return the digits of a phone in international form, its extension behind them.

    A number that no numbering plan knows (a short inner one) keeps its digits.

    Args:
        written: The value as delivered; of several numbers the first one counts.
        country: ISO code of the country whose numbers are written without a country code; None:
            not said, and then 8 and ten digits are read by the plan of +7.

    Returns:
        None where nothing in the text is a phone, or one digit is repeated to fill a form.
    """
    if not written:
        return None
    parts = [part for part in _SEVERAL.split(written) if len(_digits(part)) >= 7]
    text = parts[0] if len(parts) > 1 else written
    found = _known(text, country) or _known_within(text, country)
    if found:
        return found
    digits = _digits(text)
    if len(digits) < _LEAST_DIGITS or len(set(digits[1:])) == 1:
        return None
    if country in _SEVEN and not text.strip().startswith("+"):
        if len(digits) == 11 and digits[0] == "8":
            return "7" + digits[1:]
        if len(digits) == 10:
            return "7" + digits
    return _known(f"+{digits.removeprefix('00')}", None) or digits


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Let SQL of this connection's instance call ``phone_digits``."""
    connection.create_function(
        FUNCTION, phone_digits, ["VARCHAR", "VARCHAR"], "VARCHAR", null_handling="special"
    )


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign in "0123456789")


def _known(text: str, country: str | None) -> str | None:
    """Return the number where the whole text is one that a numbering plan knows."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    return _told(number) if phonenumbers.is_valid_number(number) else None


def _known_within(text: str, country: str | None) -> str | None:
    """Return the first known number that stands among other words."""
    import phonenumbers

    found = next(iter(phonenumbers.PhoneNumberMatcher(text, country)), None)
    return _told(found.number) if found else None


def _told(number: object) -> str:
    import phonenumbers

    form = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return form.removeprefix("+") + (number.extension or "")
