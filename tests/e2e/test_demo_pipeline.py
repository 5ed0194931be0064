"""The pipeline, partners and credits of the demonstration company against an independent reading of
its files: plain Python, day by day, no SQL."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e
AS_OF = date(2026, 10, 20)
CLOSED = {"Успешно", "Отказ"}


def read(path: Path, encoding: str = "utf-8", delimiter: str = ",") -> list[dict]:
    with path.open(encoding=encoding, newline="") as handle:
        return list(csv.DictReader(handle, delimiter=delimiter))


def day_of(text: str) -> date:
    return datetime.fromisoformat(text).date()


class Story:
    """What the files tell of one deal, by the evening of any day."""

    def __init__(self, row: dict) -> None:
        self.row = row
        self.opened = day_of(row["Создана"])
        self.stages: list[tuple[str, str]] = []
        self.changes: dict[str, list[tuple[str, str, str]]] = defaultdict(list)

    def stage(self, day: date) -> str | None:
        known = [s for moment, s in sorted(self.stages) if day_of(moment) <= day]
        return known[-1] if known and day >= self.opened else None

    def is_open(self, day: date) -> bool:
        return self.stage(day) is not None and self.stage(day) not in CLOSED

    def value(self, field: str, day: date, column: str) -> str:
        told = sorted(self.changes[field])
        known = [new for moment, _, new in told if day_of(moment) <= day]
        return known[-1] if known else told[0][1] if told else self.row[column]

    def won_on(self) -> date | None:
        """Day of the win that stands on the run's day."""
        found, is_won = None, False
        for moment, stage in sorted(self.stages):
            if (stage == "Успешно") != is_won:
                is_won = not is_won
                found = day_of(moment) if is_won else None
        return found


@pytest.fixture(scope="module")
def raw(demo) -> Path:
    return demo.session.workspace.directory / "raw"


@pytest.fixture(scope="module")
def stories(raw) -> dict[str, Story]:
    newest: dict[str, dict] = {}
    for folder in ("2026-10-01", "2026-10-20"):
        for row in read(raw / "crm" / folder / "deals.csv"):
            if row["ID"] not in newest or row["Изменена"] >= newest[row["ID"]]["Изменена"]:
                newest[row["ID"]] = row
    told = {
        key: Story(row)
        for key, row in newest.items()
        if not row["Удалена"] and not row["Объединена с"]
    }
    for row in read(raw / "crm" / "deal_stages.csv"):
        deal = row["Сделка"]
        if deal in told:
            told[deal].stages.append((row["Вошла"], row["Этап"]))
    for row in read(raw / "crm" / "deal_changes.csv"):
        if row["Сделка"] in told:
            change = (row["Когда"], row["Было"], row["Стало"])
            told[row["Сделка"]].changes[row["Поле"]].append(change)
    return told


@pytest.fixture(scope="module")
def rates(raw) -> list[tuple[date, Decimal]]:
    return [
        (datetime.strptime(row["Дата"], "%d.%m.%Y").date(), Decimal(row["Курс"].replace(",", ".")))
        for row in read(raw / "books" / "rates.csv", "cp1251", ";")
    ]


def in_roubles(amount: Decimal, currency: str, day: date, rates: list) -> Decimal:
    return amount if currency == "RUB" else amount * [r for known, r in rates if known <= day][-1]


def month_ends() -> list[date]:
    firsts = [date(2024 + n // 12, n % 12 + 1, 1) for n in range(11, 34)]
    return [*(day - timedelta(days=1) for day in firsts if day <= AS_OF), AS_OF]


def published(demo, code: str, scope: str, grain: str = "month") -> dict[tuple, tuple]:
    return {
        (start, who): (numerator, denominator)
        for start, who, numerator, denominator in demo.rows(
            "select period_start, scope_id, numerator, denominator from marts.kpi_values "
            "where kpi_code = ? and scope_type = ? and period_grain = ?",
            [code, scope, grain],
        )
    }


def test_the_open_pipeline_of_every_month_end_and_seller(demo, stories, rates):
    for day in month_ends():
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for story in stories.values():
            if story.is_open(day):
                native = Decimal(story.value("amount", day, "Сумма"))
                money = in_roubles(native, story.row["Валюта"], day, rates)
                amounts["crm:" + story.row["Ответственный"]] += money
        found = {
            who: float(numerator)
            for (start, who), (numerator, _) in published(demo, "open_pipeline", "manager").items()
            if start == day.replace(day=1) and numerator
        }
        assert found == pytest.approx({k: float(v) for k, v in amounts.items()}, abs=0.001)
        whole = published(demo, "open_pipeline", "company")[day.replace(day=1), "all"][0]
        assert float(whole) == pytest.approx(float(sum(amounts.values())), abs=0.001)


def test_open_deals_of_every_day_by_stage(demo, stories):
    expected: dict[tuple[date, str], int] = defaultdict(int)
    for day in (date(2026, 2, 1) + timedelta(days=n) for n in range(60)):
        for story in stories.values():
            if story.is_open(day):
                expected[day, story.stage(day)] += 1
    found = demo.rows(
        "select day, stage_name, sum(deal_count) from marts.fct_pipeline_daily "
        "where day between '2026-02-01' and '2026-04-01' group by 1, 2"
    )
    assert {(day, stage): int(count) for day, stage, count in found} == dict(expected)


def test_the_day_before_and_what_came_and_went_give_the_day(demo, stories):
    """Start + opened or reopened - closed = end, for every day of the company."""
    moves = dict.fromkeys((AS_OF - timedelta(days=n) for n in range(400)), 0)
    for story in stories.values():
        was_open = story.is_open(min(moves) - timedelta(days=1))
        for day in sorted(moves):
            is_open = story.is_open(day)
            moves[day] += is_open - was_open
            was_open = is_open
    counts = dict(
        demo.rows("select day, sum(deal_count) from marts.fct_pipeline_daily group by day")
    )
    for day, step in moves.items():
        assert counts[day] - counts[day - timedelta(days=1)] == step, day


def test_the_grain_of_the_pipeline_holds_and_every_scope_has_the_whole(demo):
    assert (
        demo.rows(
            "select count(*) from marts.fct_pipeline_daily group by day, pipeline, stage_name, "
            "manager_id, channel_id, product_id, partner_id having count(*) > 1"
        )
        == []
    )
    for code in ("open_pipeline", "weighted_pipeline", "unpaid_won_amount"):
        whole = published(demo, code, "company")
        for scope in ("team", "manager", "channel", "product", "strategy"):
            parts: dict[date, Decimal] = defaultdict(Decimal)
            for (start, _), (numerator, _) in published(demo, code, scope).items():
                parts[start] += numerator or 0
            for (start, _), (numerator, _) in whole.items():
                assert float(parts[start]) == pytest.approx(float(numerator), abs=0.01)


def test_weighted_pipeline_lies_between_nothing_and_the_whole(demo):
    whole = published(demo, "open_pipeline", "company")
    weighted = published(demo, "weighted_pipeline", "company")
    assert all(0 <= weighted[key][0] <= whole[key][0] for key in whole)
    assert (
        demo.rows(
            "select * from marts.win_probability where probability not between 0 and 1 "
            "or wins > deals or age_from >= age_to"
        )
        == []
    )


def test_slippage_of_every_month(demo, stories):
    known_from = min(
        day_of(moment)
        for story in stories.values()
        for moment, _, _ in story.changes["planned_close_on"]
    )
    found = published(demo, "slippage_rate", "company")
    checked = 0
    for day in month_ends():
        start = day.replace(day=1)
        if start < known_from:
            continue
        after = (start + timedelta(days=32)).replace(day=1)
        eve = start - timedelta(days=1)
        due = [
            story
            for story in stories.values()
            if story.is_open(eve)
            and start
            <= date.fromisoformat(story.value("planned_close_on", eve, "План закрытия"))
            < after
        ]
        slipped = [
            story
            for story in due
            if story.is_open(day)
            and date.fromisoformat(story.value("planned_close_on", day, "План закрытия")) >= after
        ]
        assert found[start, "all"] == (len(slipped), len(due)), start
        checked += bool(slipped)
    assert checked > 10


def test_active_partners_of_every_month_end(demo, stories):
    found = published(demo, "active_partners", "company")
    for day in month_ends():
        active = {
            story.row["Партнёр"]
            for story in stories.values()
            for event in (story.opened, story.won_on())
            if story.row["Партнёр"] and event and day - timedelta(days=90) < event <= day
        }
        assert found[day.replace(day=1), "all"][0] == len(active)


def test_credited_revenue_of_every_seller_and_year(demo, raw, stories, rates):
    """Wins that were never reopened; the others have a test of their own, on a few rows."""
    shares: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for row in read(raw / "crm" / "deal_splits.csv"):
        shares[row["Сделка"]][row["Сотрудник"]] = Decimal(row["Доля"])
    expected: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for deal, story in stories.items():
        owner, is_won = story.row["Ответственный"], False
        amount, rate_day = Decimal(story.row["Сумма"]), None
        for moment, stage in sorted(story.stages):
            if (stage == "Успешно") == is_won:
                continue
            is_won = not is_won
            day = day_of(moment)
            rate_day = day if is_won else rate_day
            money = in_roubles(amount, story.row["Валюта"], rate_day, rates)
            split = shares.get(deal) or {owner: Decimal(1)}
            left = 1 - sum(split.values())
            for who, share in split.items():
                part = share + (left if who == owner else 0)
                year = date(day.year, 1, 1)
                expected[year, "crm:" + who] += (1 if is_won else -1) * part * money
    found = {
        key: float(numerator)
        for key, (numerator, _) in published(demo, "credited_revenue", "manager", "year").items()
        if numerator
    }
    assert found == pytest.approx({k: float(v) for k, v in expected.items()}, abs=0.01)
    assert len(shares) == 24


def test_unpaid_wins_on_the_day_of_the_run(demo, raw, stories, rates):
    paid: dict[str, Decimal] = defaultdict(Decimal)
    lines = (raw / "books" / "payments.csv").read_bytes().decode("cp1251").splitlines()
    for row in csv.DictReader(lines[2:-1], delimiter=";"):
        amount = Decimal(row["Сумма"].replace(" ", "").replace(",", "."))
        sign = -1 if row["Вид"] == "возврат" else 1
        paid[row["Сделка"].removeprefix("crm:")] += sign * amount
    expected = Decimal(0)
    for deal, story in stories.items():
        won = story.won_on()
        if won:
            owed = max(Decimal(0), Decimal(story.row["Сумма"]) - max(Decimal(0), paid[deal]))
            expected += in_roubles(owed, story.row["Валюта"], won, rates)
    found = published(demo, "unpaid_won_amount", "company")[date(2026, 10, 1), "all"][0]
    assert float(found) == pytest.approx(float(expected), abs=1)


def test_stage_conversion_of_a_month_and_of_the_sellers(demo, stories):
    order = ["Новая", "Квалификация", "Встреча", "КП отправлено", "Договор", "Успешно"]
    cohort = [s for s in stories.values() if (s.opened.year, s.opened.month) == (2026, 3)]
    for place, stage in enumerate(order[:-1]):
        entered = [s for s in cohort if stage in {name for _, name in s.stages}]
        further = [
            s
            for s in entered
            if max(order.index(name) for _, name in s.stages if name in order) > place
        ]
        won = [s for s in entered if s.won_on()]
        found = demo.rows(
            "select entered, moved_on, won from marts.stage_conversion where stage_name = ? "
            "and scope_type = 'company' and opened_month = '2026-03-01'",
            [stage],
        )
        assert found == [(len(entered), len(further), len(won))]
    broken = demo.rows(
        "select whole.stage_name from (select * from marts.stage_conversion "
        "where scope_type = 'company') as whole inner join (select pipeline, stage_name, "
        "opened_month, sum(entered) as entered from marts.stage_conversion "
        "where scope_type = 'product' group by all) as parts "
        "using (pipeline, stage_name, opened_month) "
        "where abs(whole.entered - parts.entered) > 0.001"
    )
    assert broken == []
