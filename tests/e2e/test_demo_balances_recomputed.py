"""Balances of the demonstration company, computed again in plain Python from its raw files.

MRR with its movements, what it keeps of a year and of a period, and the open pipeline of each
evening: no SQL and nothing of the program takes part in what is expected, at any scope and grain.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from tests.e2e.test_demo import files, living_deals, read, wins
from tests.e2e.test_demo_recomputed import (
    AS_OF,
    FIRST_DAY,
    channels_of_deals,
    day_of,
    differing,
    placed,
    published_cells,
    shares_of_products,
    start_of,
    told_sum,
)

__all__ = ["files", "living_deals", "wins"]  # fixtures
pytestmark = pytest.mark.e2e
FOREVER = date(9999, 12, 31)
DAY = timedelta(days=1)
MOVEMENTS = ("mrr_new", "mrr_expansion", "mrr_contraction", "mrr_churned", "mrr_reactivated")
RETENTION = {
    "grr": ("kept", "start"),
    "nrr": ("end_of_kept", "start"),
    "grr_trailing_12m": ("kept_a_year", "year_before"),
    "nrr_trailing_12m": ("end_of_kept_a_year", "year_before"),
    "logo_churn_rate": ("lost_customers", "customers_at_start"),
    "logo_retention_rate": ("kept_customers", "customers_at_start"),
    "arpa": ("mrr", "active_customers"),
}


def day_after_period(start: date, grain: str) -> date:
    months = {"month": 1, "quarter": 3, "year": 12}.get(grain)
    if months is None:
        return start + timedelta(days=7 if grain == "week" else 1)
    past = start.month - 1 + months
    return date(start.year + past // 12, past % 12 + 1, 1)


def periods(grain: str) -> Iterator[tuple[date, date]]:
    """Yield the first and the last day of each period, the last one up to the run's day."""
    start = start_of(FIRST_DAY, grain)
    while start <= AS_OF:
        end = day_after_period(start, grain)
        yield start, min(end - DAY, AS_OF)
        start = end


@dataclass(frozen=True)
class Spell:
    """A subscription at one price, on until the day before ``ended``."""

    subscription: str
    customer: str
    started: date
    ended: date
    price: Decimal
    manager: str

    def on(self, day: date) -> Decimal:
        return self.price if self.started <= day < self.ended else Decimal(0)


@pytest.fixture(scope="module")
def spells(files: Path) -> dict[str, list[Spell]]:
    """Customer -> its subscriptions; the next row of a subscription ends the one before."""
    rows: dict[str, list[dict]] = defaultdict(list)
    for row in read(files / "crm" / "subscriptions.csv"):
        rows[row["Подписка"]].append(row)
    found: dict[str, list[Spell]] = defaultdict(list)
    for name, versions in rows.items():
        versions.sort(key=lambda row: row["Начало"])
        for row, later in itertools.zip_longest(versions, versions[1:]):
            ended = date.fromisoformat(row["Окончание"]) if row["Окончание"] else FOREVER
            if later:
                ended = min(ended, date.fromisoformat(later["Начало"]))
            price = Decimal(row["Сумма"]) / Decimal(row["Месяцев"])
            found[row["Клиент"]].append(
                Spell(
                    name,
                    row["Клиент"],
                    date.fromisoformat(row["Начало"]),
                    ended,
                    price.quantize(Decimal("0.0001"), ROUND_HALF_UP),
                    row["Менеджер"],
                )
            )
    return found


def owner_at(spells: list[Spell], day: date) -> str:
    """Return whose the customer is: of the largest subscription that is on, else of the last."""
    begun = [spell for spell in spells if spell.started <= day]
    running = [spell for spell in begun if spell.on(day) or spell.started <= day < spell.ended]
    if running:
        return min(running, key=lambda s: (-s.price, -s.ended.toordinal(), s.subscription)).manager
    return max(begun, key=lambda s: (s.ended, s.price, s.started)).manager


@pytest.fixture(scope="module")
def channel_of_customer(files, living_deals, wins) -> dict[str, str]:
    """Customer -> the channel of the deal of its first win that stands."""
    standing: dict[str, tuple[date, str]] = {}
    for deal, day, sign in wins:
        if sign > 0:
            standing[deal] = (day, deal)
        else:
            standing.pop(deal)
    moments = {
        (row["Сделка"], row["Вошла"][:10]): row["Вошла"]
        for row in read(files / "crm" / "deal_stages.csv")
        if row["Этап"] == "Успешно"
    }
    channels = channels_of_deals(files, living_deals)
    first: dict[str, tuple] = {}
    for deal, (day, _) in standing.items():
        customer = living_deals[deal]["Клиент"]
        order = (day, moments.get((deal, f"{day}"), ""), deal)
        if customer:
            first[customer] = min(first.get(customer, order), order)
    return {customer: channels[order[2]] for customer, order in first.items()}


@pytest.fixture(scope="module")
def mrr(files, spells, channel_of_customer) -> dict[tuple, list[Decimal]]:
    """(measure, scope type, scope, grain, first day) -> every customer's part of it."""
    people = read(files / "crm" / "managers.csv")
    cells: dict[tuple, list[Decimal]] = defaultdict(list)
    for customer, own in spells.items():
        has_paid = False
        for grain in ("month", "quarter", "year"):
            for first, last in periods(grain):
                year_before = date((last + DAY).year - 1, (last + DAY).month, (last + DAY).day)
                start, end, past = (
                    sum((spell.on(day) for spell in own), Decimal(0))
                    for day in (first - DAY, last, year_before - DAY)
                )
                if not (start or end or past):
                    continue
                where = placed(
                    people,
                    last,
                    manager=owner_at(own, last),
                    channel=channel_of_customer.get(customer, "not_given"),
                )
                told = {
                    "mrr": end,
                    "active_customers": Decimal(end > 0),
                    "start": start,
                    "kept": min(start, end),
                    "end_of_kept": end if start else Decimal(0),
                    "customers_at_start": Decimal(start > 0),
                    "lost_customers": Decimal(start > 0 and not end),
                    "kept_customers": Decimal(start > 0 and end > 0),
                    "year_before": past,
                    "kept_a_year": min(past, end),
                    "end_of_kept_a_year": end if past else Decimal(0),
                }
                for measure, value in told.items():
                    for scope in where:
                        cells[(measure, *scope, grain, first)].append(value)
                if grain == "month":
                    for measure, value in moved(start, end, has_paid).items():
                        for scope, longer in itertools.product(where, ("month", "quarter", "year")):
                            cells[(measure, *scope, longer, start_of(first, longer))].append(value)
                    has_paid = has_paid or end > 0
    return dict(cells)


def moved(start: Decimal, end: Decimal, has_paid: bool) -> dict[str, Decimal]:
    """Return the movement of one customer in one month; none where it paid the same."""
    if not start:
        kind, value = "mrr_reactivated" if has_paid else "mrr_new", end
    elif not end:
        kind, value = "mrr_churned", start
    else:
        kind = "mrr_expansion" if end > start else "mrr_contraction"
        value = abs(end - start)
    return {kind: value} if value else {}


@pytest.mark.parametrize("kpi", ["mrr", "active_customers", *MOVEMENTS])
def test_mrr_and_its_movements_are_those_of_the_files_at_every_scope_and_grain(demo, mrr, kpi):
    found = published_cells(demo, kpi)
    sums = {key[1:]: float(told_sum(v)) for key, v in mrr.items() if key[0] == kpi}
    assert differing(found, {key: sums.get(key, 0.0) for key in found}) == []
    assert [key for key, value in sums.items() if value and key not in found] == []
    assert sum(value > 0 for value in found.values()) > 100
    assert {key[0] for key in found} == {"company", "team", "manager", "channel", "strategy"}


@pytest.mark.parametrize("kpi", RETENTION)
def test_what_is_kept_is_that_of_the_files_at_every_scope_and_grain(demo, mrr, kpi):
    above, below = RETENTION[kpi]
    found = published_cells(demo, kpi)
    expected: dict[tuple, float | None] = {}
    for key in found:
        denominator = told_sum(mrr.get((below, *key), []))
        numerator = told_sum(mrr.get((above, *key), []))
        expected[key] = float(numerator / denominator) if denominator else None
    assert differing(found, expected) == []
    assert sum(value is not None for value in found.values()) > 300


class Turns:
    """A value over time: each holds from its day on, the first one also before."""

    def __init__(self, turns: list[tuple[date, str]]) -> None:
        self.days = [day for day, _ in turns]
        self.values = [value for _, value in turns]

    def at(self, day: date) -> str:
        return self.values[max(bisect_right(self.days, day) - 1, 0)]


def evenings(turns: list[tuple[str, str]]) -> Turns:
    """Keep what stands in the evening of each day on which something changed."""
    last = {day_of(moment): value for moment, value in sorted(turns)}
    return Turns(sorted(last.items()))


@pytest.fixture(scope="module")
def pipeline(files, living_deals) -> dict[tuple, Decimal]:
    """(scope type, scope, day) -> money of the deals that are open in the evening of the day."""
    people = read(files / "crm" / "managers.csv")
    channels = channels_of_deals(files, living_deals)
    shares = shares_of_products(files, living_deals)
    rates = Turns(
        [
            (
                datetime.strptime(row["Дата"], "%d.%m.%Y").date(),
                Decimal(row["Курс"].replace(",", ".")),
            )
            for row in read(files / "books" / "rates.csv", "cp1251", ";")
        ]
    )
    stages: dict[str, list] = defaultdict(list)
    owners: dict[str, list] = defaultdict(list)
    for row in read(files / "crm" / "deal_stages.csv"):
        deal = row["Сделка"]
        stages[deal].append((row["Вошла"], row["Этап"]))
        owners[deal].append((row["Вошла"], row["Ответственный"]))
    amounts: dict[str, list] = defaultdict(list)
    for row in read(files / "crm" / "deal_changes.csv"):
        if row["Поле"] == "amount":
            amounts[row["Сделка"]].append((row["Когда"], row["Было"], row["Стало"]))

    teams: dict[tuple, tuple] = {}
    cells: dict[tuple, Decimal] = defaultdict(Decimal)
    for deal, record in living_deals.items():
        opened = day_of(record["Создана"])
        state = evenings([(record["Создана"], "Новая"), *stages[deal]])
        owner = evenings(owners[deal])
        changes = sorted(amounts[deal])
        money = evenings([(when, new) for when, _, new in changes]) if changes else None
        first = day_of(changes[0][0]) if changes else FOREVER
        day = opened
        while day <= AS_OF:
            if state.at(day) not in ("Успешно", "Отказ"):
                amount = Decimal(record["Сумма"])
                if money:
                    amount = Decimal(money.at(day) if day >= first else changes[0][1])
                if record["Валюта"] == "USD":
                    amount *= rates.at(day)
                manager = owner.at(day)
                if (manager, day) not in teams:
                    teams[manager, day] = placed(people, day, manager=manager)
                for scope in teams[manager, day]:
                    cells[(*scope, day)] += amount
                cells["channel", channels[deal], day] += amount
                if record["Партнёр"]:
                    cells["partner", f"crm:{record['Партнёр']}", day] += amount
                for product, share in shares[deal].items():
                    cells["product", product, day] += amount * share
            elif state.days[-1] <= day:
                break  # closed for good
            day += DAY
    return dict(cells)


def test_the_open_pipeline_is_that_of_the_files_at_every_scope_and_grain(demo, pipeline):
    found = published_cells(demo, "open_pipeline")
    expected: dict[tuple, float | None] = {}
    last_day = {
        (grain, first): last
        for grain in ("day", "week", "month", "quarter", "year")
        for first, last in periods(grain)
    }
    for key in found:
        scope_type, scope, grain, first = key
        day = last_day[grain, first]
        expected[key] = float(told_sum([pipeline.get((scope_type, scope, day), Decimal(0))]))
    assert differing(found, expected) == []
    days = {(*key[:2], key[3]) for key in found if key[2] == "day"}
    assert [key for key, value in pipeline.items() if value and key not in days] == []
    assert sum(value > 0 for value in found.values()) > 5000
    assert {key[0] for key in found} == {
        "company", "team", "manager", "channel", "product", "partner", "strategy"
    }  # fmt: skip
