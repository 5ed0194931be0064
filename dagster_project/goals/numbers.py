"""Numbers as people write them in a sheet of targets: ``+15 %``, ``1 500 000``, ``5 п.п.``

What belongs here: a written number and what its sign and its percent sign say. What does not: what
a target means by it (reading).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_POINTS = re.compile(r"(?:п\.?\s*п\.?|p\.?\s*p\.?|points?|пункт\w*)$", re.IGNORECASE)
_PARTS = r"[\s\u00a0\u202f'’_]"
_UNEVEN = re.compile(rf"\d{_PARTS}+\d(?!\d\d(?!\d))|\d{{4}}{_PARTS}+\d")
"""Digits parted otherwise than by threes: two numbers in one cell, or a slip of the hand."""


@dataclass(frozen=True)
class Written:
    """A number, and whether a sign, a percent sign or the word for points stand beside it."""

    number: Decimal
    is_signed: bool = False
    is_percent: bool = False
    is_points: bool = False


def read_number(text: str) -> Written | None:
    """Return a written number, or None where it is none or may be two different ones.

    A comma before exactly three last digits may part thousands or decimals: ``12,500`` is refused,
    ``0,125`` and ``1,500,000`` are not.
    """
    if _UNEVEN.search(text):
        return None
    left = re.sub(_PARTS, "", text).replace("−", "-").replace("–", "-")
    is_points = bool(_POINTS.search(left))
    left = _POINTS.sub("", left)
    is_percent = left.endswith("%")
    left = left.rstrip("%")
    is_signed = left[:1] in ("+", "-")
    sign, digits = (-1 if left[:1] == "-" else 1), left[is_signed:]
    if "," in digits and "." in digits:
        decimal = max(",", ".", key=digits.rfind)
        if not re.match(r"\d{1,3}([.,]\d{3})+[.,]\d*$", digits):
            return None
        digits = digits.replace("." if decimal == "," else ",", "").replace(decimal, ".")
    elif re.fullmatch(r"\d{1,3}(,\d{3}){2,}", digits) or re.fullmatch(
        r"\d{1,3}(\.\d{3}){2,}", digits
    ):
        digits = digits.replace(",", "").replace(".", "")
    elif re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits):
        return None
    else:
        digits = digits.replace(",", ".")
    if not re.fullmatch(r"\d+(\.\d+)?|\.\d+", digits):
        return None
    return Written(sign * Decimal(digits), is_signed, is_percent, is_points)


def shown(value: Decimal | None, unit: str) -> str:
    """Write a value in its unit: shares in percent, money with thousands apart."""
    if value is None:
        return "?"
    if unit == "share":
        return f"{_trimmed(value * 100, 2)} %"
    return _trimmed(value, 2)


def percent(share: Decimal | float) -> str:
    """Write a share as a percentage with its sign."""
    value = Decimal(repr(share)) if isinstance(share, float) else share
    return f"{'+' if value > 0 else ''}{_trimmed(value * 100, 1)} %"


def _trimmed(value: Decimal, places: int) -> str:
    text = f"{value:,.{places}f}".replace(",", "\u202f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
