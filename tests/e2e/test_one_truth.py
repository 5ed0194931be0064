"""One truth in seven files: 300 deals as seven systems write them give the same facts.

All seven are sources of one company, so that people, customers and channels must be conformed, too.
``LACKS`` is the whole list of what a format cannot tell; everything else must be equal.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest

from tests.conftest import Company, Published
from tests.fixtures.one_truth import (
    CHANNELS,
    COUNT,
    FIRMS,
    FORMATS,
    GENERIC_COLUMNS,
    OUTCOMES,
    PEOPLE,
    truth,
)

DEALS = truth()
PLAN, PLAN_OF_CLOSED, WON_ON, LOST_ON = "planned_on", "planned_on_of_closed", "won_on", "lost_on"
LACKS = {
    "salesforce_csv": {PLAN_OF_CLOSED},  # the close overwrites the plan in one field
    "hubspot_csv": {PLAN_OF_CLOSED},  # likewise
    "bitrix24_csv": {WON_ON, LOST_ON},  # only the planned close stands in it
    "amocrm_json": {PLAN, PLAN_OF_CLOSED},  # amoCRM has no planned close
    "amocrm_xlsx": {PLAN, PLAN_OF_CLOSED},
}


def told_by_the_truth() -> dict[str, dict[str, object]]:
    return {
        d.name: {
            "opened_on": d.opened_at.date(),
            "stage": d.stage,
            "outcome": d.outcome,
            "amount": d.amount,
            "manager": PEOPLE[d.owner],
            "customer": FIRMS[d.firm],
            "channel": CHANNELS[d.channel],
            WON_ON: d.close_day if d.outcome == "won" else None,
            LOST_ON: d.close_day if d.outcome == "lost" else None,
            PLAN: d.planned_on if d.outcome == "open" else None,
            PLAN_OF_CLOSED: d.planned_on if d.outcome != "open" else None,
        }
        for d in DEALS
    }


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    company = Company(tmp_path_factory.mktemp("one_truth") / "ws")
    company.settings["as_of"] = "2026-06-30"
    company.settings["stages"] = [{"stage": s, "outcome": o} for s, o in OUTCOMES.items()]
    company.settings["sources"] = {
        name: {"system": system} for name, (system, _) in FORMATS.items() if system != "files"
    }
    # without this line its wins have no date at all; with it the planned close stands for it
    company.settings["sources"]["bitrix24_csv"]["won_date"] = "crm_close"
    company.entity("deals", "", source="generic_xlsx", files="*", headers=GENERIC_COLUMNS)
    for name, (_, writer) in FORMATS.items():
        for file_name, content in writer(DEALS).items():
            company.file(file_name, content, source=name)
    return company.run()


@pytest.fixture(scope="module")
def told(published: Published) -> dict[str, dict[str, dict[str, object]]]:
    """Return what came out, by source and name of the deal."""
    rows = published.rows(
        "select deals.source_name, deals.deal_name, deals.opened_on, deals.stage_name, "
        "deals.outcome, deals.amount, managers.manager_name, customers.customer_name, "
        "deals.channel_name, deals.won_on, deals.lost_on, "
        "case when deals.outcome = 'open' then deals.planned_close_on end, "
        "case when deals.outcome <> 'open' then deals.planned_close_on end "
        "from marts.fct_deals as deals "
        "left join (select distinct manager_id, manager_name from marts.dim_manager) as managers "
        "using (manager_id) left join marts.dim_customer as customers using (customer_id)"
    )
    columns = list(next(iter(told_by_the_truth().values())))
    found: dict[str, dict[str, dict[str, object]]] = {name: {} for name in FORMATS}
    for source, deal, *values in rows:
        assert deal not in found[source], f"{deal} is doubled in {source}"
        found[source][deal] = dict(zip(columns, values, strict=True))
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_tells_the_truth_except_what_it_lacks(told, name):
    left_out = LACKS.get(name, set())
    expected = told_by_the_truth()
    assert len(told[name]) == COUNT
    wrong = Counter(
        column
        for deal, facts in expected.items()
        for column, value in facts.items()
        if column not in left_out and told[name][deal][column] != value
    )
    assert wrong == {}


@pytest.mark.parametrize(
    ("name", "column"), [(n, c) for n, cs in LACKS.items() for c in sorted(cs)]
)
def test_what_is_listed_as_lacking_is_truly_not_told(told, name, column):
    expected = told_by_the_truth()
    concerned = [deal for deal, facts in expected.items() if facts[column] is not None]
    assert any(told[name][deal][column] != expected[deal][column] for deal in concerned)


def test_a_person_and_a_customer_in_seven_sources_are_one(published):
    managers = "select count(distinct manager_id) from marts.fct_deals"
    assert published.one(managers) == len(PEOPLE)
    customers = "select count(distinct customer_id) from marts.fct_deals"
    assert published.one(customers) == len(FIRMS)


def test_each_month_holds_the_money_of_seven_sources_to_the_kopeck(published):
    """Six formats date a win by its close; the CSV of Bitrix24 by the plan, 5 to 7 days later."""
    expected: Counter[str] = Counter()
    for deal in DEALS:
        if deal.outcome == "won":
            expected[f"{deal.close_day:%Y-%m}-01"] += deal.amount * 6
            expected[f"{deal.planned_on:%Y-%m}-01"] += deal.amount
    rows = published.rows(
        "select cast(period_start as varchar), numerator from marts.kpi_values "
        "where kpi_code = 'booked_revenue' and period_grain = 'month' and scope_type = 'company' "
        "and numerator <> 0"
    )
    assert {month: Decimal(str(money)) for month, money in rows} == dict(expected)
