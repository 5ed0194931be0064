"""Service contracts of "Ромашка": what customers pay month by month beside their orders.

What belongs here: which customers subscribe, to what, and what becomes of it. What does not: how
files are written (company), any figure that a test expects.

Planted truths: trials that cost nothing, yearly plans paid at once, second contracts, changes of
plan that are neither loss nor gain of a customer, price rises, contracts handed over when a seller
leaves, customers that leave and customers that come back.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

PLANS = (
    # product, name, monthly price, monthly cost
    ("S1", "Уход за мебелью", 4900, 2300),
    ("S2", "Уход и ремонт", 9900, 5200),
    ("S3", "Аренда кресел", 24900, 15100),
)
HEADERS = ["Подписка", "Клиент", "Тариф", "Начало", "Окончание", "Сумма", "Месяцев", "Менеджер"]
PRODUCT_HEADERS = ["id", "Название", "Категория", "Цена", "Себестоимость"]


def service_products() -> list[list]:
    """Return the rows of the price list of services; cost is per month."""
    return [[plan[0], plan[1], "Сервис", plan[2], plan[3]] for plan in PLANS]


def service_contracts(
    wins: list[tuple[str, str, date]],
    last: date,
    successors: dict[str, tuple[str, date]],
    rng: random.Random,
) -> list[list]:
    """Make the contracts of customers, one row per contract and price.

    Args:
        wins: (customer, seller, day) of won deals; the first of a customer counts.
        last: The last day of the exports.
        successors: By seller who left: who took over, and from which day.
        rng: Its own source of chance, so that other files do not change.

    Returns:
        Rows in the order of ``HEADERS``.
    """
    firsts: dict[str, tuple[str, date]] = {}
    for customer_id, manager_id, day in sorted(wins, key=lambda win: (win[2], win[0])):
        firsts.setdefault(customer_id, (manager_id, day))
    rows: list[list] = []
    number = 0
    for customer_id, (manager_id, day) in firsts.items():
        if rng.random() < 0.3:
            start = day + timedelta(days=rng.randrange(1, 40))
            for contract in _contracts(start, last, rng):
                number += 1
                for plan, begin, end, price, months in contract:
                    if begin <= last:
                        shown = end if end <= last else ""
                        row = [f"П{number:04d}", customer_id, plan, begin, shown]
                        rows += _handed_over([*row, price, months, manager_id], successors)
    return rows


def _contracts(start: date, last: date, rng: random.Random) -> list[list[tuple]]:
    """Let a customer subscribe, change, leave and come back until the exports end.

    Returns:
        Per contract its rows (plan, first day, first day without it, price, months paid at once).
    """
    made: list[list[tuple]] = []
    plan = rng.choices(PLANS, (6, 4, 2))[0]
    if rng.random() < 0.2:
        trial_end = start + timedelta(days=14)
        made.append([(plan[0], start, trial_end, 0, 1)])
        start = trial_end
    while start <= last:
        is_yearly = rng.random() < 0.18
        seats = rng.choices((1, 2, 4), (7, 2, 1))[0] if plan[0] == "S3" else 1
        price = round(plan[2] * seats * (12 * 0.9 if is_yearly else 1))
        months = 12 if is_yearly else 1
        end = start + timedelta(days=365 if is_yearly else int(rng.expovariate(1 / 700)) + 16)
        change = start + timedelta(days=rng.randrange(60, 300))
        fate = rng.random()
        if fate < 0.30 and change < end:  # another plan under the same contract
            other = rng.choice([p for p in PLANS if p != plan])
            made.append(
                [(plan[0], start, change, price, months), (other[0], change, end, other[2], 1)]
            )
            plan = other
        else:
            made.append([(plan[0], start, end, price, months)])
        if 0.30 <= fate < 0.45 and change < end:  # a second contract beside the first
            second_end = change + timedelta(days=rng.randrange(60, 400))
            made.append([(PLANS[0][0], change, second_end, PLANS[0][2], 1)])
        renews = rng.random()
        if renews < 0.30:  # the next contract on the day on which this one ends
            start = end
        elif renews < 0.48:  # back after a break
            start = end + timedelta(days=rng.randrange(45, 160))
        else:
            break
    return made


def _handed_over(row: list, successors: dict[str, tuple[str, date]]) -> list[list]:
    """Split a contract's row on the day on which another seller took over."""
    if row[7] not in successors:
        return [row]
    successor, since = successors[row[7]]
    if row[3] >= since:
        return [[*row[:7], successor]]
    if row[4] == "" or row[4] > since:
        return [[*row[:4], since, *row[5:]], [*row[:3], since, *row[4:7], successor]]
    return [row]
