"""The files of "Ромашка", an invented seller of office furniture: the same seed, the same bytes.

What belongs here: what the company sells, who sells it, and the habits of its exports. What does
not: any figure that a test expects (tests compute their own from the files).

Planted truths, for tests and for whoever learns the tool:

* ``VK Реклама`` brings leads that seldom qualify and seldom buy (bad leads, not weak selling);
* ``Соколов Игорь`` gets leads as good as anybody's and wins few of them (weak selling);
* December is strong, January and summer are weak; prices rise by 12 % on 2025-09-01;
* one seller is hired midway, one leaves midway, one changes team;
* some deals are brought or helped by partners, some wins are shared, some plans move out;
* the activities export of March 2026 has broken lines; some deals are reopened, deleted, merged;
  some leads are repeats of one contact; one file is delivered twice; an update arrives late.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from dagster_project.demo.goals import write_goals
from dagster_project.demo.pay import write_pay
from dagster_project.demo.subscriptions import (
    HEADERS,
    PRODUCT_HEADERS,
    service_contracts,
    service_products,
)
from dagster_project.errors import WorkspaceError
from dagster_project.settings import demo_settings, is_taken

SEED = 20261101
FIRST, LAST = date(2024, 11, 1), date(2026, 10, 20)
PRICE_RISE_ON = date(2025, 9, 1)
TEAMS = ("Москва", "Петербург", "Регионы")
MANAGERS = (
    # id, name, team, hired, left, skill (chance to win, relative), speed (minutes to first touch)
    ("M01", "Анна Петрова", "Москва", "2021-03-15", "", 1.25, 8),
    ("M02", "Борис Кузнецов", "Москва", "2020-09-01", "", 1.05, 14),
    ("M03", "Виктория Смирнова", "Москва", "2022-02-01", "", 1.15, 10),
    ("M04", "Игорь Соколов", "Москва", "2021-06-01", "", 0.45, 12),
    ("M05", "Дарья Волкова", "Москва", "2023-01-16", "", 1.00, 22),
    ("M06", "Евгений Морозов", "Петербург", "2020-04-01", "", 1.10, 16),
    ("M07", "Жанна Лебедева", "Петербург", "2022-08-15", "", 0.95, 30),
    ("M08", "Захар Новиков", "Петербург", "2021-11-01", "2026-01-30", 1.00, 25),
    ("M09", "Ирина Фёдорова", "Петербург", "2023-05-02", "", 1.20, 9),
    ("M10", "Кирилл Егоров", "Петербург", "2025-10-01", "", 0.90, 18),
    ("M11", "Лариса Павлова", "Регионы", "2019-07-01", "", 1.05, 20),
    ("M12", "Максим Степанов", "Регионы", "2022-03-01", "", 1.00, 35),
    ("M13", "Наталья Орлова", "Регионы", "2023-09-01", "", 1.10, 15),
    ("M14", "Олег Андреев", "Регионы", "2021-02-01", "", 0.95, 28),
)
TEAM_CHANGES = (("M05", "Регионы", "2026-02-01"),)
CHANNELS = (
    # name, share of leads, qualifies, win chance, spend a day, spellings seen in exports
    ("Яндекс Директ", 0.38, 0.62, 0.34, 9500, ("Яндекс Директ", "yandex", "Yandex.Direct")),
    ("VK Реклама", 0.27, 0.22, 0.11, 6200, ("VK Реклама", "vk")),
    ("Рекомендации", 0.15, 0.80, 0.52, 900, ("Рекомендации",)),
    ("Выставки", 0.20, 0.66, 0.38, 4100, ("Выставки", "Выставка")),
)
PRODUCTS = (
    ("P1", "Стол рабочий", "Столы", 14500, 8700),
    ("P2", "Стол переговорный", "Столы", 52000, 31000),
    ("P3", "Кресло «Бриз»", "Кресла", 11800, 6900),
    ("P4", "Кресло руководителя", "Кресла", 34900, 19800),
    ("P5", "Шкаф", "Хранение", 18900, 12100),
    ("P6", "Тумба", "Хранение", 6900, 4300),
    ("P7", "Перегородка", "Пространство", 23800, 15200),
    ("P8", "Проект и монтаж", "Услуги", 60000, 27000),
)
SEASON = (0.72, 0.95, 1.08, 1.05, 0.98, 0.84, 0.74, 0.78, 1.08, 1.12, 1.14, 1.42)
STAGES = ("Новая", "Квалификация", "Встреча", "КП отправлено", "Договор")
WON, LOST = "Успешно", "Отказ"
REASONS = ("Дорого", "Выбрали другого", "Пропала потребность", "Дубль")
PARTNERS = (
    # id, name, who looks after it, joined, tier, its share of the sale
    ("PA1", "Офис-Проект", "M01", "2023-02-01", "Золото", 0.12),
    ("PA2", "Интерьер Плюс", "M06", "2024-05-15", "Серебро", 0.08),
    ("PA3", "Строй-Альянс", "M11", "2024-09-01", "Серебро", 0.10),
    ("PA4", "Дизайн-бюро Линия", "M09", "2025-11-01", "Партнёр", 0.05),
)
FIRST_NAMES = ("Алексей", "Мария", "Сергей", "Ольга", "Дмитрий", "Елена", "Павел", "Татьяна")
FIRMS = ("Север", "Вектор", "Орион", "Каскад", "Меридиан", "Гранит", "Прогресс", "Аврора")


@dataclass
class _Company:
    rng: random.Random
    leads: list[list] = field(default_factory=list)
    deals: list[list] = field(default_factory=list)
    items: list[list] = field(default_factory=list)
    stages: list[list] = field(default_factory=list)
    activities: list[list] = field(default_factory=list)
    customers: list[list] = field(default_factory=list)
    payments: list[list] = field(default_factory=list)
    spend: list[dict] = field(default_factory=list)
    partner_of: dict[str, tuple[str, str]] = field(default_factory=dict)
    splits: list[list] = field(default_factory=list)
    changes: list[list] = field(default_factory=list)
    subscriptions: list[list] = field(default_factory=list)
    rates: list[tuple[date, float]] = field(default_factory=list)


def write_company(workspace: Path) -> dict[str, int]:
    """Write the demonstration company's raw files, its bonus plans and its goals.

    Args:
        workspace: A workspace folder; its workspace.yml is written where there is none.

    Returns:
        Rows written per entity.
    """
    company = _Company(random.Random(SEED))
    _make_rates(company)
    _make_leads_and_deals(company)
    _make_daily_activities(company)
    _make_spend(company)
    _make_partners(company)
    _make_splits(company)
    _make_changes(company)
    _make_subscriptions(company)
    _write(company, workspace / "raw")
    write_pay(workspace)
    write_goals(workspace)
    settings = workspace / "workspace.yml"
    if not settings.exists():
        settings.write_text(demo_settings(), encoding="utf-8")
    return {
        "leads": len(company.leads),
        "deals": len(company.deals),
        "activities": len(company.activities),
        "payments": len(company.payments),
        "spend": len(company.spend),
        "subscriptions": len(company.subscriptions),
    }


def require_own_folder(workspace: Path) -> None:
    """Refuse a folder of somebody else's: what is written would stand among, or over, its files.

    Raises:
        WorkspaceError: The folder holds something, and not the demonstration company's settings.
    """
    settings = workspace / "workspace.yml"
    if settings.is_file() and settings.read_bytes() == demo_settings().encode():
        return
    if is_taken(workspace):
        raise WorkspaceError(
            "writing the demonstration company",
            found="something else that is there already",
            expected="a folder that is new or empty, or holds the demonstration company",
            where=str(workspace),
            remedy="name another folder; nothing was written",
        )


def _days() -> list[date]:
    return [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


def _make_rates(company: _Company) -> None:
    rate = 92.0
    for day in [FIRST - timedelta(days=5), *_days()]:
        rate = max(74.0, min(105.0, rate + company.rng.gauss(-0.01, 0.45)))
        if day.weekday() < 5:
            company.rates.append((day, round(rate, 4)))


def _rate_on(company: _Company, day: date) -> float:
    return next(rate for known, rate in reversed(company.rates) if known <= day)


def _working(day: date) -> list[tuple]:
    shown = day.isoformat()
    return [m for m in MANAGERS if m[3] <= shown and (not m[4] or shown <= m[4])]


def _at(rng: random.Random, day: date, first: int = 9, last: int = 18) -> datetime:
    minute = rng.randrange(first * 60, last * 60)
    return datetime(day.year, day.month, day.day, minute // 60, minute % 60, rng.randrange(60))


def _make_leads_and_deals(company: _Company) -> None:
    rng = company.rng
    contacts: list[tuple[str, str, date]] = []
    number = 0
    for day in _days():
        weight = SEASON[day.month - 1] * (1.0 if day.weekday() < 5 else 0.35)
        for _ in range(_poisson(rng, 15.2 * weight)):
            number += 1
            channel = rng.choices(CHANNELS, [c[1] for c in CHANNELS])[0]
            manager = rng.choice(_working(day))
            is_repeat = contacts and rng.random() < 0.04
            recent = [c for c in contacts[-120:] if (day - c[2]).days < 25]
            if is_repeat and recent:
                phone, email, _ = rng.choice(recent)
            else:
                phone = f"+79{number:09d}"
                email = f"client{number}@example.com"
            contacts.append((phone, email, day))
            _make_lead(company, f"L{number:05d}", day, channel, manager, (phone, email))


def _make_lead(
    company: _Company, lead_id: str, day: date, channel: tuple, manager: tuple, contact: tuple
) -> None:
    rng = company.rng
    created = _at(rng, day, 8, 21)
    spelling = rng.choices(channel[5], [8] + [1] * (len(channel[5]) - 1))[0]
    is_answered = rng.random() < 0.93
    touched = created + timedelta(minutes=max(1.0, rng.expovariate(1 / manager[6])))
    if is_answered and touched.date() <= LAST:
        company.activities.append(
            ["call", touched, manager[0], "done", "out", rng.randrange(5, 420), "", lead_id]
        )
    qualified = touched + timedelta(days=rng.randrange(0, 4)) if is_answered else None
    is_qualified = bool(qualified and rng.random() < channel[2] and qualified.date() <= LAST)
    deal_id = ""
    if is_qualified and rng.random() < 0.56:
        deal_id = f"D{len(company.deals) + 1:05d}"
        _make_deal(company, deal_id, lead_id, qualified, channel, spelling, manager)
    status = "Квалифицирован" if is_qualified else rng.choice(("Новый", "В работе", "Брак"))
    company.leads.append(
        [
            lead_id,
            created,
            manager[0],
            spelling,
            f"{channel[0]} {created:%Y-%m}" if channel[0] != "Рекомендации" else "",
            status,
            qualified if is_qualified else "",
            deal_id,
            contact[0],
            contact[1],
        ]
    )


def _make_deal(
    company: _Company,
    deal_id: str,
    lead_id: str,
    opened: datetime,
    channel: tuple,
    spelling: str,
    manager: tuple,
) -> None:
    rng = company.rng
    customer_id = _customer(company, opened)
    price = 1.12 if opened.date() >= PRICE_RISE_ON else 1.0
    lines = rng.sample(PRODUCTS, rng.choices((1, 2, 3), (6, 3, 1))[0])
    is_usd = rng.random() < 0.07
    rate = _rate_on(company, opened.date()) if is_usd else 1.0
    amount = 0.0
    for product in sorted(lines):
        quantity = rng.randrange(1, 14) if product[0] != "P8" else 1
        unit = round(product[3] * price / rate, 2)
        discount = round(unit * quantity * rng.choice((0, 0, 0, 0.05, 0.1)), 2)
        amount += unit * quantity - discount
        cost = round(product[4] / rate, 2)
        company.items.append([deal_id, product[0], quantity, unit, discount, cost])
    chance = min(0.9, channel[3] / channel[2] * 0.95 * manager[5])
    is_won = rng.random() < chance
    length = max(1, int(rng.lognormvariate(3.2, 0.65)))
    closed = opened + timedelta(days=length, minutes=rng.randrange(400))
    steps = len(STAGES) if is_won else rng.randrange(1, len(STAGES) + 1)
    moment = opened
    reached = STAGES[0]
    for position, stage in enumerate(STAGES[:steps]):
        moment = opened + (closed - opened) * (position / (steps + 1))
        if moment.date() > LAST:
            break
        reached = stage
        company.stages.append([deal_id, stage, moment, manager[0]])
        if stage == "Встреча":
            company.activities.append(["meeting", moment, manager[0], "done", "", "", deal_id, ""])
        if stage == "КП отправлено":
            company.activities.append(
                ["proposal", moment, manager[0], "done", "out", "", deal_id, ""]
            )
    is_closed = closed.date() <= LAST
    final, reason = reached, ""
    if is_closed:
        final = WON if is_won else LOST
        reason = "" if is_won else rng.choices(REASONS, (4, 4, 3, 1))[0]
        company.stages.append([deal_id, final, closed, manager[0]])
    is_reopened = is_closed and is_won and rng.random() < 0.015
    reopened = closed + timedelta(days=rng.randrange(3, 30))
    if is_reopened and reopened.date() <= LAST:
        company.stages.append([deal_id, STAGES[-1], reopened, manager[0]])
        final = STAGES[-1]
    planned = opened.date() + timedelta(days=int(length * rng.uniform(0.7, 1.2)) + 1)
    company.deals.append(
        [
            deal_id,
            f"Сделка {deal_id[1:]}",
            "Основная",
            final,
            opened,
            closed if is_closed and final in (WON, LOST) else "",
            planned,
            round(amount, 2),
            "USD" if is_usd else "RUB",
            manager[0],
            customer_id,
            lead_id,
            spelling,
            reason,
            min(closed, datetime(LAST.year, LAST.month, LAST.day, 20)),
            "",
            "",
        ]
    )
    if final == WON:
        _make_payments(company, deal_id, customer_id, closed.date(), amount, is_usd)


def _customer(company: _Company, opened: datetime) -> str:
    rng = company.rng
    if company.customers and rng.random() < 0.22:
        return rng.choice(company.customers)[0]
    number = len(company.customers) + 1
    name = f"ООО «{rng.choice(FIRMS)}-{number}»"
    segment = rng.choices(("Малый", "Средний", "Крупный"), (6, 3, 1))[0]
    tax_id = str(7700000000 + number * 37)
    company.customers.append(
        [f"C{number:04d}", name, segment, rng.choice(TEAMS), opened.date(), tax_id]
    )
    return f"C{number:04d}"


def _make_payments(
    company: _Company, deal_id: str, customer_id: str, won: date, amount: float, is_usd: bool
) -> None:
    rng = company.rng
    parts = rng.choices(((1.0,), (0.5, 0.5), (0.7, 0.3)), (5, 3, 2))[0]
    for place, part in enumerate(parts):
        day = won + timedelta(days=rng.randrange(2, 20) + 25 * place)
        if day > LAST:
            continue
        paid = round(amount * part, 2)
        number = len(company.payments) + 1
        currency = "USD" if is_usd else "RUB"
        company.payments.append(
            [f"{number:05d}", day, paid, currency, deal_id, customer_id, "оплата"]
        )
        if rng.random() < 0.02 and day + timedelta(days=9) <= LAST:
            back = round(paid * rng.choice((0.2, 0.5, 1.0)), 2)
            company.payments.append(
                [
                    f"{number + 1:05d}",
                    day + timedelta(days=9),
                    back,
                    currency,
                    deal_id,
                    customer_id,
                    "возврат",
                ]
            )


def _make_daily_activities(company: _Company) -> None:
    """Fill the days of every seller with the work that no lead or deal names."""
    rng = company.rng
    for day in _days():
        if day.weekday() >= 5:
            continue
        for manager in _working(day):
            for _ in range(_poisson(rng, 6.6)):
                kind = rng.choices(("call", "email", "meeting", "other"), (70, 20, 6, 4))[0]
                seconds = max(3, int(rng.lognormvariate(4.3, 1.1))) if kind == "call" else ""
                state = "planned" if kind == "meeting" and rng.random() < 0.15 else "done"
                direction = rng.choice(("out", "out", "in")) if kind == "call" else ""
                company.activities.append(
                    [kind, _at(rng, day), manager[0], state, direction, seconds, "", ""]
                )
    company.activities.sort(key=lambda a: (a[1], a[2], a[0], a[6], a[7], str(a[5])))


def _make_spend(company: _Company) -> None:
    rng = company.rng
    for day in _days():
        for channel in CHANNELS:
            if channel[0] == "Выставки":
                if day.day == 15:
                    company.spend.append(
                        _cost(day, channel[0], 118000 * SEASON[day.month - 1], "event")
                    )
                continue
            money = channel[4] * SEASON[day.month - 1] * rng.uniform(0.85, 1.15)
            company.spend.append(_cost(day, channel[0], money, "ads", rng))
        if day.day == 5:
            company.spend.append(_cost(day, "", 240000, "salary"))


def _cost(
    day: date, channel: str, money: float, kind: str, rng: random.Random | None = None
) -> dict:
    row = {"date": day.isoformat(), "channel": channel or None, "kind": kind}
    row["cost"] = round(money, 2)
    if rng is not None:
        clicks = rng.randrange(40, 260)
        row |= {"clicks": clicks, "impressions": clicks * rng.randrange(18, 60)}
    return row


def _make_partners(company: _Company) -> None:
    """Say which deals partners brought or helped, by a state of its own: no other file moves."""
    rng = random.Random(SEED + 11)
    for deal in company.deals:
        opened = f"{deal[4]:%Y-%m-%d}"
        known = [p for p in PARTNERS if p[3] <= opened]
        if rng.random() < 0.14 and known:
            partner = rng.choices(known, [4, 3, 3, 2][: len(known)])[0]
            company.partner_of[deal[0]] = (
                partner[0],
                rng.choices(("sourced", "influenced"), (6, 4))[0],
            )


def _make_splits(company: _Company) -> None:
    """Share the credit for some wins: halves, 70 to 30, and thirds that a file can only round."""
    rng = random.Random(SEED + 13)
    won = [deal for deal in company.deals if deal[3] == WON]
    for place, deal in enumerate(sorted(rng.sample(won, 24), key=lambda d: d[0])):
        others = [m[0] for m in _working(deal[4].date()) if m[0] != deal[9]]
        shares = ((0.5, 0.5), (0.7, 0.3), (0.3333, 0.3333, 0.3333))[place % 3]
        people = [deal[9], *rng.sample(others, len(shares) - 1)]
        company.splits += [[deal[0], who, share] for who, share in zip(people, shares, strict=True)]


def _make_changes(company: _Company) -> None:
    """Write which plans and amounts stood before those that the deal has now."""
    rng = random.Random(SEED + 12)
    for deal in company.deals:
        deal_id, opened, planned, amount = deal[0], deal[4], deal[6], deal[7]
        until = min(deal[14], datetime(LAST.year, LAST.month, LAST.day, 20))
        days = (until - opened).days
        if days > 6 and rng.random() < 0.3:
            at = opened + timedelta(days=rng.randrange(3, days), minutes=rng.randrange(600))
            before = planned - timedelta(days=rng.randrange(5, 45))
            if before > opened.date() and at < until:
                company.changes.append([deal_id, "planned_close_on", before, planned, at])
        if days > 6 and rng.random() < 0.12:
            at = opened + timedelta(days=rng.randrange(2, days), minutes=rng.randrange(600))
            before = round(amount * rng.choice((0.8, 0.9, 1.15)), 2)
            if at < until:
                company.changes.append([deal_id, "amount", before, amount, at])
    company.changes.sort(key=lambda c: (c[4], c[0], c[1]))


def _make_subscriptions(company: _Company) -> None:
    wins = [(deal[10], deal[9], deal[5].date()) for deal in company.deals if deal[3] == WON]
    successors = {"M08": ("M06", date(2026, 1, 31))}
    rng = random.Random(SEED + 40)
    company.subscriptions = service_contracts(wins, LAST, successors, rng)


def _poisson(rng: random.Random, mean: float) -> int:
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


# -- how each system writes its exports ----------------------------------------------------------


def _write(company: _Company, raw: Path) -> None:
    rng = random.Random(SEED + 1)
    crm, books, ads = raw / "crm", raw / "books", raw / "ads"
    _write_managers(crm)
    _csv(
        crm / "customers.csv",
        ["id", "Компания", "Сегмент", "Регион", "Создана", "ИНН"],
        company.customers,
    )
    _csv(
        crm / "products.csv",
        ["id", "Название", "Категория", "Цена", "Себестоимость"],
        [list(p) for p in PRODUCTS],
    )
    headers = ["ID лида", "Создан", "Ответственный", "Источник", "Кампания", "Статус"]
    headers += ["Квалифицирован", "Сделка", "Телефон", "E-mail"]
    for year in ("2024", "2025", "2026"):
        rows = [lead for lead in company.leads if f"{lead[1]:%Y}" == year]
        _csv(crm / f"leads_{year}.csv", headers, rows)
    _write_deals(company, crm, rng)
    _csv(
        crm / "deal_items.csv",
        ["Сделка", "Товар", "Количество", "Цена", "Скидка", "Себестоимость"],
        company.items,
    )
    _csv(
        crm / "deal_stages.csv",
        ["Сделка", "Этап", "Вошла", "Ответственный"],
        company.stages,
    )
    headers = ["id", "Партнёр", "Менеджер", "С", "Уровень", "Доля"]
    _csv(crm / "partners.csv", headers, [list(p) for p in PARTNERS])
    _csv(crm / "deal_splits.csv", ["Сделка", "Сотрудник", "Доля"], company.splits)
    headers = ["Сделка", "Поле", "Было", "Стало", "Когда"]
    _csv(crm / "deal_changes.csv", headers, company.changes)
    _csv(crm / "products_service.csv", PRODUCT_HEADERS, service_products())
    _csv(crm / "subscriptions.csv", HEADERS, company.subscriptions)
    _write_activities(company, crm)
    _write_payments(company, books)
    lines = [f"{day:%d.%m.%Y};USD;{str(rate).replace('.', ',')}" for day, rate in company.rates]
    _text(books / "rates.csv", "\r\n".join(["Дата;Валюта;Курс", *lines]) + "\r\n", "cp1251")
    ads.mkdir(parents=True, exist_ok=True)
    told = "\n".join(json.dumps(row, ensure_ascii=False) for row in company.spend)
    _text(ads / "spend.ndjson", told + "\n", "utf-8")


def _write_managers(crm: Path) -> None:
    rows = [
        [m[0], m[1], m[2], m[3], m[4], f"{m[0].lower()}@romashka.example", ""] for m in MANAGERS
    ]
    names = {m[0]: m for m in MANAGERS}
    for manager_id, team, since in TEAM_CHANGES:
        m = names[manager_id]
        rows.append([m[0], m[1], team, m[3], m[4], f"{m[0].lower()}@romashka.example", since])
    headers = ["id", "ФИО", "Отдел", "Принят", "Уволен", "E-mail", "Действует с"]
    _csv(crm / "managers.csv", headers, rows)


def _write_deals(company: _Company, crm: Path, rng: random.Random) -> None:
    headers = ["ID", "Название", "Воронка", "Этап", "Создана", "Закрыта", "План закрытия", "Сумма"]
    headers += ["Валюта", "Ответственный", "Клиент", "Лид", "Источник", "Причина отказа"]
    headers += ["Изменена", "Удалена", "Объединена с", "Партнёр", "Роль партнёра"]

    def told(rows: list[list]) -> list[list]:
        return [[*row, *company.partner_of.get(row[0], ("", ""))] for row in rows]

    rows = [list(deal) for deal in company.deals]
    _csv(crm / "2026-10-01" / "deals.csv", headers, told([_as_of_september(row) for row in rows]))
    late = [row for row in rows if row[14] >= datetime(2026, 9, 20)]
    for row in rng.sample(rows[:1500], 6):
        late.append([*row[:14], datetime(2026, 10, 12, 10), "да", ""])
    for row, other in zip(rng.sample(rows[:1500], 4), rng.sample(rows[1500:2000], 4), strict=True):
        late.append([*row[:14], datetime(2026, 10, 12, 11), "", other[0]])
    late.append(late[0])  # the same row twice, as exports do
    _csv(crm / "2026-10-20" / "deals.csv", headers, told(late))
    again = (crm / "2026-10-01" / "deals.csv").read_bytes()
    (crm / "2026-10-01" / "deals (1).csv").write_bytes(again)


def _as_of_september(row: list) -> list:
    """Return the row as the export of 1 October had it: what came later was not known yet."""
    if row[14] < datetime(2026, 10, 1):
        return row
    return [*row[:3], STAGES[0], row[4], "", *row[6:13], "", row[4], "", ""]


def _write_activities(company: _Company, crm: Path) -> None:
    headers = ["id", "Тип", "Время", "Сотрудник", "Состояние", "Направление", "Секунд"]
    headers += ["Сделка", "Лид"]
    numbered = [[f"A{n:06d}", *row] for n, row in enumerate(company.activities, start=1)]
    for half in ("2024-2", "2025-1", "2025-2", "2026-1", "2026-2"):
        year, part = half.split("-")
        rows = [
            row
            for row in numbered
            if f"{row[2]:%Y}" == year and (row[2].month <= 6) == (part == "1")
        ]
        path = crm / "activities" / f"activities_{half}.csv"
        _csv(path, headers, rows)
        if half == "2026-1":
            _break_lines(path)


def _break_lines(path: Path) -> None:
    """Break a few lines the way a cut-off export does: an open quote, a lost field, a bad time."""
    lines = path.read_bytes().decode("utf-8").split("\r\n")
    march = [n for n, line in enumerate(lines) if ",2026-03-1" in line]
    lines[march[40]] = lines[march[40]].replace(",call,", ',"call,').replace(",email,", ',"email,')
    lines[march[80]] = ",".join(lines[march[80]].split(",")[:-2])
    for place in (120, 121, 122):
        cells = lines[march[place]].split(",")
        cells[2] = "2026-02-31 10:00:00"
        lines[march[place]] = ",".join(cells)
    _text(path, "\r\n".join(lines), "utf-8")


def _write_payments(company: _Company, books: Path) -> None:
    """Write payments the way an accounting system prints them: preamble, comma, total."""
    lines = ["Ведомость оплат", "ООО «Ромашка»", "№;Дата;Сумма;Валюта;Сделка;Контрагент;Вид"]
    total = 0.0
    for row in company.payments:
        total += row[2]
        amount = f"{row[2]:,.2f}".replace(",", " ").replace(".", ",")
        told = [row[3], f"crm:{row[4]}", f"crm:{row[5]}", row[6]]  # ids of the CRM, not its own
        lines.append(f"{row[0]};{row[1]:%d.%m.%Y};{amount};" + ";".join(told))
    lines.append(f"Итого;;{total:.2f};;;;".replace(".", ","))
    _text(books / "payments.csv", "\r\n".join(lines) + "\r\n", "cp1251")


def _csv(path: Path, headers: list[str], rows: list[list]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(headers)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    _text(path, buffer.getvalue(), "utf-8")


def _cell(value: object) -> object:
    return value.isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else value


def _text(path: Path, text: str, encoding: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode(encoding)
    if not path.exists() or path.read_bytes() != data:
        path.write_bytes(data)
