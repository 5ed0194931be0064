"""Bitrix24 in its other spellings: crm.item.list and exports of the interface."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Company, Published
from tests.fixtures.bitrix24 import DEALS, EXPORT, FEB, JAN, MAR, NAMED_STAGES, page


def item(number: int, stage: str, semantics: str, amount: Any, moved: str, **more: Any) -> dict:
    """Spell a row of crm.item.list: camel case, numbers are numbers."""
    return {
        "id": number,
        "entityTypeId": 2,
        "title": f"Сделка {number}",
        "categoryId": int(stage[1]) if stage.startswith("C") else 0,
        "stageId": stage,
        "stageSemanticId": semantics,
        "isRecurring": "N",
        "opportunity": amount,
        "currencyId": "RUB",
        "leadId": 0,
        "companyId": None,
        "contactId": 0,
        "closedate": "2026-06-30T03:00:00+03:00",
        "assignedById": 17,
        "createdTime": "2026-01-05T10:00:00+03:00",
        "updatedTime": moved,
        "movedTime": moved,
        "sourceId": "WEB",
    } | more


def figures(published: Published) -> list[tuple]:
    return published.rows(
        "select kpi_code, scope_type, scope_id, period_grain, cast(period_start as varchar), "
        "cast(numerator as double), cast(denominator as double) from marts.kpi_values order by all"
    )


def test_both_spellings_of_the_api_give_the_same_figures(portal: Company, tmp_path):
    portal.file("deals.json", page(DEALS[:5], total=5))
    other = Company(tmp_path / "other")
    other.settings = dict(portal.settings)
    rows = [
        item(
            int(d["ID"]),
            d["STAGE_ID"],
            d["STAGE_SEMANTIC_ID"],
            float(d["OPPORTUNITY"]),
            d["MOVED_TIME"],
        )
        for d in DEALS[:5]
    ]
    other.file("items.json", page({"items": rows}, total=5))
    assert figures(other.run()) == figures(portal.run())


def test_items_of_a_smart_process_are_no_deals(portal: Company):
    won = "2026-02-03T10:00:00+03:00"
    portal.file("d.json", page({"items": [item(1, "WON", "S", 10, won)]}))
    smart = item(1, "DT128_10:SUCCESS", "S", 999, won, entityTypeId=128)
    portal.file("s.json", page({"items": [smart]}))
    published = portal.run()
    assert published.kpi("booked_revenue", FEB) == 10
    assert published.one("select count(*) from marts.fct_deals") == 1


def test_wins_of_an_export_are_undated_until_the_planned_close_may_stand_for_them(portal: Company):
    portal.settings["stages"] = NAMED_STAGES
    portal.file("DEAL_20260331.csv", EXPORT.encode("cp1251"))
    published = portal.run()
    because = dict(
        published.rows(
            "select kpi_code, unavailable_because from marts.dim_kpi where not is_available"
        )
    )
    for code in ("booked_revenue", "won_deals", "lost_deals", "win_rate", "average_check"):
        assert "won_date: crm_close" in because[code]
    assert published.one("select count(*) from marts.kpi_values where kpi_code = 'won_deals'") == 0
    assert published.rows(
        "select value, reason_code from ops.quarantine where reason_code = 'undated_win'"
    ) == [(None, "undated_win"), (None, "undated_win")]
    portal.settings["sources"]["crm"]["won_date"] = "crm_close"
    published = portal.run()
    assert published.kpi("booked_revenue", FEB) == 126235.0
    assert published.kpi("win_rate", FEB) == pytest.approx(2 / 3)


def test_a_column_of_the_portals_own_may_date_the_wins_of_an_export(portal: Company):
    """The owner of the portal keeps the day of payment in a field: it is mapped as closed_at."""
    portal.settings["stages"] = NAMED_STAGES
    portal.settings["sources"]["crm"]["entities"] = {
        "deals": {"columns": {"closed_at": "Оплачена"}}
    }
    portal.file(
        "deals.csv",
        "ID;Название сделки;Воронка;Стадия сделки;Сумма;Дата создания;Оплачена\n"
        "1;Первая;Общая;Сделка успешна;100,50;05.01.2026 10:00:00;20.02.2026\n",
    )
    assert portal.run().kpi("booked_revenue", FEB) == 100.5


@pytest.mark.parametrize("name", ["cp1251", "utf-8-sig", "excel"])
def test_an_export_equals_the_json_of_the_same_records_to_the_kopeck(
    portal: Company, tmp_path, name: str
):
    """Deal 1 stands twice, once per product: 100000.50 and 2 x 12500; its sum counts once.

    `excel` is the page of HTML that the portal names .xls; a lone backslash stays what it is.
    """
    portal.settings["stages"] = NAMED_STAGES
    portal.settings["sources"]["crm"]["won_date"] = "crm_close"
    if name == "excel":
        lines = EXPORT.replace(r"\"", "&quot;").strip().split("\r\n")
        lines[3] = lines[3].replace("; срочно", ", срочно")
        cells = [[c.strip('"') for c in one.replace("&quot;", "\0").split(";")] for one in lines]
        told = "".join(
            "<tr>" + "".join(f"<td>{c}</td>".replace("\0", "&quot;") for c in row) + "</tr>"
            for row in cells
        )
        portal.file("DEAL.xls", f"<meta charset='utf-8'><table border='1'>{told}</table>")
    else:
        portal.file("deals.csv", EXPORT.encode(name))
    published = portal.run()
    other = Company(tmp_path / "other")
    other.settings = portal.settings | {"stages": [], "sources": {"crm": {"system": "bitrix24"}}}
    other.file("deals.json", page([d for d in DEALS[:5] if d["ID"] != "4"]))
    json_run = other.run()
    for period in (JAN, FEB, MAR):
        for code in ("booked_revenue", "won_deals", "lost_deals", "win_rate", "average_check"):
            assert published.kpi(code, period) == json_run.kpi(code, period), (code, period)
    assert published.kpi("booked_revenue", FEB) == 126235.0
    assert published.kpi("booked_revenue", FEB, scope="manager", who="Анна Петрова") == 126235.0
    names = published.rows("select deal_name from marts.fct_deals order by deal_id")
    folder = "Папка C:\\Договоры" + (", срочно" if name == "excel" else "; срочно")
    assert names == [('Поставка "Насос-1"',), (folder,), ("Третья",), ("Пятая",)]
    lines = published.rows(
        "select p.product_name, cast(i.share as double) from marts.fct_deal_items as i "
        "join marts.dim_product as p using (product_id) order by 1"
    )
    # 25000 and 100000.50 of 125000.50, shares to six digits
    assert lines == [("Монтаж", 0.199999), ("Насос", 0.800001)]
    assert published.rows(
        "select rows_seen, rows_loaded, rows_quarantined, "
        "cast(amount_seen - amount_loaded as double) from ops.reconciliation"
    ) == [(5, 5, 0, 0.0)]


def test_stages_of_an_export_are_known_by_name_from_a_delivered_list(portal: Company):
    """The dictionary tells the outcome of each name within its funnel, by its semantics."""
    portal.settings["sources"]["crm"]["won_date"] = "crm_close"
    portal.file("deals.csv", EXPORT)
    rows = [
        {"ENTITY_ID": entity, "STATUS_ID": code, "NAME": name, "SORT": "10", "SEMANTICS": told}
        for entity, code, name, told in [
            ("DEAL_STAGE", "EXECUTING", "В работе", None),
            ("DEAL_STAGE", "WON", "Сделка успешна", "S"),
            ("DEAL_STAGE", "LOSE", "Маленький долг", "F"),
            ("DEAL_STAGE_2", "C2:WON", "Долги списаны", "S"),
            ("DEAL_STAGE_2", "C2:LOSE", "Сделка успешна", "F"),
        ]
    ]
    portal.file("statuses.json", page(rows))
    funnels = [{"id": 0, "name": "Общая"}, {"id": 2, "name": "Вторая"}]
    funnels = [f | {"sort": 1, "entityTypeId": 2, "isDefault": "N"} for f in funnels]
    portal.file("funnels.json", page({"categories": funnels}))
    assert portal.run().kpi("booked_revenue", FEB) == 126235.0
