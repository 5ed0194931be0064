"""What a contract can say of a system: its tables, their columns, how a file of it is told.

What belongs here: the vocabulary that every contract module uses. What does not: any system's own
names (its module), reading files (readers), choosing a table for a file (recognition), SQL (the
system's staging models).

A contract is read in three places and nowhere else: recognition (which table does this file
hold?), the raw schema (one view ``raw.<system>__<table>`` for each table, empty and typed where
nothing was delivered), and the defaults of a source (won date, statuses, activity types).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from dagster_project.canonical import ENTITIES


@dataclass(frozen=True)
class Field:
    """One column of a table: its kind (as in ``canonical``) and the spellings of its header.

    A spelling is compared by ``tight``: case, spaces, underscores, dots, dashes, brackets and
    quotes do not count, so ``StageName``, ``stage_name`` and ``Stage Name`` are one. The column's
    own name is always a spelling. ``Header.2`` is the second column of that header. A spelling that
    begins with ``~`` is a regular expression over the header as written, case ignored; a named
    group in it fills the column of that name for the whole file (a currency inside a header).
    Earlier spellings win.
    """

    kind: str
    names: tuple[str, ...] = ()


def col(kind: str, *names: str) -> Field:
    """Declare a column: ``col("money", "Amount", "Сумма")``."""
    return Field(kind, names)


OWN = "own_"
"""Prefix of raw columns that workspace.yml fills over a contract: ``own_<canonical column>``."""


@dataclass(frozen=True)
class Table:
    """One kind of record that a system delivers, and so one raw table ``<system>__<name>``.

    Args:
        name: Own name, singular for objects of a system (``opportunity``).
        columns: Own snake_case name -> ``col(kind, spellings...)``; raw keeps them as text, and for
            times and numbers how the whole column is written.
        feeds: Canonical entities that its staging models fill. In the first one every row of the
            raw table has its row (kept, rejected or left out by a stated rule): reconciliation
            counts on it. Empty: read for reference only.
        recognised_by: Alternative sets of own columns, each a space-separated text; a file holds
            this table where all columns of one set are found. Choose what no other table has.
        key: Own column that identifies a record; a later content of a path upserts by it.
        amount: Own column that reconciliation adds up; staged as the ``amount`` of ``feeds[0]``.
            Several, apart by spaces: row by row the first that holds something.
        money_divisor: Units of the money columns in one whole unit (100 for cents, 1000000 for
            micros); staging divides ``money`` columns by it.
        event_on: Own column that dates a file's newest event.
        updated_at: Own column that orders versions of a record.
        file_names: Regular expressions over a file's name; they decide only between tables that the
            content leaves equal.
        records: Paths to the records of a JSON file, such as ``result.items``, ``result.result.*``
            (see ``json_records``). Empty: a list, or the only list of an object.
        paged_by: How an envelope tells its place among pages (``page_chains``): ``start`` (``next``
            and ``total`` of records), ``number`` (of the page, and a link to the next), ``after``
            (a mark of the next), ``locator`` (an address that ends in the place of the next
            record), ``more`` (whether there is a next). A delivery whose chain does not end is not
            full.
        flatten: Nested JSON objects become dotted columns (``Owner.Name``).
        custom_fields: JSON key of a list of custom fields with values (amoCRM's shape): each
            becomes a column ``field:<id>``, ``field:<code>`` and one by its name.
        header_within: The header may stand below a preamble, within the first so many lines.
        stop_at: A row whose first cell matches ends the table and is counted as a total line.
        drop: A row whose first cell matches is counted as a total line and left out.
        drop_any: A row with any such cell is a total line where it lacks the key (without a key: a
            column of ``recognised_by``).
        drop_without: A row in which these own columns (as many of them as the file has; apart by
            spaces) are all empty is a total line.
        utc_by: Own columns, apart by spaces, of which any one tells by its presence that times
            without an offset are UTC (a mark of a connector or of an API's own columns); a
            ``timezone`` of the source in workspace.yml wins.
        dotted_dates: Order of day and month in dates with dots (``dmy``) where no value of the file
            tells it.
        escape: Sign that may escape a quote inside quoted CSV fields; doubled quotes are read too.
        preamble: Regular expressions over the lines above the header, whose named groups fill the
            columns of those names for the whole file; earlier ones win, a day comes out as ISO.
        dated_by: Alternative sets of own columns that put rows on days. A file with none of them,
            neither as columns nor told above the header, is refused with the line to add.
        date_order: How the system writes dates that are not ISO, where workspace.yml says nothing.
        may_be_micros: Its money may stand in millionths, which the file does not say: numbers with
            a decimal sign are whole units, others need ``money_in_micros`` of the source.
    """

    name: str
    columns: dict[str, Field]
    feeds: tuple[str, ...] = ()
    recognised_by: tuple[str, ...] = ()
    key: str | None = None
    amount: str | None = None
    money_divisor: int = 1
    event_on: str | None = None
    updated_at: str | None = None
    file_names: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    paged_by: Literal["start", "number", "after", "locator", "more"] | None = None
    flatten: bool = False
    custom_fields: str | None = None
    header_within: int = 1
    stop_at: str | None = None
    drop: str | None = None
    drop_any: str | None = None
    drop_without: str | None = None
    utc_by: str | None = None
    dotted_dates: str | None = None
    escape: str | None = None
    preamble: tuple[str, ...] = ()
    dated_by: tuple[str, ...] = ()
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    may_be_micros: bool = False
    system: str = ""

    @property
    def relation(self) -> str:
        """Name of the raw table."""
        return f"{self.system}__{self.name}"

    @property
    def entity(self) -> str:
        """What its rows are counted as: the canonical entity they fill, else the table's name."""
        return self.feeds[0] if self.feeds else self.name

    @property
    def kinds(self) -> dict[str, str]:
        """Kind of every raw column, with those that a workspace may lay over the contract."""
        own = {name: column.kind for name, column in self.columns.items()}
        return own | {OWN + name: kind for name, kind in self.overlay.items()}

    @property
    def overlay(self) -> dict[str, str]:
        """Canonical columns that workspace.yml may map or set for this table, with their kinds."""
        if self.system == "files":
            return {}
        return {n: c.kind for entity in self.feeds for n, c in ENTITIES[entity].items()}

    def fits_by(self, found: set[str]) -> list[str]:
        """Return the first set of ``recognised_by`` that ``found`` covers, or nothing."""
        sets = (alternative.split() for alternative in self.recognised_by)
        return next((needed for needed in sets if set(needed) <= found), [])


@dataclass(frozen=True)
class Contract:
    """What one system delivers and which defaults its sources have.

    ``won_date``: where the day of a win comes from. ``leads_from_deals``: every deal is a lead too
    (``when_no_leads``: only where the source delivers none; ``staged``: always, and its own staging
    model says so row by row). ``lead_statuses`` and ``activity_types`` are laid under those of
    workspace.yml. ``wins_dated_by``: tables, or columns as ``table.column``, of which a source must
    deliver one for its wins to have a date at all; empty: they always may. ``is_vat_in_doubt``: its
    money may be with or without VAT, and only some files say which.
    """

    system: str
    tables: tuple[Table, ...]
    won_date: Literal["crm_close", "history"] = "crm_close"
    leads_from_deals: Literal["always", "never", "when_no_leads", "staged"] = "never"
    lead_converted_means: Literal["won"] | None = None
    wins_dated_by: tuple[str, ...] = ()
    lead_statuses: dict[str, str] = field(default_factory=dict)
    activity_types: dict[str, str] = field(default_factory=dict)
    is_vat_in_doubt: bool = False

    def table(self, name: str) -> Table:
        """Return a table by its name."""
        return next(table for table in self.tables if table.name == name)

    @property
    def entities(self) -> dict[str, list[Table]]:
        """Canonical entity -> the tables that fill it."""
        fed: dict[str, list[Table]] = {}
        for table in self.tables:
            for entity in table.feeds:
                fed.setdefault(entity, []).append(table)
        return fed


def fold(header: str | None) -> str:
    """Return a header as users' mappings compare it: trimmed, case-folded, inner spaces single."""
    return " ".join((header or "").replace("\ufeff", "").split()).casefold()


def tight(header: str | None) -> str:
    """Return a header as contracts compare it: without case, spaces and most punctuation."""
    text = fold(header)
    second = re.search(r"\.\d$", text)
    stem = text[: second.start()] if second else text
    return re.sub(r"[\s_\-.,:;/\\()\[\]\"'“”«»‘’]", "", stem) + (second.group() if second else "")
