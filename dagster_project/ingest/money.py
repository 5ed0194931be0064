"""Money of one file: in which unit it counts, its sum, and what its own total lines say.

What belongs here: deciding between whole units and millionths, adding up the rows, and choosing
among total lines. What does not: which rows are total lines (contracts, landing).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

import duckdb

from dagster_project.ingest.formats import parsed_number
from dagster_project.ingest.readers import refuse
from dagster_project.ingest.reading import Reading

MICROS = 1_000_000


def divisor_of(reading: Reading, written: Iterable[str], where: str) -> int:
    """Return how many units of the file's money make a whole one.

    Args:
        reading: How the file is read; ``asks_micros`` where nobody said whether it is millionths.
        written: Distinct values of the money column, looked at only where that is open.
        where: The file, for the message.

    Raises:
        SourceFileError: Only whole numbers, which may be units or millionths
            (``micros_not_told``); or numbers with a decimal sign under ``money_in_micros: true``.
    """
    if not reading.asks_micros:
        return reading.money_divisor
    values = [value.strip() for value in written]
    if any("." in value or "," in value for value in values):
        return reading.money_divisor
    if not any(set(value) & set("123456789") for value in values):
        return reading.money_divisor
    raise refuse(
        "micros_not_told",
        f"money in whole numbers only, such as `{max(values, key=len)}`",
        "to be told whether that is whole units of the currency or millionths of it",
        where,
        "add `money_in_micros: true` (or false) to this source in workspace.yml",
    )


def sum_of(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    name: str,
    decimal: str,
    divisor: int,
    *,
    unless: Sequence[str] = (),
) -> Decimal:
    """Add up a landed column of money, exactly, in whole units, values of any spelling.

    Only rows in which none of the columns ``unless`` holds anything count.
    """
    rows = " and ".join([*(f"nullif(trim({n}), '') is null" for n in unless), "true"])
    factor = Decimal(1) / divisor
    # as staging trims: DuckDB takes `1e` for a number where a space follows
    whole = f"try_cast(rtrim({name}, ' ' || chr(9) || chr(10) || chr(13)) as decimal(18, 4))"
    if factor != 1:
        places = -factor.as_tuple().exponent
        factor_type = f"decimal({places + 1}, {places})"  # its digits are a 1: nothing overflows
        whole = f"cast({whole} * cast('{factor:f}' as {factor_type}) as decimal(18, 4))"
    plain = whole if decimal == "." else "null"
    total, is_odd = connection.execute(
        f"select coalesce(sum({plain}), 0), coalesce(bool_or({name} is not null and {plain} is null"
        f"), false) from {relation} where {rows}"
    ).fetchone()
    if not is_odd:
        return Decimal(total)
    odd = connection.execute(
        f"select {name}, count(*) from {relation} "
        f"where {name} is not null and {plain} is null and {rows} group by 1"
    ).fetchall()
    for text, count in odd:
        value = (parsed_number(text, decimal) or Decimal(0)) * factor
        total += value.quantize(Decimal("0.0001"), ROUND_HALF_UP) * count
    return total


def total_line_of(
    totals: Iterable[str | None], decimal: str, divisor: int, added: str
) -> str | None:
    """Return what the total lines of a file say its rows add up to, or None where they say nothing.

    A file may hold several: one over all, one per part (then their sum is it), or both. The one
    that comes nearest to the rows' own sum is taken, so that a difference is never made up.
    """
    told = [parsed_number(text, decimal) for text in totals if text]
    amounts = [value / divisor for value in told if value is not None]
    if not amounts:
        return None
    nearest = min([*amounts, sum(amounts)], key=lambda value: abs(value - Decimal(added)))
    return str(nearest)
