"""What pay needs, read out of the marts: of a release, or of a run before it is published.

What belongs here: SQL over ``kpi.marts`` and the shapes of ``pay.inputs``. What does not: any rule
of pay, any formula of a KPI.

**Shape**: every function answers for all payees at once; nothing is read once per person.
**Source**: the file of marts is attached under the name ``kpi`` in a run, and a release's
``kpi.duckdb`` bears that name too, so one spelling serves both.
"""

from __future__ import annotations

import csv
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from dagster_project.errors import MappingMissing
from dagster_project.goals.shapes import adds_up_over_days
from dagster_project.names import match_name
from dagster_project.pay.checks import KpiTerms
from dagster_project.pay.feedback import DealSize
from dagster_project.pay.inputs import (
    Fact,
    Figure,
    Inputs,
    Knowledge,
    Payee,
    Period,
    Received,
    Reversal,
    Target,
)
from dagster_project.settings import project_root

WIN_TABLES = ("fct_deal_events", "fct_deal_credits")
"""Fact tables whose facts are wins and reversals of deals; their fact id is the deal's."""
TARGETS = "targets"
TARGET_COLUMNS = (
    "goal_id",
    "kind",
    "kpi_code",
    "scope_type",
    "scope_id",
    "period_grain",
    "period_start",
    "target_value",
    "version",
    "issued_on",
)
"""What is read of a table of goals, beside ``target_kind`` and ``approved_by``."""

DEAL_COUNTS_AS = {
    "booked_revenue": "revenue",
    "credited_revenue": "revenue",
    "gross_margin": "margin",
    "credited_margin": "margin",
    "won_deals": "count",
}
"""What one more win adds to KPIs that count wins whole, for feedback only."""


@dataclass(frozen=True)
class WinRow:
    """A win behind a figure, before a payee's inputs are put together."""

    kpi_code: str
    manager_id: str
    team_id: str
    fact: Fact


@dataclass(frozen=True)
class LossRow:
    """What a reopening takes off a figure, and the day of the win that it undoes."""

    kpi_code: str
    manager_id: str
    team_id: str
    deal_id: str
    spell: int
    occurred_on: date
    won_on: date | None
    amount: Decimal


class Marts:
    """The marts of one release or run, asked for what pay is worked out from.

    Args:
        connection: Has the marts attached as ``kpi``.
        low_sample_below: Fewer cases are a low sample, where a figure is put together by days.
        targets_table: Where goals stand within a run, before ``marts.targets`` is built.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        low_sample_below: int,
        targets_table: str | None = None,
    ) -> None:
        self.targets_table = targets_table
        self.connection = connection
        self.low_sample_below = low_sample_below
        rows = self._rows("select * from kpi.marts.dim_kpi order by sort_order")
        self.terms = {row["kpi_code"]: _terms_of(row) for row in rows}
        self._measures = {row["kpi_code"]: row["numerator_measure"] for row in rows}
        self._zero_rules = {row["kpi_code"]: row["zero_rule"] for row in rows}
        self._date_rules = {row["kpi_code"]: row["date_rule"] for row in rows}
        self._guarded = {row["kpi_code"] for row in rows if row["guard_minimum"]}
        self.has_payments = self.terms["paid_revenue"].is_available
        self._managers = self._read_managers()
        self._working: list[date] | None = None
        self._columns: dict[str, set[str]] = {}

    def _rows(
        self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        given = dict(values) if isinstance(values, Mapping) else list(values)
        found = self.connection.execute(sql, given)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def has_table(self, name: str) -> bool:
        """Tell whether the marts hold a table or a view."""
        return bool(self.columns_of(name))

    def columns_of(self, name: str) -> set[str]:
        """Return the columns of a table; empty where it is not there."""
        if not self._columns:  # DuckDB goes through every table of every file for one
            for row in self._rows(
                "select table_name, column_name from duckdb_columns() "
                "where database_name = 'kpi' and schema_name = 'marts'"
            ):
                self._columns.setdefault(row["table_name"], set()).add(row["column_name"])
        return self._columns.get(name, set())

    def measures(self) -> dict[str, tuple[str, ...]]:
        """Return the measures that each KPI divides or sums."""
        rows = self._rows(
            "select kpi_code, numerator_measure, denominator_measure from kpi.marts.dim_kpi"
        )
        return {
            row["kpi_code"]: tuple(
                m for m in (row["numerator_measure"], row["denominator_measure"]) if m
            )
            for row in rows
        }

    # -- people and days -------------------------------------------------------------------------

    def _read_managers(self) -> list[dict[str, Any]]:
        return self._rows(
            "select manager_id, manager_name, team_id, valid_from, valid_to, is_current, "
            "hired_on, left_on, strategy from kpi.marts.dim_manager "
            "where manager_id <> 'not_given' order by manager_id, valid_from"
        )

    def payee(self, manager_id: str, period: Period) -> Payee | None:
        """Return a manager as of the end of a period: name, team, days of employment.

        Returns:
            None where nothing that is delivered knows the manager any more.
        """
        own = [row for row in self._managers if row["manager_id"] == manager_id]
        if not own:
            return None
        current = next((row for row in own if row["is_current"]), own[-1])
        last_day = period.end - timedelta(days=1)
        if current["left_on"] is not None:
            last_day = min(last_day, current["left_on"])
        held = [row for row in own if row["valid_from"] <= last_day]
        return Payee(
            manager_id,
            current["manager_name"],
            (held or own)[-1]["team_id"],
            current["hired_on"],
            current["left_on"],
        )

    def managers(self) -> list[dict[str, Any]]:
        """Return the current version of every manager."""
        return [row for row in self._managers if row["is_current"]]

    def resolver(
        self, aliases: Mapping[str, str], as_published: Callable[[str], str] = str
    ) -> Callable[[str], str | None]:
        """Return what turns an id, a name, an e-mail or an alias into a manager's key.

        Args:
            aliases: Spelling -> name or ``<source>:<id>``, of the workspace.
            as_published: What turns a name into the published one (an e-mail into its mask).
        """
        rows = self._rows(
            "select manager_ref, manager_id, manager_name, is_id, email_marks "
            "from kpi.marts.dim_manager_ids"
        )
        by_spelling: dict[str, set[str]] = {}
        for row in rows:
            spellings = {row["manager_ref"], row["manager_id"], row["manager_name"]}
            if row["is_id"]:
                spellings.add(row["manager_ref"].split(":", 1)[1])
            for spelling in spellings - {None}:
                by_spelling.setdefault(match_name(spelling), set()).add(row["manager_id"])
        by_mark: dict[str, set[str]] = {}
        for row in rows:
            for mark in (row["email_marks"] or "").split():
                by_mark.setdefault(mark, set()).add(row["manager_id"])
        meant = {match_name(spelling): name for spelling, name in aliases.items()}

        def known(name: str) -> set[str]:
            published = as_published(name)
            found = by_spelling.get(match_name(name)) or by_spelling.get(match_name(published))
            return found or by_mark.get(published.rpartition(" #")[2].lower(), set())

        def resolve(reference: str) -> str | None:
            found = known(reference) or known(meant.get(match_name(reference), ""))
            if len(found) > 1:
                raise MappingMissing(
                    "reading who is paid by which plan",
                    found=f"`{reference}`, which means {len(found)} people: "
                    f"{', '.join(sorted(found))}",
                    expected="a reference to one person",
                    where="bonus/assignments.csv",
                    remedy="write the manager's key, one of those named",
                )
            return next(iter(found), None)

        return resolve

    def working_days(self, period: Period) -> tuple[date, ...]:
        """Return the working days of a period."""
        if self._working is None:
            rows = self._rows("select day from kpi.marts.dim_date where is_working order by day")
            self._working = [row["day"] for row in rows]
        first = bisect_left(self._working, period.start)
        return tuple(self._working[first : bisect_left(self._working, period.end)])

    def last_complete_day(self) -> date:
        """Return the last day that is over, as the marts see it."""
        return self._rows("select max(day) as day from kpi.marts.dim_date where is_complete")[0][
            "day"
        ]

    # -- figures ---------------------------------------------------------------------------------

    def figures(self, codes: Iterable[str], periods: Sequence[Period]) -> dict[tuple, Figure]:
        """Return figures of whole periods.

        Returns:
            By (period key, KPI, scope type, scope id), for managers, teams and the company.
        """
        codes = sorted(set(codes))
        if not codes or not periods:
            return {}
        rows = self._rows(
            f"select * from kpi.marts.kpi_values where kpi_code in ({_marks(codes)}) "
            "and scope_type in ('manager', 'team', 'company') and period_grain = ? "
            f"and period_start in ({_marks(periods)})",
            [*codes, periods[0].grain, *(p.start for p in periods)],
        )
        told = {}
        for row in rows:
            period = Period(row["period_grain"], row["period_start"], row["period_end"])
            key = (period.key, row["kpi_code"], row["scope_type"], row["scope_id"])
            told[key] = Figure(
                row["kpi_code"],
                row["scope_type"],
                row["scope_id"],
                row["numerator"],
                row["denominator"],
                _decimal(row["value"]),
                row["sample_size"] or 0,
                bool(row["is_low_sample"]),
                self._is_mature(row),
            )
        return told

    def _is_mature(self, row: Mapping[str, Any]) -> bool:
        if not self.terms[row["kpi_code"]].is_cohort:
            return True
        if row["is_mature"] is None:
            return row["numerator"] is not None  # NULL while the window of some lead is open
        return bool(row["is_mature"])

    def figure_of_days(
        self, code: str, scope: tuple[str, str], spans: Sequence[tuple[date, date]], whole: Figure
    ) -> Figure:
        """Return a figure of some days of a period, put together from its days.

        Medians, balances, what is counted over a whole period and what is known only where enough
        of a period's cases are (a day of its own may miss that) do not add up over days: they are
        those of the whole period.
        """
        terms = self.terms[code]
        adds_up = adds_up_over_days(terms.aggregation, terms.grains, self._date_rules[code])
        if not adds_up or code in self._guarded or not whole.is_mature:
            return whole
        within = " or ".join("(period_start >= ? and period_start < ?)" for _ in spans)
        (row,) = self._rows(
            "select sum(numerator) as numerator, sum(denominator) as denominator, "
            "coalesce(sum(sample_size), 0) as cases, count(*) as days from kpi.marts.kpi_values "
            "where kpi_code = ? and scope_type = ? and scope_id = ? and period_grain = 'day' "
            f"and ({within})",
            [code, *scope, *(day for span in spans for day in span)],
        )
        is_zero = terms.aggregation == "additive" and self._zero_rules[code] == "zero"
        numerator = row["numerator"]
        if numerator is None and is_zero and whole.numerator is not None:
            numerator = Decimal(0)
        cases = int(row["cases"])
        return Figure(
            code,
            scope[0],
            scope[1],
            numerator,
            row["denominator"],
            None,
            cases,
            terms.aggregation == "ratio" and cases < self.low_sample_below,
        )

    # -- wins ------------------------------------------------------------------------------------

    def wins(
        self, codes: Iterable[str], start: date, end: date
    ) -> tuple[list[WinRow], list[LossRow]]:
        """Return wins and reopenings behind additive figures, of a stretch of days.

        A deal that is reopened and won again on one day has one sum for both. What stands of it in
        the evening is the new win, what stood the evening before is the one that was undone.
        """
        measures = {
            self._measures[c]: c
            for c in sorted(set(codes) & set(self.terms))
            if self.terms[c].aggregation == "additive" and self._measures[c]
        }
        if not measures:
            return [], []
        rows = self._rows(
            """
            with events as (
                select deal_id, spell_number, event, occurred_on, occurred_at
                from kpi.marts.fct_deal_events where event in ('won', 'reversed')
            ),
            spells as (
                select deal_id, spell_number as spell,
                    max(case when event = 'won' then occurred_on end) as won_on,
                    max(case when event = 'won' then occurred_at end) as won_at,
                    max(case when event = 'reversed' then occurred_on end) as ended_on
                from events group by deal_id, spell_number
            ),
            reopened as (
                select distinct deal_id from events
                where event = 'reversed' and occurred_on >= $start and occurred_on < $end
            ),
            sums as (
                select measure_code, fact_id as deal_id, occurred_on, manager_id, team_id,
                    sum(value) as amount, bool_or(fact_table = 'fct_deal_credits') as is_shared
                from kpi.marts.kpi_events
                where list_contains($measures, measure_code)
                    and list_contains($tables, fact_table) and occurred_on < $end
                    and (occurred_on >= $start or fact_id in (select deal_id from reopened))
                group by measure_code, fact_id, occurred_on, manager_id, team_id
            ),
            evenings as (
                select *, sum(amount) over (
                    partition by measure_code, deal_id, manager_id, team_id order by occurred_on
                ) as stands
                from sums
            )
            select evenings.*, spells.spell, spells.won_on, spells.won_at, true as is_win
            from evenings inner join spells
                on evenings.deal_id = spells.deal_id and evenings.occurred_on = spells.won_on
            where evenings.occurred_on >= $start and (stands <> 0 or amount = 0)
                and (spells.ended_on is null or spells.ended_on > spells.won_on)
            union all
            select evenings.*, spells.spell, spells.won_on, spells.won_at, false
            from evenings inner join spells
                on evenings.deal_id = spells.deal_id and evenings.occurred_on = spells.ended_on
            where evenings.occurred_on >= $start and stands <> amount
                and (spells.won_on is null or spells.ended_on > spells.won_on)
            order by measure_code, occurred_on, deal_id, manager_id
            """,
            {"measures": [*measures], "tables": [*WIN_TABLES], "start": start, "end": end},
        )
        shares, whole = self._shares(), Decimal(1)
        won, lost = [], []
        for row in rows:
            code = measures[row["measure_code"]]
            who = (row["manager_id"], row["team_id"])
            if not row["is_win"]:
                taken = row["amount"] - row["stands"]
                told = (row["deal_id"], row["spell"], row["occurred_on"], row["won_on"], taken)
                lost.append(LossRow(code, *who, *told))
                continue
            fact = Fact(
                code,
                "manager",
                row["deal_id"],
                row["spell"],
                row["occurred_on"],
                row["won_at"],
                row["stands"],
                shares.get((row["deal_id"], row["manager_id"]), whole)
                if row["is_shared"]
                else whole,
            )
            won.append(WinRow(code, *who, fact))
        return won, lost

    def _shares(self) -> dict[tuple[str, str], Decimal]:
        if not self.has_table("fct_deal_splits"):
            return {}
        rows = self._rows(
            "select deal_id, manager_id, share from kpi.marts.fct_deal_splits "
            "where share is not null"
        )
        return {(row["deal_id"], row["manager_id"]): row["share"] for row in rows}

    def bad_splits(self, start: date, end: date) -> dict[str, str]:
        """Return, by manager, why pay is held: a rejected split of a deal won in these days."""
        if not self.has_table("fct_deal_splits"):
            return {}
        rows = self._rows(
            "select splits.manager_id, min(splits.deal_id) as deal_id, "
            "min(splits._source_file) as file_name, min(splits._source_row) as line "
            "from kpi.marts.fct_deal_splits as splits inner join kpi.marts.fct_deals as deals "
            "on splits.deal_id = deals.deal_id where splits.is_rejected and deals.won_on >= ? "
            "and deals.won_on < ? group by splits.manager_id",
            [start, end],
        )
        return {
            row["manager_id"]: f"the split of deal {row['deal_id']} does not add up to 1 "
            f"({row['file_name']}, row {row['line']})"
            for row in rows
        }

    # -- what comes back and what comes in -------------------------------------------------------

    def reversals(self) -> dict[str, list[Reversal]]:
        """Return, by deal, reopenings and refunds.

        A refund is of the last win up to its day; before any win it takes nothing back.
        """
        rows = self._rows(
            """
            with refunds as (
                select deal_id, paid_on, currency, -sum(amount_native) as native,
                    -sum(amount) as own
                from kpi.marts.fct_payments where kind = 'refund' and deal_id is not null
                group by deal_id, paid_on, currency
            )
            select deal_id, spell_number as spell, occurred_on, 'reopened' as kind,
                cast(1 as decimal(38, 4)) as part, cast(1 as decimal(38, 4)) as whole
            from kpi.marts.fct_deal_events where event = 'reversed'
            union all
            select refunds.deal_id, max(wins.spell_number), refunds.paid_on, 'refund',
                case when refunds.currency = deals.currency then refunds.native
                    else refunds.own end,
                case when refunds.currency = deals.currency then deals.amount_native
                    else deals.amount end
            from refunds
            inner join kpi.marts.fct_deals as deals on refunds.deal_id = deals.deal_id
            inner join kpi.marts.fct_deal_events as wins
                on refunds.deal_id = wins.deal_id and wins.event = 'won'
                and wins.occurred_on <= refunds.paid_on
            group by refunds.deal_id, refunds.paid_on, refunds.currency, refunds.native,
                refunds.own, deals.currency, deals.amount_native, deals.amount
            order by 1, 3, 4, 5
            """
        )
        told: dict[str, list[Reversal]] = {}
        for row in rows:
            if row["part"] is None or row["whole"] is None:
                continue  # no rate for that day: gate 2 has refused or will
            told.setdefault(row["deal_id"], []).append(Reversal(**row))
        return told

    def received(self) -> dict[str, list[Received]]:
        """Return, by deal, the money received for each of its wins, in the deal's currency.

        Refunds of a win stand apart (``reversals``); those before it have left nothing for it. A
        credit is paid out by what is refunded. Money in another currency counts at the deal's rate.
        """
        rows = self._rows(
            """
            with wins as (
                select deal_id, spell_number, occurred_on
                from kpi.marts.fct_deal_events where event = 'won'
            ),
            moved as (
                select payments.deal_id, payments.kind, payments.paid_on, deals.amount_native,
                    case when payments.currency = deals.currency then payments.amount_native
                        else cast(cast(payments.amount as double)
                            * cast(deals.amount_native as double)
                            / nullif(cast(deals.amount as double), 0) as decimal(38, 4))
                    end as amount
                from kpi.marts.fct_payments as payments
                inner join kpi.marts.fct_deals as deals on payments.deal_id = deals.deal_id
            )
            select wins.deal_id, wins.spell_number as spell, sum(moved.amount) as part,
                moved.amount_native as whole
            from wins
            inner join moved on wins.deal_id = moved.deal_id and (
                moved.kind <> 'refund' or moved.paid_on < wins.occurred_on
                or moved.amount_native < 0)
            group by wins.deal_id, wins.spell_number, moved.amount_native
            order by 1, 2
            """
        )
        told: dict[str, list[Received]] = {}
        for row in rows:
            if row["part"] is not None and row["whole"] is not None:
                told.setdefault(row["deal_id"], []).append(Received(**row))
        return told

    def win_days(self) -> dict[str, dict[int, date]]:
        """Return, by deal and spell, the day of each win, as far as anything still says so."""
        told: dict[str, dict[int, date]] = {}
        for row in self._rows(
            "select deal_id, spell_number, occurred_on from kpi.marts.fct_deal_events "
            "where event = 'won' order by deal_id, spell_number"
        ):
            told.setdefault(row["deal_id"], {})[row["spell_number"]] = row["occurred_on"]
        return told

    def deletions(self) -> dict[str, date]:
        """Return, by deal, the day on which its source deleted it."""
        if not self.has_table("fct_deal_deletions"):
            return {}
        rows = self._rows("select deal_id, deleted_on from kpi.marts.fct_deal_deletions")
        return {row["deal_id"]: row["deleted_on"] for row in rows}

    def usual_deals(self, as_of: date) -> dict[str, DealSize]:
        """Return, by manager, the median deal of the last year, with the margin it usually has."""
        rows = self._rows(
            """
            select manager_id,
                cast(quantile_disc(amount, 0.5) as decimal(18, 4)) as amount,
                sum(case when margin is not null then margin end) as margin,
                sum(case when margin is not null then amount end) as costed
            from kpi.marts.fct_deals
            where outcome = 'won' and amount > 0 and won_on > ? and won_on <= ?
            group by manager_id
            """,
            [as_of - timedelta(days=365), as_of],
        )
        told = {}
        for row in rows:
            margin = None
            if row["costed"]:
                margin = (row["amount"] * row["margin"] / row["costed"]).quantize(Decimal("0.0001"))
            told[row["manager_id"]] = DealSize(row["amount"], margin, DEAL_COUNTS_AS)
        return told

    # -- goals -----------------------------------------------------------------------------------

    def targets(self) -> list[Target]:
        """Return every version of every goal; empty where the marts hold no goals.

        The table is ``marts.targets``: one row per goal x version with ``TARGET_COLUMNS``, the
        value resolved (NULL while its baseline is unknown) and the scope's key resolved.
        """
        table = self.targets_table
        if table is None and not self.has_table(TARGETS):
            return []
        names = [*TARGET_COLUMNS, "target_kind", "approved_by"]
        rows = self._rows(f"select {', '.join(names)} from {table or f'kpi.marts.{TARGETS}'}")
        return [Target(**{**row, "target_value": _decimal(row["target_value"])}) for row in rows]


def knowledge_of(
    inputs: Inputs,
    before: Knowledge | None,
    *,
    reversals: Mapping[str, Sequence[Reversal]],
    received: Mapping[str, Sequence[Received]],
    win_days: Mapping[str, Mapping[int, date]],
    deletions: Mapping[str, date],
    as_of: date,
) -> Knowledge:
    """Return what is known now of a period's wins.

    A win that nothing tells of any more (deleted, merged away, its date moved out of the period)
    has come back whole: on the day of its deletion, else on which that was first noticed. A win is
    known by its day: an earlier one that a late history adds moves the numbers of all after it.

    Args:
        inputs: The period's inputs as frozen.
        before: What was known when the period was last stated.
        reversals: By deal, as the marts tell.
        received: By deal, as the marts tell.
        win_days: By deal and spell, as the marts tell.
        deletions: By deal, as the marts tell.
        as_of: The day of the marts.
    """
    period = inputs.period
    noticed = {
        (r.deal_id, r.spell): r.occurred_on
        for r in (before.reversals if before else ())
        if r.kind == "withdrawn"
    }
    back: set[Reversal] = set()
    money: set[Received] = set()
    for fact in inputs.facts:
        days = win_days.get(fact.deal_id, {})
        if not any(period.start <= day < period.end for day in days.values()):
            on = noticed.get(fact.key) or deletions.get(fact.deal_id, as_of)
            back.add(Reversal(*fact.key, on, "withdrawn", Decimal(1), Decimal(1)))
        spell = max((s for s, day in days.items() if day == fact.won_on), default=fact.spell)
        own = [r for r in reversals.get(fact.deal_id, ()) if r.spell == spell]
        paid = [r for r in received.get(fact.deal_id, ()) if r.spell == spell]
        back |= {replace(r, spell=fact.spell) for r in own}
        money |= {replace(r, spell=fact.spell) for r in paid}
    return Knowledge(
        tuple(sorted(back, key=lambda r: (r.deal_id, r.spell, r.occurred_on, r.kind, r.part))),
        tuple(sorted(money, key=lambda r: (r.deal_id, r.spell))),
        dict(before.ripened) if before else {},
    )


def _marks(values: Iterable[Any]) -> str:
    return ", ".join("?" for _ in values)


def _decimal(value: float | Decimal | None) -> Decimal | None:
    """Return a double as the decimal that it is written as, to ten places."""
    if value is None or isinstance(value, Decimal):
        return value
    return Decimal(repr(value)).quantize(Decimal("1e-10"))


def registry_terms() -> dict[str, KpiTerms]:
    """Return what pay must know of each KPI from the registry alone, before anything is computed.

    Whether a workspace can feed a KPI is not known here: all count as available.
    """
    path = project_root() / "dbt" / "seeds" / "kpi_registry.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    return {
        row["kpi_code"]: _terms_of(
            {
                **row,
                "can_be_paid": row["can_be_paid"] == "true",
                "needs_window": row["needs_window"] == "true",
                "ripeness_measure": row["ripeness_measure"] or None,
                "is_available": True,
                "unavailable_because": None,
            }
        )
        for row in rows
    }


def _terms_of(row: Mapping[str, Any]) -> KpiTerms:
    return KpiTerms(
        row["kpi_code"],
        row["unit"],
        row["direction"],
        row["aggregation"],
        frozenset((row["scopes"] or "").split(";")),
        frozenset((row["grains"] or "").split(";")),
        bool(row["can_be_paid"]),
        bool(row["needs_window"]) or row["ripeness_measure"] is not None,
        bool(row["is_available"]),
        row["unavailable_because"],
    )
