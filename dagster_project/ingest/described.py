"""What a landed table's columns are like, read off each of them whole.

What belongs here: order of dates, decimal sign, sum of money, newest event and newest edit.
What does not: how the table got there (landing), types (staging).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from dagster_project.canonical import NUMBER_KINDS, TIME_KINDS
from dagster_project.ingest.discovery import Claim
from dagster_project.ingest.formats import date_order_of, decimal_of, parsed_time
from dagster_project.ingest.money import divisor_of, sum_of, total_line_of
from dagster_project.ingest.readers import is_typed_file

_GROUPED = r"(^|[^0-9.,])[1-9][0-9]{0,2}\.[0-9]{3}([^0-9]|$)"  # 1.234, thousands or thousandths


_AS_WRITTEN = "try_cast({0} as timestamp)"
_OFFSET_IN_UTC = (
    "case when regexp_matches(trim({0}), '[T ].*[+-][0-9][0-9]:?[0-9][0-9]$') "
    "then timezone('UTC', try_cast({0} as timestamptz)) else try_cast({0} as timestamp) end"
)


@dataclass
class Description:
    """What ``describe`` tells, under the names that a landing keeps it by.

    Units: ``amount_seen`` and ``amount_total_line`` are native money as text, exact, in whole
    units; ``money_divisor`` is how many units of the file make a whole one.
    """

    orders: dict[str, str] = field(default_factory=dict)
    decimals: dict[str, str] = field(default_factory=dict)
    amount_seen: str | None = None
    amount_total_line: str | None = None
    money_divisor: int | None = None
    last_event_on: str | None = None
    last_updated_at: str | None = None


def describe(
    claim: Claim, connection: duckdb.DuckDBPyConnection, relation: str, totals: list[str | None]
) -> Description:
    """Read off the whole columns how dates and numbers are written, and add up the money.

    A table of a named system is one export, written by one person's settings: its columns decide
    together. In the user's own tables each column decides for itself.

    Args:
        claim: The file, its table and how it is read.
        connection: DuckDB, for reading.
        relation: What to read the landed rows from.
        totals: Money of the file's own total lines, as written.

    Raises:
        SourceFileError: A column's order or sign cannot be decided, or contradicts itself.
    """
    return _Columns(claim, connection, relation).described(totals)


class _Columns:
    def __init__(self, claim: Claim, connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        self.reading, self.contract = claim.reading, claim.table
        self.kinds, self.where = claim.table.kinds, claim.file_name
        self.connection, self.relation = connection, relation
        self.is_text_file = not is_typed_file(claim.path)

    def described(self, totals: list[str | None]) -> Description:
        landed = Description()
        given = {*self.reading.columns, *self.reading.constants}
        if self.reading.unpivot:
            given |= {self.reading.unpivot.name_to, self.reading.unpivot.value_to}
        kinds = {n: kind for n, kind in self.kinds.items() if n in given}
        times = [name for name, kind in kinds.items() if kind in TIME_KINDS]
        numbers = [name for name, kind in kinds.items() if kind in NUMBER_KINDS]
        odd = self._columns_needing_a_look(times, numbers)
        is_one_export = self.contract.system != "files"  # written by one person's settings
        for name in times:
            looked_at = [n for n in times if n in odd] if is_one_export else [name]
            landed.orders[name] = self.reading.date_order or (
                date_order_of(
                    self._distinct(looked_at, "left(trim({}), 10)"),
                    name,
                    self.where,
                    dotted=self.contract.dotted_dates,
                )
                if name in odd
                else "iso"
            )
        for name in numbers:
            looked_at = [n for n in numbers if n in odd] if is_one_export else [name]
            landed.decimals[name] = self.reading.decimal or (
                decimal_of(
                    self._distinct(looked_at),
                    name,
                    self.where,
                    is_whole=all(kinds[n] == "integer" for n in looked_at),
                    is_point_open=self._is_point_open(name),
                )
                if name in odd
                else "."
            )
        amounts = [n for n in (self.contract.amount or "").split() if n in kinds]
        if amounts:
            written = self._distinct(amounts) if self.reading.asks_micros else []
            divisor = divisor_of(self.reading, written, self.where)
            sums = [
                sum_of(
                    self.connection,
                    self.relation,
                    name,
                    landed.decimals[name],
                    divisor,
                    unless=amounts[:place],
                )
                for place, name in enumerate(amounts)
            ]
            landed.money_divisor = divisor
            landed.amount_seen = str(sum(sums))
            decimal = landed.decimals[amounts[0]]
            landed.amount_total_line = total_line_of(totals, decimal, divisor, landed.amount_seen)
        event, updated_at = self.contract.event_on, self.contract.updated_at
        if event in kinds:
            last = self._latest(event, landed.orders[event])
            landed.last_event_on = last.date().isoformat() if last else None
        if updated_at in kinds:
            last = self._latest(updated_at, landed.orders[updated_at], _OFFSET_IN_UTC)
            landed.last_updated_at = last.isoformat(sep=" ") if last else None
        return landed

    def _columns_needing_a_look(self, times: list[str], numbers: list[str]) -> set[str]:
        tests = {n: f"bool_or({n} is not null and substr(trim({n}), 5, 1) <> '-')" for n in times}
        point = {n: "%.%" if self.kinds[n] == "integer" else "%.%.%" for n in numbers}
        tests |= {n: f"bool_or(contains({n}, ',') or {n} like '{point[n]}')" for n in numbers}
        if not tests:
            return set()
        open_ones = [n for n in numbers if self._is_point_open(n)]
        pointed = [f"bool_or(contains({n}, '.'))" for n in open_ones]
        found = self.connection.execute(
            f"select {', '.join([*tests.values(), *pointed])} from {self.relation}"
        ).fetchone()
        odd = {name for name, is_odd in zip(tests, found, strict=False) if is_odd}
        has_point = dict(zip(open_ones, found[len(tests) :], strict=True))
        return odd | {n for n in open_ones if has_point[n] and not self._has_decimal_point(n)}

    def _is_point_open(self, name: str) -> bool:
        """Tell whether a point before three digits may divide thousands, as a person writes them.

        Systems and typed files write a decimal point; a share has no thousands.
        """
        return (
            self.kinds[name] in ("money", "price", "number")
            and self.contract.system == "files"
            and self.is_text_file
            and not self.reading.decimal
        )

    def _has_decimal_point(self, name: str) -> bool:
        """Tell whether some value can only hold a decimal point: in most columns the first one."""
        found = self.connection.execute(
            f"select 1 from {self.relation} where regexp_matches({name}, '[0-9]\\.[0-9]') "
            f"and not regexp_matches({name}, '{_GROUPED}') limit 1"
        ).fetchone()
        return found is not None

    def _distinct(self, names: list[str], expression: str = "{}") -> list[str]:
        """Return the distinct values of columns."""
        found = []
        for name in names:
            found += self.connection.execute(
                f"select distinct {expression.format(name)} from {self.relation} "
                f"where {name} is not null"
            ).fetchall()
        return [row[0] for row in found]

    def _latest(self, name: str, order: str, reading: str = _AS_WRITTEN) -> datetime | None:
        """Return the greatest time of a column, as written or as ``reading`` takes it."""
        if order == "iso":
            found = self.connection.execute(
                f"select max({reading.format(name)}) from {self.relation}"
            ).fetchone()[0]
            if found is not None:
                return found
        values = (parsed_time(value, order) for value in self._distinct([name]))
        return max((value for value in values if value), default=None)
