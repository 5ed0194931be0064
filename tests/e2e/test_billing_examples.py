"""Other people's subscriptions: dbt Labs' MRR playbook by its published definition, and Recurly.

The playbook's SQL is read below as plain Python, month by month; where our definition differs, the
test says why.
"""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest

from tests.conftest import EXAMPLES, Company, needs

pytestmark = [pytest.mark.e2e, pytest.mark.real_input]
PLAYBOOK = EXAMPLES / "mrr_playbook"
BILLING = EXAMPLES / "seeds_billing"
COLUMNS = {
    "subscription_id": "subscription_id",
    "customer_id": "customer_id",
    "started_on": "start_date",
    "ended_on": "end_date",
    "amount": "monthly_amount",
}

MORE = """\
subscription_id,customer_id,start_date,end_date,monthly_amount
901,2,2018-03-01,2018-05-01,25
902,999,2017-11-01,2018-02-01,40
"""
"""Two lines more: a customer of 2017 that comes back, and one that pays over New Year."""


def months(first: date, last: date) -> list[date]:
    """Return the first days of the months from ``first`` to ``last``."""
    return [
        date(n // 12, n % 12 + 1, 1)
        for n in range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    ]


def published_definition(rows: list[dict], spine: list[date]) -> dict[tuple[date, str], tuple]:
    """Classify customer months as the playbook does: (MRR, change, category).

    A month counts where start <= its first day < end. ``new`` is the first active month of the
    spine; ``churn`` the month after an active one; ``reactivation`` an active month after an
    inactive one.
    """
    periods = defaultdict(list)
    for row in rows:
        start, end = (date.fromisoformat(row[c]) for c in ("start_date", "end_date"))
        periods[row["customer_id"]].append((start, end, Decimal(row["monthly_amount"])))
    told = {}
    for customer, spans in periods.items():
        mrr = {m: sum((a for s, e, a in spans if s <= m < e), Decimal(0)) for m in spine}
        active = [m for m in spine if mrr[m] > 0]
        before = Decimal(0)
        for month in spine:
            now = mrr[month]
            category = None
            if active and month == active[0]:
                category = "new"
            elif now == 0 and before > 0:
                category = "churn"
            elif now > 0 and before == 0:
                category = "reactivation"
            elif now != before:
                category = "upgrade" if now > before else "downgrade"
            if now or before:
                told[month, customer] = (now, now - before, category)
            before = now
    return told


@pytest.fixture(scope="module")
def playbook_rows() -> list[dict]:
    if not PLAYBOOK.exists():
        pytest.skip("mrr_playbook is not beside the checkout")
    with (PLAYBOOK / "subscription_periods.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle)) + list(csv.DictReader(MORE.splitlines()))


@pytest.fixture(scope="module")
def playbook(playbook_rows, tmp_path_factory):
    company = Company(tmp_path_factory.mktemp("playbook") / "ws")
    company.settings |= {"as_of": "2020-03-31", "strategy": "subscription"}
    company.entity("subscriptions", "", files="*.csv", headers=COLUMNS)
    company.save()
    (company.directory / "raw" / "crm").mkdir(parents=True)
    shutil.copy(PLAYBOOK / "subscription_periods.csv", company.directory / "raw" / "crm")
    company.file("more.csv", MORE)
    return company.run()


def ours(playbook) -> dict[tuple[date, str], tuple]:
    names = {"new": "new", "expansion": "upgrade", "contraction": "downgrade"}
    names |= {"churned": "churn", "reactivated": "reactivation"}
    told = {}
    for month, customer, start, end, *moves in playbook.rows(
        "select month, customer_id, mrr_start, mrr_end, "
        + ", ".join(f"mrr_{name}" for name in names)
        + " from marts.fct_mrr_movements"
    ):
        kinds = [name for name, amount in zip(names.values(), moves, strict=True) if amount]
        assert len(kinds) <= 1
        category = kinds[0] if kinds else None
        told[month, customer.removeprefix("crm:")] = (end, end - start, category)
    return told


@needs(PLAYBOOK)
def test_movements_are_those_of_the_playbook_over_the_whole_history(playbook, playbook_rows):
    whole = published_definition(playbook_rows, months(date(2017, 9, 1), date(2020, 3, 1)))
    found = ours(playbook)
    assert found == whole
    assert {category for _, _, category in found.values()} == {
        None,
        "new",
        "churn",
        "reactivation",
        "upgrade",
        "downgrade",
    }


@needs(PLAYBOOK)
def test_only_customers_from_before_the_published_months_differ(playbook, playbook_rows):
    """The published months start in January 2018, the subscriptions in September 2017.

    So the playbook calls ``new`` who is only new to its months: 999, who paid already in December
    (no movement for us), and 2, who paid in 2017 and comes back (reactivated for us). Of the
    playbook's own lines none shows the difference.
    """
    published = published_definition(playbook_rows, months(date(2018, 1, 1), date(2020, 3, 1)))
    found = {key: told for key, told in ours(playbook).items() if key[0] >= date(2018, 1, 1)}
    assert published.keys() == found.keys()
    different = {
        key: (published[key], found[key]) for key in published if published[key] != found[key]
    }
    assert different == {
        (date(2018, 1, 1), "999"): ((40, 40, "new"), (40, 0, None)),
        (date(2018, 3, 1), "2"): ((25, 25, "new"), (25, 25, "reactivation")),
    }


@needs(PLAYBOOK)
def test_mrr_of_every_month_is_the_sum_of_what_runs(playbook, playbook_rows):
    for month in months(date(2017, 9, 1), date(2020, 3, 1)):
        expected = sum(
            Decimal(row["monthly_amount"])
            for row in playbook_rows
            if row["start_date"] <= month.isoformat() < row["end_date"]
        )
        assert playbook.kpi("mrr", month.isoformat()) == expected, month


@needs(BILLING)
def test_recurly_subscriptions_load_through_a_mapping_of_their_columns(tmp_path):
    """What a mapping reaches: one table. Stripe's prices stand apart from its subscriptions."""
    name = "recurly__subscription_history_data.csv"
    company = Company(tmp_path / "ws")
    company.settings |= {"as_of": "2022-08-31", "reporting_currency": "USD"}
    company.entity(
        "subscriptions",
        "",
        source="recurly",
        files=name,
        headers={
            "subscription_id": "id",
            "customer_id": "account_id",
            "started_on": "activated_at",
            "ended_on": "expires_at",
            "amount": "subtotal",
            "currency": "currency",
            "updated_at": "updated_at",
        },
    )
    company.save()
    (company.directory / "raw" / "recurly").mkdir(parents=True)
    shutil.copy(BILLING / name, company.directory / "raw" / "recurly")
    published = company.run()
    with (BILLING / name).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    newest = {}
    for row in sorted(rows, key=lambda r: r["updated_at"]):
        newest[row["id"], row["activated_at"][:10]] = row
    running = [
        row
        for row in newest.values()
        if row["activated_at"]
        and row["activated_at"][:10] <= "2022-08-31"
        and (not row["expires_at"] or row["expires_at"][:10] > "2022-08-31")
    ]
    assert running
    assert published.kpi("mrr", "2022-08-01") == float(sum(Decimal(r["subtotal"]) for r in running))
    assert published.kpi("active_customers", "2022-08-01") == len(
        {row["account_id"] for row in running if Decimal(row["subtotal"]) > 0}
    )
