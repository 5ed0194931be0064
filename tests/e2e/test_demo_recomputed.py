"""Eleven KPIs of the demonstration company, computed again in plain Python from its raw files.

No SQL and nothing of the program takes part in what is expected: files are read with the csv
module, and each figure is summed cell by cell for every scope and grain that ``kpi_values`` has.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from statistics import median

import pytest

from tests.e2e.test_demo import files, living_deals, read, wins

__all__ = ["files", "living_deals", "wins"]  # fixtures
pytestmark = pytest.mark.e2e
FIRST_DAY, AS_OF = date(2024, 11, 1), date(2026, 10, 20)
CHANNELS = {"yandex": "яндекс директ", "yandex.direct": "яндекс директ", "vk": "vk реклама"}
CHANNELS |= {"выставка": "выставки"}
SUMS = ("booked_revenue", "won_deals", "new_leads", "calls", "spend", "new_customers")
RATIOS = {
    "win_rate": ("eligible_wins", "eligible_closes"),
    "average_check": ("check_amount", "check_deals"),
    "lead_conversion": ("converted_leads", "new_leads"),
    "cac": ("spend", "new_customers"),
}
GRAINS = ("day", "week", "month", "quarter", "year")


def channel_of(text: str | None) -> str:
    text = text or ""
    return CHANNELS.get(text.casefold(), text.casefold()) or "not_given"


def day_of(text: str) -> date:
    return datetime.fromisoformat(text).date()


def start_of(day: date, grain: str) -> date:
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return day.replace(month=1, day=1) if grain == "year" else day


def team_of(manager: str, day: date, people: list[dict]) -> str:
    versions = [p for p in people if p["id"] == manager]
    begun = [p for p in versions if not p["Действует с"] or p["Действует с"] <= f"{day}"]
    last = max(begun, key=lambda p: p["Действует с"])
    return last["Отдел"].casefold()


@dataclass(frozen=True)
class Fact:
    """One thing that happened, with where it counts."""

    measure: str
    day: date
    value: Decimal
    scopes: tuple[tuple[str, str], ...]


def placed(people, day, *, manager=None, channel=None, partner=None) -> tuple:
    """Return the scopes, products aside, that a fact belongs to."""
    scopes = [("company", "all")]
    if manager:
        scopes += [("manager", f"crm:{manager}"), ("team", team_of(manager, day, people))]
        scopes += [("strategy", "mass")]
    if channel:
        scopes += [("channel", channel)]
    if partner:
        scopes += [("partner", f"crm:{partner}")]
    return tuple(scopes)


def shares_of_products(files: Path, deals: dict[str, dict]) -> dict[str, dict[str, Decimal]]:
    """Deal -> product -> its share of the deal by lines' money, to six places, 1 in all."""
    merged = {
        row["ID"]: row["Объединена с"]
        for row in read(files / "crm" / "2026-10-20" / "deals.csv")
        if row["Объединена с"]
    }
    money: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in read(files / "crm" / "deal_items.csv"):
        line = Decimal(row["Количество"]) * Decimal(row["Цена"]) - Decimal(row["Скидка"] or 0)
        money[merged.get(row["Сделка"], row["Сделка"])][f"crm:{row['Товар']}"] += line
    shares: dict[str, dict[str, Decimal]] = {}
    for deal in deals:
        lines = sorted(money.get(deal, {}).items())
        if not lines:
            shares[deal] = {"not_given": Decimal(1)}
            continue
        whole = sum(amount for _, amount in lines)
        own = {
            product: (amount / whole).quantize(Decimal("0.000001"), ROUND_HALF_UP)
            for product, amount in lines[:-1]
        }
        own[lines[-1][0]] = 1 - sum(own.values(), Decimal(0))
        shares[deal] = own
    return shares


def deal_facts(files: Path, deals: dict[str, dict], wins: list) -> Iterator[Fact]:
    """What happened to deals, whole, and again for each product with its share."""
    shares = shares_of_products(files, deals)
    for deal, fact in whole_deal_facts(files, deals, wins):
        yield fact
        for product, share in shares[deal].items():
            is_sample = fact.measure == "cycle_days"  # a median takes the days as they are
            value = fact.value if is_sample else fact.value * share
            yield Fact(fact.measure, fact.day, value, (("product", product),))


def whole_deal_facts(files: Path, deals: dict[str, dict], wins: list) -> Iterator[tuple[str, Fact]]:
    people = read(files / "crm" / "managers.csv")
    channels = channels_of_deals(files, deals)
    rates = [
        (datetime.strptime(row["Дата"], "%d.%m.%Y").date(), Decimal(row["Курс"].replace(",", ".")))
        for row in read(files / "books" / "rates.csv", "cp1251", ";")
    ]

    def money(deal: str, day: date) -> Decimal:
        amount = Decimal(deals[deal]["Сумма"])
        if deals[deal]["Валюта"] != "USD":
            return amount
        rate = [value for known, value in rates if known <= day][-1]
        return (amount * rate).quantize(Decimal("0.0001"), ROUND_HALF_UP)

    def fact(measure: str, deal: str, day: date, value: Decimal | int) -> tuple[str, Fact]:
        row = deals[deal]
        where = placed(
            people,
            day,
            manager=row["Ответственный"],
            channel=channels[deal],
            partner=row["Партнёр"],
        )
        return deal, Fact(measure, day, Decimal(value), where)

    won_on: dict[str, date] = {}
    standing: dict[str, date] = {}
    for deal, day, sign in wins:
        if sign > 0:
            won_on[deal] = standing[deal] = day
        else:
            standing.pop(deal)
        yield fact("won_deals", deal, day, sign)
        yield fact("booked_revenue", deal, day, sign * money(deal, won_on[deal]))
    first: dict[str, tuple] = {}
    moments: dict[str, str] = {}
    lost: dict[str, str] = {}
    for row in read(files / "crm" / "deal_stages.csv"):
        name = {"Успешно": moments, "Отказ": lost}.get(row["Этап"])
        if name is not None:
            name[row["Сделка"]] = max(name.get(row["Сделка"], ""), row["Вошла"])
    for deal, day in standing.items():
        yield fact("eligible_wins", deal, day, 1)
        yield fact("eligible_closes", deal, day, 1)
        if money(deal, day) > 0:
            yield fact("check_deals", deal, day, 1)
            yield fact("check_amount", deal, day, money(deal, day))
        opened = day_of(deals[deal]["Создана"])
        if day >= opened:
            yield fact("cycle_days", deal, day, (day - opened).days)
        customer = deals[deal]["Клиент"]
        if customer:
            order = (day, moments.get(deal, ""), deal)
            first[customer] = min(first.get(customer, order), order)
    for day, _, deal in first.values():
        yield fact("new_customers", deal, day, 1)
    for deal, moment in lost.items():
        row = deals.get(deal)
        if row and row["Этап"] == "Отказ" and row["Причина отказа"] != "Дубль":
            yield fact("eligible_closes", deal, day_of(moment), 1)


def leads_with_heads(files: Path) -> tuple[list[dict], dict[str, str]]:
    """The leads by time, and lead -> the first of its chain of repeats."""
    leads = [r for year in (2024, 2025, 2026) for r in read(files / "crm" / f"leads_{year}.csv")]
    leads.sort(key=lambda row: (row["Создан"], row["ID лида"]))
    last_of, head_of = {}, {}
    for row in leads:
        day = day_of(row["Создан"])
        before = last_of.get(row["Телефон"])
        is_repeat = before is not None and (day - before[0]).days < 30
        head_of[row["ID лида"]] = before[1] if is_repeat else row["ID лида"]
        last_of[row["Телефон"]] = (day, head_of[row["ID лида"]])
    return leads, head_of


def channels_of_deals(files: Path, deals: dict[str, dict]) -> dict[str, str]:
    """A deal came by the channel of the first lead of its chain, else by its own."""
    leads, head_of = leads_with_heads(files)
    own = {row["ID лида"]: channel_of(row["Источник"]) for row in leads}
    found = {}
    for deal, row in deals.items():
        channel = own.get(head_of.get(row["Лид"], ""), "not_given")
        found[deal] = channel_of(row["Источник"]) if channel == "not_given" else channel
    return found


def lead_facts(files: Path, deals: dict[str, dict], wins: list) -> Iterator[Fact]:
    people = read(files / "crm" / "managers.csv")
    leads, head_of = leads_with_heads(files)
    state = {deal: sign > 0 for deal, _, sign in wins}
    clients = {head_of[deals[d]["Лид"]] for d, is_won in state.items() if is_won}
    for row in leads:
        if head_of[row["ID лида"]] != row["ID лида"]:
            continue
        day = day_of(row["Создан"])
        where = placed(
            people, day, manager=row["Ответственный"], channel=channel_of(row["Источник"])
        )
        yield Fact("new_leads", day, Decimal(1), where)
        if row["ID лида"] in clients:
            yield Fact("converted_leads", day, Decimal(1), where)


def call_facts(files: Path, deals: dict[str, dict]) -> Iterator[Fact]:
    people = read(files / "crm" / "managers.csv")
    leads, head_of = leads_with_heads(files)
    own = {row["ID лида"]: channel_of(row["Источник"]) for row in leads}
    source = {lead: own[head] for lead, head in head_of.items()}
    source |= channels_of_deals(files, deals)
    for path in sorted((files / "crm" / "activities").glob("*.csv")):
        for line in path.read_bytes().decode().split("\r\n")[1:]:
            cells = line.split(",")
            if len(cells) != 9 or '"' in line or cells[2].startswith("2026-02-31"):
                continue  # the planted broken lines
            if (cells[1], cells[4]) == ("call", "done"):
                day = day_of(cells[2])
                channel = source.get(cells[7]) or source.get(cells[8]) or "not_given"
                where = placed(people, day, manager=cells[3], channel=channel)
                yield Fact("calls", day, Decimal(1), where)


def spend_facts(files: Path) -> Iterator[Fact]:
    for line in (files / "ads" / "spend.ndjson").read_text(encoding="utf-8").splitlines():
        row = json.loads(line, parse_float=Decimal)
        where = (("company", "all"), ("channel", channel_of(row["channel"])))
        yield Fact("spend", date.fromisoformat(row["date"]), Decimal(row["cost"]), where)


@pytest.fixture(scope="module")
def told(demo, files, living_deals, wins) -> dict[tuple, list[Decimal]]:
    """(measure, scope type, scope, grain, first day) -> every value that counts there."""
    cells: dict[tuple, list[Decimal]] = defaultdict(list)
    for facts in (
        deal_facts(files, living_deals, wins),
        lead_facts(files, living_deals, wins),
        call_facts(files, living_deals),
        spend_facts(files),
    ):
        for fact in facts:
            if not FIRST_DAY <= fact.day <= AS_OF:
                continue
            for grain in GRAINS:
                start = start_of(fact.day, grain)
                for scope in fact.scopes:
                    cells[(fact.measure, *scope, grain, start)].append(fact.value)
    return dict(cells)


def published_cells(demo, kpi: str) -> dict[tuple, float | None]:
    return {
        tuple(key): value
        for *key, value in demo.rows(
            "select scope_type, scope_id, period_grain, period_start, value from marts.kpi_values "
            "where kpi_code = ?",
            [kpi],
        )
    }


def told_sum(values: list[Decimal]) -> Decimal:
    """Return the sum as kpi_values keeps it: to four places."""
    return sum(values, Decimal(0)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def differing(found: dict[tuple, float | None], expected: dict[tuple, float | None]) -> list:
    return [
        (key, value, expected.get(key))
        for key, value in found.items()
        if (value is None) != (expected.get(key) is None)
        or (value is not None and abs(value - expected[key]) > 1e-9 * max(1, abs(value)))
    ]


@pytest.mark.parametrize("kpi", SUMS)
def test_sums_are_those_of_the_files_at_every_scope_and_grain(demo, told, kpi):
    found = published_cells(demo, kpi)
    sums = {key[1:]: float(told_sum(v)) for key, v in told.items() if key[0] == kpi}
    assert differing(found, {key: sums.get(key, 0.0) for key in found}) == []
    scopes = {key[0] for key in found}
    missing = [k for k, v in sums.items() if v and k[0] in scopes and k not in found]
    assert missing == []
    assert len(found) > 500


@pytest.mark.parametrize("kpi", RATIOS)
def test_ratios_are_sums_over_sums_of_the_files_at_every_scope_and_grain(demo, told, kpi):
    above, below = RATIOS[kpi]
    found = published_cells(demo, kpi)
    expected: dict[tuple, float | None] = {}
    for key in found:
        denominator = told_sum(told.get((below, *key), []))
        numerator = told_sum(told.get((above, *key), []))
        expected[key] = float(numerator / denominator) if denominator else None
    assert differing(found, expected) == []
    assert sum(value is not None for value in found.values()) > 500


def test_the_median_cycle_is_that_of_the_files_at_every_scope_and_grain(demo, told):
    found = published_cells(demo, "cycle_days_median")
    expected = {key: told.get(("cycle_days", *key)) for key in found}
    assert differing(found, {k: float(median(v)) if v else None for k, v in expected.items()}) == []
    assert {key[2] for key in found} == {"week", "month", "quarter", "year"}


@pytest.mark.parametrize("kpi", SUMS)
@pytest.mark.parametrize("scope", ["team", "manager", "channel", "product", "strategy"])
def test_scopes_add_up_to_the_company_and_days_to_longer_periods(demo, kpi, scope):
    rows = demo.rows(
        "select scope_type, period_grain, period_start, numerator from marts.kpi_values "
        "where kpi_code = ? and scope_type in ('company', ?)",
        [kpi, scope],
    )
    sums: dict[tuple, Decimal] = defaultdict(Decimal)
    by_days: dict[tuple, Decimal] = defaultdict(Decimal)
    for scope_type, grain, start, value in rows:
        sums[scope_type, grain, start] += Decimal(value or 0)
        if grain == "day":
            for longer in GRAINS[1:]:
                by_days[scope_type, longer, start_of(start, longer)] += Decimal(value or 0)
    has_scope = any(row[0] == scope for row in rows)
    is_absent = (kpi == "spend" and scope != "channel") or (
        kpi in ("new_leads", "calls") and scope == "product"
    )
    assert has_scope != is_absent
    # a deal's products have shares of it, told to four places: up to 0.00005 a cell is rounding
    limit = Decimal("0.00005") * 40 if scope == "product" else Decimal("1e-9")
    for (scope_type, grain, start), value in sums.items():
        if has_scope and scope_type == "company":
            assert abs(sums[scope, grain, start] - value) <= limit, (grain, start)
        if grain != "day":
            whole = by_days[scope_type, grain, start]
            assert abs(whole - value) <= limit * 10, (scope_type, grain, start)


@pytest.mark.parametrize("strategy", ["mass", "large", "subscription", "partner"])
def test_the_summary_shows_the_first_kpis_of_the_companys_strategy(demo, strategy):
    from dataclasses import replace

    from dagster_project.summary import HEADLINE_LINES, headline

    workspace = demo.session.workspace
    config = workspace.config.model_copy(update={"strategy": strategy})
    shown = headline(replace(workspace, config=config), demo.folder)
    names = dict(demo.rows("select kpi_code, name_ru from marts.dim_kpi"))
    first = {
        "mass": ["booked_revenue", "paid_revenue", "gross_margin", "won_deals"],
        "large": ["booked_revenue", "gross_margin", "margin_rate", "average_check", "win_rate"],
        "subscription": ["mrr", "mrr_new", "mrr_expansion", "mrr_churned", "active_customers"],
        "partner": ["partner_revenue", "partner_margin", "partner_margin_rate"],
    }[strategy]
    lines = [name for name, _ in shown.rows]
    assert lines[: len(first)] == [names[code] for code in first]
    assert len(lines) <= HEADLINE_LINES
    assert len(set(lines)) == len(lines)
    assert shown.data["profile"][: len(first)] == first
    assert all(cells[0] for _, cells in shown.rows)
