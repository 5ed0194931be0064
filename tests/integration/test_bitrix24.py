"""Bitrix24 as it is delivered: REST pages and batches in both spellings, exports of the interface.

The portal of these tests has two funnels. In the general one (0) WON is called «Сделка успешна» and
LOSE «Маленький долг»; in the second C2:WON is called «Долги списаны» and C2:3 «Отговорили друзья».
"""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from dagster_project.errors import GateFailed
from dagster_project.settings import load_workspace
from dagster_project.source_check import recognised_files, wins_by_month
from tests.conftest import EXAMPLES, Company, Published, needs

LIVE = EXAMPLES / "bitrix24_real_api" / "json_converted"
JAN, FEB, MAR = "2026-01-01", "2026-02-01", "2026-03-01"


@pytest.fixture
def portal(company: Company) -> Company:
    company.settings |= {"stages": []}
    company.settings["sources"] = {"crm": {"system": "bitrix24"}}
    return company


def deal(number: int, stage: str, semantics: str, amount: str, moved: str, **more: Any) -> dict:
    """Spell a row of crm.deal.list: scalars are text, the close is planned for 30 June."""
    row = {
        "ID": str(number),
        "TITLE": f"Сделка {number}",
        "CATEGORY_ID": stage[1] if stage.startswith("C") else "0",
        "STAGE_ID": stage,
        "STAGE_SEMANTIC_ID": semantics,
        "IS_RECURRING": "N",
        "OPPORTUNITY": amount,
        "CURRENCY_ID": "RUB",
        "LEAD_ID": "0",
        "COMPANY_ID": "0",
        "CONTACT_ID": None,
        "BEGINDATE": "2025-12-01T03:00:00+03:00",
        "CLOSEDATE": "2026-06-30T03:00:00+03:00",
        "ASSIGNED_BY_ID": "17",
        "DATE_CREATE": "2026-01-05T10:00:00+03:00",
        "DATE_MODIFY": moved,
        "MOVED_TIME": moved,
        "SOURCE_ID": "WEB",
    }
    return row | more


def move(number: int, owner: int, stage: str, semantics: str, at: str, kind: int = 2) -> dict:
    return {
        "ID": str(number),
        "TYPE_ID": str(kind),
        "OWNER_ID": str(owner),
        "CREATED_TIME": at,
        "CATEGORY_ID": stage[1] if stage.startswith("C") else "0",
        "STAGE_SEMANTIC_ID": semantics,
        "STAGE_ID": stage,
    }


def page(rows: list[dict] | dict, total: int | None = None, following: int | None = None) -> str:
    told = {"result": rows, "time": {"start": 1.5, "date_start": "2026-03-31T10:00:00+03:00"}}
    told |= {"total": total} if total is not None else {}
    return json.dumps(told | ({"next": following} if following else {}), ensure_ascii=False)


def batch(answers: Any, following: Any = (), totals: Any = (), errors: Any = ()) -> str:
    def part(value: Any) -> Any:
        return value or []  # PHP writes what is empty as a list

    result = {
        "result": part(answers),
        "result_error": part(errors),
        "result_total": part(totals),
        "result_next": part(following),
        "result_time": {"cmd0": {"start": 1.5}},
    }
    return json.dumps({"result": result, "time": {"start": 1.5}}, ensure_ascii=False)


DEALS = [
    deal(1, "WON", "S", "125000.50", "2026-02-02T10:00:00+03:00"),
    deal(2, "C2:WON", "S", "1234.50", "2026-02-28T23:40:00+03:00"),
    deal(3, "LOSE", "F", "700.00", "2026-02-10T10:00:00+03:00"),
    deal(4, "C2:3", "F", "300.00", "2026-03-10T10:00:00+03:00"),
    deal(5, "EXECUTING", "P", "90.00", "2026-03-11T10:00:00+03:00"),
    deal(6, "WON", "S", "5000.00", "2026-02-03T10:00:00+03:00", IS_RECURRING="Y"),
]
STAGES = {
    "0": [
        {"NAME": "В работе", "SORT": 10, "STATUS_ID": "EXECUTING"},
        {"NAME": "Сделка успешна", "SORT": 20, "STATUS_ID": "WON"},
        {"NAME": "Маленький долг", "SORT": 30, "STATUS_ID": "LOSE"},
    ],
    "2": [
        {"NAME": "Сбор документов", "SORT": 10, "STATUS_ID": "C2:NEW"},
        {"NAME": "Долги списаны", "SORT": 20, "STATUS_ID": "C2:WON"},
        {"NAME": "Отговорили друзья", "SORT": 30, "STATUS_ID": "C2:3"},
    ],
}


def test_semantics_decide_and_never_a_name_or_the_planned_close(portal: Company):
    """Won in February: 125000.50 (Moscow, 2nd) + 1234.50 (28th, 23:40 in Moscow) = 126235.00.

    CLOSEDATE is 30 June in every row and BEGINDATE in December. The template of 5000 is no deal.
    """
    portal.file("a.json", page(DEALS, total=6))
    portal.file("b.json", batch(STAGES))
    portal.file(
        "c.json",
        batch(
            {
                "statuses": [
                    {"NAME": "Новый лид", "SORT": 10, "STATUS_ID": "NEW"},
                    {"NAME": "Некачественный", "SORT": 20, "STATUS_ID": "JUNK"},
                ],
                "sources": [{"NAME": "Звонок", "SORT": 10, "STATUS_ID": "CALL"}],
            }
        ),
    )
    published = portal.run()
    assert published.kpi("booked_revenue", FEB) == 126235.0
    assert published.kpi("lost_deals", FEB) == 1
    assert published.kpi("lost_deals", MAR) == 1
    assert published.kpi("win_rate", FEB) == pytest.approx(2 / 3)  # two won, one lost
    assert published.rows(
        "select deal_id, stage_name, outcome, cast(opened_on as varchar), cast(won_on as varchar), "
        "cast(planned_close_on as varchar) from marts.fct_deals order by 1"
    ) == [
        ("crm:1", "Сделка успешна", "won", "2026-01-05", "2026-02-02", "2026-06-30"),
        ("crm:2", "Долги списаны", "won", "2026-01-05", "2026-02-28", "2026-06-30"),
        ("crm:3", "Маленький долг", "lost", "2026-01-05", None, "2026-06-30"),
        ("crm:4", "Отговорили друзья", "lost", "2026-01-05", None, "2026-06-30"),
        ("crm:5", "В работе", "open", "2026-01-05", None, "2026-06-30"),
    ]
    counts = published.rows(
        "select entity, rows_seen, rows_loaded, rows_left_out, rows_quarantined, "
        "cast(amount_seen as double), cast(amount_loaded as double) from ops.reconciliation "
        "order by entity, rows_seen"
    )
    money = 125000.5 + 1234.5 + 700 + 300 + 90 + 5000
    assert counts == [
        ("deals", 6, 6, 1, 0, money, money),
        ("stages", 3, 3, 3, 0, None, None),  # lists of lead statuses and sources are no stages
        ("stages", 6, 6, 0, 0, None, None),
    ]


def test_a_status_list_with_semantics_gives_outcomes_to_deals_that_tell_none(portal: Company):
    """Old SEMANTICS, EXTRA and the empty semantics of working stages, of two funnels and leads."""
    dictionary = [
        ("DEAL_STAGE", "NEW", "Новая", None, "process"),
        ("DEAL_STAGE", "WON", "Сделка успешна", "S", "success"),
        ("DEAL_STAGE", "APOLOGY", "Залог", "F", "apology"),
        ("DEAL_STAGE_2", "C2:NEW", "Новая", "", None),
        ("DEAL_STAGE_2", "C2:WON", "Долги списаны", "S", None),
        ("DEAL_STAGE_2", "C2:LOSE", "Ушёл", "F", None),
        ("STATUS", "CONVERTED", "Качественный лид", "S", "success"),
        ("SOURCE", "WEB", "Сайт", None, None),
    ]
    rows = [
        {
            "ID": str(100 + number),
            "ENTITY_ID": entity,
            "STATUS_ID": code,
            "NAME": name,
            "SORT": str(10 * number),
            "SEMANTICS": told,
            "EXTRA": {"SEMANTICS": extra, "COLOR": "#fff"} if extra else [],
        }
        for number, (entity, code, name, told, extra) in enumerate(dictionary, start=1)
    ]
    mute = [
        {k: v for k, v in row.items() if k != "STAGE_SEMANTIC_ID"}
        for row in [
            deal(1, "WON", "", "10", "2026-02-02T10:00:00+03:00"),
            deal(2, "APOLOGY", "", "20", "2026-02-02T10:00:00+03:00"),
            deal(3, "C2:WON", "", "30", "2026-02-02T10:00:00+03:00"),
            deal(4, "C2:NEW", "", "40", "2026-02-02T10:00:00+03:00"),
        ]
    ]
    portal.file("deals.json", page(mute))
    portal.file("statuses.json", page(rows))
    portal.file(
        "funnels.json",
        page(
            {
                "categories": [
                    {
                        "id": 2,
                        "name": "Банкротство",
                        "sort": 10,
                        "entityTypeId": 2,
                        "isDefault": "N",
                    }
                ]
            }
        ),
    )
    published = portal.run()
    assert published.kpi("booked_revenue", FEB) == 40
    assert published.rows("select outcome from marts.fct_deals order by deal_id") == [
        ("won",),
        ("lost",),
        ("won",),
        ("open",),
    ]
    assert published.kpi("booked_revenue", FEB, scope="channel", who="Сайт") == 40


def test_a_stage_whose_outcome_nothing_tells_stops_the_run(portal: Company):
    """A code WON is no semantics: without them the workspace must say."""
    row = deal(1, "WON", "", "10", "2026-02-02T10:00:00+03:00")
    portal.file("deals.json", page([row]))
    with pytest.raises(GateFailed, match=r'pipeline: "0", stage: "WON", outcome: open'):
        portal.run()


def test_history_dates_the_win_and_a_reopening_reverses_it(portal: Company):
    """Deal 1 is won on 20 January, reopened on 5 March; deal 2 is won twice, again on 9 March.

    January: 100 + 40; March: -100 - 40 + 40. The deals' own MOVED_TIME is that of the last move.
    """
    portal.file(
        "deals.json",
        page(
            [
                deal(1, "NEW", "P", "100", "2026-03-05T10:00:00+03:00"),
                deal(2, "WON", "S", "40", "2026-03-09T12:00:00+03:00"),
            ]
        ),
    )
    moves = [
        move(1, 1, "NEW", "P", "2026-01-05T10:00:00+03:00", 1),
        move(2, 1, "WON", "S", "2026-01-20T10:00:00+03:00", 3),
        move(3, 1, "NEW", "P", "2026-03-05T10:00:00+03:00"),
        move(4, 2, "WON", "S", "2026-01-21T10:00:00+03:00", 3),
        move(5, 2, "NEW", "P", "2026-03-06T10:00:00+03:00"),
        move(6, 2, "WON", "S", "2026-03-09T12:00:00+03:00", 3),
        move(7, 1, "DT128_10:NEW", "P", "2026-03-20T10:00:00+03:00"),  # a smart process, number 1
    ]
    pages = [json.loads(page({"items": moves[:3]}, total=7, following=3))]
    rest = batch({"cmd0000000000": {"items": moves[2:]}}, totals={"cmd0000000000": 7})
    portal.file("history.json", json.dumps([*pages, json.loads(rest)]))
    published = portal.run()
    assert published.kpi("booked_revenue", JAN) == 140
    assert published.kpi("booked_revenue", MAR) == -100
    assert published.kpi("won_deals", MAR) == -1
    assert published.rows(
        "select deal_id, event, cast(occurred_on as varchar) from marts.fct_deal_events "
        "order by 1, 3"
    ) == [
        ("crm:1", "won", "2026-01-20"),
        ("crm:1", "reversed", "2026-03-05"),
        ("crm:2", "won", "2026-01-21"),
        ("crm:2", "reversed", "2026-03-06"),
        ("crm:2", "won", "2026-03-09"),
    ]


def test_a_history_cut_short_loses_no_win(portal: Company):
    """Only moves of working stages are delivered: the deal's own move into WON dates the win."""
    portal.file("deals.json", page([deal(1, "WON", "S", "100", "2026-02-20T10:00:00+03:00")]))
    portal.file(
        "history.json", page({"items": [move(1, 1, "NEW", "P", "2026-01-05T10:00:00+03:00", 1)]})
    )
    published = portal.run()
    assert published.kpi("booked_revenue", FEB) == 100


def test_a_deal_seen_won_and_later_reopened_reverses_without_any_history(portal: Company):
    """First delivery: won on 3 February. Second: moved back to work on 4 March."""
    portal.file("1/deals.json", page([deal(1, "WON", "S", "100", "2026-02-03T10:00:00+03:00")]))
    portal.file("2/deals.json", page([deal(1, "NEW", "P", "100", "2026-03-04T10:00:00+03:00")]))
    published = portal.run()
    assert published.kpi("booked_revenue", FEB) == 100
    assert published.kpi("booked_revenue", MAR) == -100


def test_rows_that_move_between_pages_count_once_by_their_newest_edit(portal: Company):
    """Deal 2 stands on both pages, edited from 10 to 20 in between; 1, 2, 3 make 1 + 20 + 3."""
    at = "2026-02-03T10:00:00+03:00"
    later = "2026-02-04T10:00:00+03:00"
    older, newer = deal(2, "WON", "S", "10", at), deal(2, "WON", "S", "20", at, DATE_MODIFY=later)
    portal.file("p2.json", page([newer, deal(3, "WON", "S", "3", at)], total=4))
    portal.file("p1.json", page([deal(1, "WON", "S", "1", at), older], total=4, following=2))
    assert portal.run().kpi("booked_revenue", FEB) == 24


def test_an_amount_edited_after_the_win_restates_it_and_a_later_plan_moves_nothing(portal: Company):
    won = "2026-02-03T10:00:00+03:00"
    portal.file("1.json", page([deal(1, "WON", "S", "10", won)]))
    edited = deal(
        1, "WON", "S", "15", won, DATE_MODIFY="2026-03-20T10:00:00+03:00", CLOSEDATE="2026-12-31"
    )
    portal.file("2.json", page([edited]))
    published = portal.run()
    assert published.kpi("booked_revenue", FEB) == 15
    assert published.kpi("booked_revenue", MAR) == 0


# -- crm.item.list ---------------------------------------------------------------------------------


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


# -- exports of the interface ----------------------------------------------------------------------

EXPORT = (
    "ID;Название сделки;Воронка;Стадия сделки;Сумма;Валюта;Ответственный;Дата создания;"
    "Дата изменения;Предполагаемая дата закрытия;Источник;Товар;Цена;Количество\r\n"
    r'1;"Поставка \"Насос-1\"";Общая;Сделка успешна;"125 000,50 руб.";RUB;Анна Петрова;'
    "05.01.2026 10:00:00;02.02.2026 10:00:00;02.02.2026;Сайт;Насос;100 000,50;1\r\n"
    r'1;"Поставка \"Насос-1\"";Общая;Сделка успешна;"125 000,50 руб.";RUB;Анна Петрова;'
    "05.01.2026 10:00:00;02.02.2026 10:00:00;02.02.2026;Сайт;Монтаж;12 500,00;2\r\n"
    '2;"Папка C:\\Договоры; срочно";Вторая;Долги списаны;"1 234,50 руб.";RUB;Анна Петрова;'
    "05.01.2026 10:00:00;28.02.2026 23:40:00;28.02.2026;Сайт;;;\r\n"
    "3;Третья;Общая;Маленький долг;700;RUB;Борис Ким;05.01.2026 10:00:00;10.02.2026 10:00:00;"
    "10.02.2026;Звонок;;;\r\n"
    "5;Пятая;Общая;В работе;90,00;RUB;Борис Ким;05.01.2026 10:00:00;11.03.2026 10:00:00;"
    "30.06.2026;Звонок;;;\r\n"
)
NAMED_STAGES = [
    {"pipeline": "Общая", "stage": "Сделка успешна", "outcome": "won"},
    {"pipeline": "Общая", "stage": "Маленький долг", "outcome": "lost"},
    {"pipeline": "Общая", "stage": "В работе", "outcome": "open"},
    {"pipeline": "Вторая", "stage": "Долги списаны", "outcome": "won"},
]


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


# -- everything else -------------------------------------------------------------------------------


def people(portal: Company) -> None:
    portal.file(
        "users.json",
        page(
            [
                {
                    "ID": "17",
                    "ACTIVE": True,
                    "NAME": "Анна",
                    "LAST_NAME": "Петрова",
                    "EMAIL": "anna@x.test",
                    "UF_DEPARTMENT": [5, 1],
                    "WORK_POSITION": "Менеджер",
                    "UF_EMPLOYMENT_DATE": "",
                    "USER_TYPE": "employee",
                    "TIMESTAMP_X": {},
                },
                {
                    "ID": "18",
                    "ACTIVE": False,
                    "NAME": "Борис",
                    "LAST_NAME": "Ким",
                    "EMAIL": "boris@x.test",
                    "UF_DEPARTMENT": [7],
                    "WORK_POSITION": "",
                    "USER_TYPE": "employee",
                    "TIMESTAMP_X": {},
                },
                {
                    "ID": "19",
                    "ACTIVE": True,
                    "NAME": "Открытые линии",
                    "LAST_NAME": "",
                    "UF_DEPARTMENT": [],
                    "USER_TYPE": "imconnector",
                },
            ],
            total=3,
        ),
    )
    portal.file(
        "departments.json",
        page([{"ID": "5", "NAME": "Отдел продаж", "SORT": 500, "PARENT": "1", "UF_HEAD": "17"}]),
    )


def test_the_first_department_is_the_team_and_connectors_are_nobody(portal: Company):
    """A dismissed owner keeps his deals; a department that is not delivered shows its number."""
    people(portal)
    rows = [*DEALS[:2], deal(7, "WON", "S", "50", "2026-02-20T10:00:00+03:00", ASSIGNED_BY_ID="18")]
    portal.file("deals.json", page(rows))
    published = portal.run()
    assert published.rows(
        "select manager_id, manager_name, team_name from marts.dim_manager "
        "where manager_id <> 'not_given' order by 1"
    ) == [("crm:17", "Анна Петрова", "Отдел продаж"), ("crm:18", "Борис Ким", "7")]
    assert published.kpi("booked_revenue", FEB, scope="manager", who="crm:18") == 50
    assert published.kpi("booked_revenue", FEB, scope="team", who="Отдел продаж") == 126235.0


def test_leads_are_qualified_when_good_and_won_by_their_deals(portal: Company):
    """Of 3 leads one is good since 12 January and its deal is won; a custom junk status is junk."""

    def lead(number: int, status: str, semantics: str, **more: Any) -> dict:
        return {
            "ID": str(number),
            "TITLE": f"Лид {number}",
            "STATUS_ID": status,
            "STATUS_SEMANTIC_ID": semantics,
            "ASSIGNED_BY_ID": "17",
            "COMPANY_ID": "0",
            "SOURCE_ID": "1",
            "DATE_CREATE": "2026-01-10T10:00:00+03:00",
            "DATE_MODIFY": "2026-01-12T10:00:00+03:00",
            "DATE_CLOSED": "",
            "PHONE": [
                {
                    "ID": "1",
                    "VALUE_TYPE": "WORK",
                    "VALUE": f"+7 900 000-00-0{number}",
                    "TYPE_ID": "PHONE",
                }
            ],
        } | more

    portal.file(
        "leads.json",
        page(
            [
                lead(1, "CONVERTED", "S", DATE_CLOSED="2026-01-12T10:00:00+03:00"),
                lead(2, "UC_SPAM", "F", DATE_CLOSED="2026-01-13T10:00:00+03:00"),
                lead(3, "UC_NEW", "P"),
            ]
        ),
    )
    portal.file(
        "deals.json", page([deal(1, "WON", "S", "100", "2026-02-02T10:00:00+03:00", LEAD_ID="1")])
    )
    published = portal.run()
    assert published.kpi("new_leads", JAN) == 3
    assert published.kpi("qualified_leads", JAN) == 1
    assert published.kpi("lead_conversion", JAN) == pytest.approx(1 / 3)
    # the number of a source means nothing outside its portal
    assert published.kpi("new_leads", JAN, scope="channel", who="crm:1") == 3
    with duckdb.connect(str(portal.directory / "warehouse" / "warehouse.duckdb")) as warehouse:
        rows = warehouse.execute(
            "select distinct phone from staging.stg_bitrix24__leads"
        ).fetchall()
    assert len(rows) == 3
    assert not [row for row in rows if "900000" in row[0]]


def test_where_no_lead_is_delivered_each_deal_is_one(portal: Company):
    portal.file("deals.json", page(DEALS[:5]))
    published = portal.run()
    assert published.kpi("new_leads", JAN) == 5
    assert published.kpi("lead_conversion", JAN) == 2 / 5
    portal.settings["sources"]["crm"]["leads_from_deals"] = False
    assert (
        portal.run().one("select is_available from marts.dim_kpi where kpi_code = 'new_leads'")
        is False
    )


def test_calls_are_counted_once_with_the_length_that_telephony_knows(portal: Company):
    """Activity 1 and call 51 are one call of 95 s; call 52 failed; call 53 has no activity.

    Activity 2 is a planned meeting, 3 a held one on a lead, 4 an e-mail, 5 a chat.
    """

    def activity(number: int, kind: str, provider: str, done: str, owner: str = "2") -> dict:
        return {
            "ID": str(number),
            "OWNER_ID": "1",
            "OWNER_TYPE_ID": owner,
            "TYPE_ID": kind,
            "PROVIDER_ID": provider,
            "PROVIDER_TYPE_ID": "CALL",
            "COMPLETED": done,
            "STATUS": "2" if done == "Y" else "1",
            "DIRECTION": "2",
            "RESPONSIBLE_ID": "17",
            "START_TIME": "2026-02-10T10:00:00+03:00",
            "END_TIME": "2026-02-10T16:00:00+03:00",
            "CREATED": "2026-02-10T10:00:00+03:00",
            "LAST_UPDATED": "2026-02-10T10:00:00+03:00",
        }

    def call(number: int, activity_id: str | None, code: str, seconds: str) -> dict:
        return {
            "ID": str(number),
            "PORTAL_USER_ID": "17",
            "CALL_ID": f"x.{number}",
            "CALL_CATEGORY": "external",
            "CALL_DURATION": seconds,
            "CALL_START_DATE": "2026-02-10T10:00:00+03:00",
            "CALL_FAILED_CODE": code,
            "CRM_ENTITY_TYPE": "CONTACT",
            "CRM_ENTITY_ID": "7",
            "CRM_ACTIVITY_ID": activity_id,
            "CALL_TYPE": "1",
        }

    portal.file("deals.json", page(DEALS[:5]))
    portal.file(
        "activities.json",
        page(
            [
                activity(1, "2", "VOXIMPLANT_CALL", "Y"),
                activity(2, "1", "CRM_MEETING", "N"),
                activity(3, "1", "CRM_MEETING", "Y"),
                activity(4, "4", "CRM_EMAIL", "Y"),
                activity(5, "6", "IMOPENLINES_SESSION", "Y"),
                activity(6, "2", "VOXIMPLANT_CALL", "Y"),
            ]
        ),
    )
    portal.file(
        "calls.json",
        page([call(51, "1", "200", "95"), call(52, "6", "304", "0"), call(53, None, "200", "20")]),
    )
    published = portal.run()
    assert published.kpi("calls", FEB) == 2  # 51 and 53
    assert published.kpi("connected_calls", FEB) == 1  # 20 s are no talk
    assert published.kpi("meetings", FEB) == 1
    assert published.rows(
        "select activity_id, kind, is_done, duration_seconds, deal_id from marts.fct_activities "
        "order by 1"
    ) == [
        ("crm:1", "call", True, 95, "crm:1"),
        ("crm:2", "meeting", False, None, "crm:1"),
        ("crm:3", "meeting", True, None, "crm:1"),
        ("crm:4", "email", True, None, "crm:1"),
        ("crm:5", "other", True, None, "crm:1"),
        ("crm:6", "call", False, 0, "crm:1"),
        ("crm:CALL_53", "call", True, 20, None),
    ]


def test_companies_and_contacts_of_one_number_are_two_customers(portal: Company):
    """Deals 1 and 2 belong to company 9, deal 3 to contact 9: two new customers, not one."""
    won = "2026-02-0{}T10:00:00+03:00"
    portal.file(
        "deals.json",
        page(
            [
                deal(1, "WON", "S", "10", won.format(1), COMPANY_ID="9", CONTACT_ID="4"),
                deal(2, "WON", "S", "20", won.format(2), COMPANY_ID="9"),
                deal(3, "WON", "S", "30", won.format(3), CONTACT_ID="9"),
            ]
        ),
    )
    portal.file(
        "companies.json",
        page(
            [
                {
                    "ID": "9",
                    "TITLE": "ООО Ромашка",
                    "COMPANY_TYPE": "CUSTOMER",
                    "INDUSTRY": "IT",
                    "IS_MY_COMPANY": "N",
                    "DATE_CREATE": "2026-01-01T10:00:00+03:00",
                },
                {
                    "ID": "2",
                    "TITLE": "Мы сами",
                    "COMPANY_TYPE": "OTHER",
                    "INDUSTRY": "IT",
                    "IS_MY_COMPANY": "Y",
                    "DATE_CREATE": "2026-01-01T10:00:00+03:00",
                },
            ]
        ),
    )
    portal.file(
        "contacts.json",
        page(
            [
                {
                    "ID": "9",
                    "NAME": "Иван",
                    "LAST_NAME": "Сидоров",
                    "TYPE_ID": "CLIENT",
                    "ASSIGNED_BY_ID": "17",
                    "EXPORT": "Y",
                    "DATE_CREATE": "2026-01-01T10:00:00+03:00",
                }
            ]
        ),
    )
    portal.file(
        "requisites.json",
        page(
            [
                {
                    "ID": "1",
                    "ENTITY_TYPE_ID": "4",
                    "ENTITY_ID": "9",
                    "RQ_INN": "7700000016",
                    "NAME": "Основные",
                }
            ]
        ),
    )
    published = portal.run()
    assert published.kpi("new_customers", FEB) == 2
    assert published.rows(
        "select customer_id, customer_name from marts.dim_customer order by 1"
    ) == [("crm:CO_9", "ООО Ромашка"), ("crm:C_9", "Иван Сидоров")]
    with duckdb.connect(str(portal.directory / "warehouse" / "warehouse.duckdb")) as warehouse:
        assert warehouse.execute(
            "select tax_id from staging.stg_bitrix24__customers "
            "where not _is_row_rejected order by 1"
        ).fetchall() == [("7700000016",), (None,)]


def test_product_rows_share_the_deal_and_rows_of_other_objects_do_not(portal: Company):
    def row(number: int, owner: str, product: int, price: Any, quantity: Any) -> dict:
        return {
            "id": number,
            "ownerId": 1,
            "ownerType": owner,
            "productId": product,
            "productName": f"Товар {product}",
            "price": price,
            "discountSum": 5,
            "quantity": quantity,
        }

    portal.file("deals.json", page([deal(1, "WON", "S", "1000", "2026-02-02T10:00:00+03:00")]))
    rows = [row(1, "D", 11, 300, 1), row(2, "D", 12, 350.0, 2), row(3, "Tb3", 13, 999, 1)]
    portal.file("rows.json", batch({"cmd0": {"productRows": rows}}))
    published = portal.run()
    assert published.rows(
        "select product_id, cast(share as double) from marts.fct_deal_items order by 1"
    ) == [("crm:11", 0.3), ("crm:12", 0.7)]
    assert published.kpi("booked_revenue", FEB, scope="product", who="crm:12") == 700


def test_two_portals_are_two_sources(portal: Company):
    """Deal 1, user 17 and source 1 of each portal are different ones."""
    portal.settings["sources"]["spb"] = {"system": "bitrix24"}
    won = "2026-02-02T10:00:00+03:00"
    portal.file("deals.json", page([deal(1, "WON", "S", "100", won, SOURCE_ID="1")]))
    portal.file("deals.json", page([deal(1, "WON", "S", "7", won, SOURCE_ID="1")]), source="spb")
    published = portal.run()
    assert published.kpi("booked_revenue", FEB) == 107
    assert published.kpi("booked_revenue", FEB, scope="manager", who="crm:17") == 100
    assert published.kpi("booked_revenue", FEB, scope="manager", who="spb:17") == 7
    assert published.kpi("booked_revenue", FEB, scope="channel", who="crm:1") == 100
    told = wins_by_month(load_workspace(portal.directory))
    assert [(r["source"], r["won"], float(r["amount"])) for r in told] == [
        ("crm", 1, 100.0),
        ("spb", 1, 7.0),
    ]


# -- full deliveries -------------------------------------------------------------------------------


def full(portal: Company, pages: list[str]) -> Published:
    """Deliver 50 deals on 1 March as one page, then `pages` on 15 March, both declared full."""
    portal.settings["sources"]["crm"] |= {
        "delivery": "full",
        "observed_at": r"/(\d{4}-\d\d-\d\d)/",
    }
    portal.settings["settings"] = {"full_delivery_shrink_limit": 0.5}
    portal.file("2026-03-01/p1.json", page(MANY, total=50))
    for number, text in enumerate(pages):
        portal.file(f"2026-03-15/p{number}.json", text)
    return portal.run()


MANY = [deal(n, "WON", "S", "10", "2026-02-02T10:00:00+03:00") for n in range(1, 51)]


def test_a_full_delivery_whose_pages_all_came_deletes_what_it_lacks(portal: Company):
    """48 of the 50 came again, on pages of 30 and 18: two deals are gone."""
    published = full(portal, [page(MANY[:30], 48, 30), page(MANY[30:48], 48)])
    assert published.kpi("booked_revenue", FEB) == 480
    assert published.rows("select reason_code from ops.files where reason_code is not null") == []


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([page(MANY[:30], 48, 30)], id="the last page is missing"),
        pytest.param([page(MANY[30:48], 48)], id="the first page is missing"),
        pytest.param([page(MANY[:30], 48, 30), page(MANY[31:48], 47)], id="the list grew shorter"),
        pytest.param(
            [
                page(MANY[:30], 48, 30),
                batch([], errors={"cmd0": {"error": "QUERY_LIMIT_EXCEEDED"}}),
            ],
            id="a command of the batch failed",
        ),
    ],
)
def test_a_full_delivery_that_lacks_a_page_deletes_nothing_and_says_so(
    portal: Company, pages: list[str]
):
    if "QUERY_LIMIT" in pages[-1]:
        first, failed = (json.loads(p) for p in pages)
        pages = [json.dumps([first, failed])]
    published = full(portal, pages)
    assert published.kpi("booked_revenue", FEB) == 500
    told = published.rows(
        "select distinct reason_code, status from ops.files where file_name like '%03-15%'"
    )
    assert told == [("pages_missing", "loaded")]


# -- what is not read ------------------------------------------------------------------------------


def test_the_check_tells_what_each_file_was_taken_for(portal: Company):
    portal.file("whatever.json", page(DEALS[:5]))
    portal.file(
        "history.json", page({"items": [move(1, 1, "NEW", "P", "2026-01-05T10:00:00+03:00")]})
    )
    portal.file("empty.json", batch({"order0": []}, totals={"order0": 0}))
    portal.file("deals.csv", EXPORT)
    portal.settings["stages"] = NAMED_STAGES
    portal.run()
    told = {r["file"]: r for r in recognised_files(load_workspace(portal.directory))}
    assert told["raw/crm/whatever.json"]["table"] == "bitrix24__deal"
    assert told["raw/crm/history.json"]["table"] == "bitrix24__stage_history"
    assert told["raw/crm/empty.json"]["status"] == "empty"
    assert told["raw/crm/deals.csv"]["unread"] == []
    assert told["raw/crm/whatever.json"]["share_read"] == 1


def test_a_list_of_bare_titles_is_no_table(portal: Company):
    """ID and TITLE may be leads, deals or companies: the file is refused with the line to add."""
    portal.file("deals.json", page(DEALS[:5]))
    portal.file("titles.json", page([{"ID": "1", "TITLE": "Кто это?"}]))
    with pytest.raises(GateFailed, match="unrecognised_file"):
        portal.run()
    quarantined = next((portal.directory / "quarantine").glob("*titles*"))
    assert 'ignore: ["titles.json"]' in quarantined.read_text(encoding="utf-8")


def test_a_deal_whose_money_is_no_number_is_listed_with_its_row(portal: Company):
    portal.settings["settings"] = {"row_error_limit": 0.5}
    rows = [*DEALS[:5], deal(8, "WON", "S", "много", "2026-02-02T10:00:00+03:00")]
    portal.file("deals.json", page(rows))
    published = portal.run()
    assert published.kpi("booked_revenue", FEB) == 126235.0
    assert published.rows(
        "select _source_row, column_name, value from ops.quarantine where is_row_rejected"
    ) == [(6, "amount", "много")]


# -- live answers ----------------------------------------------------------------------------------


@needs(LIVE)
def test_live_moves_of_pages_and_batches_make_up_no_win(portal: Company):
    """490 moves: 50 of the first page, 8 x 50 and 40 of a batch; 452 deals; all of semantics P."""
    envelopes = json.loads((LIVE / "stagehistory.json").read_text(encoding="utf-8"))
    moves = list(envelopes[0]["result"]["items"])
    for answer in envelopes[1]["result"]["result"].values():
        moves += answer["items"]
    assert len(moves) == 490
    owners = sorted({row["OWNER_ID"] for row in moves})
    assert len(owners) == 452
    portal.settings["as_of"] = "2022-06-30"
    at = "2022-01-20T10:00:00+03:00"
    rows = [deal(int(o), "UC_KW9988", "P", "10", at, DATE_CREATE=at) for o in owners]
    portal.file("deals.json", page(rows))
    portal.settings["sources"]["crm"]["delivery"] = "full"
    for name in (
        "stagehistory.json",
        "crm_dealcategory_stage_list.json",
        "call_batch.json",
        "crm_category_list.json",
        "crm_item_productrow_list.json",
        "batch_list_empty.json",
    ):
        portal.file(name, (LIVE / name).read_bytes())
    published = portal.run()
    loaded = {
        row[0].rsplit("/", 1)[1]: row[1:]
        for row in published.rows(
            "select file_name, entity, rows_loaded, rows_left_out from ops.reconciliation"
        )
    }
    assert loaded["stagehistory.json"] == ("deal_stages", 490, 0)
    assert loaded["crm_dealcategory_stage_list.json"] == ("stages", 59, 0)
    assert loaded["call_batch.json"] == ("stages", 17, 17)
    assert loaded["crm_item_productrow_list.json"] == ("deal_items", 2, 2)
    assert published.rows("select outcome, count(*) from marts.fct_deals group by 1") == [
        ("open", 452)
    ]
    assert published.one("select count(*) from marts.fct_deal_events") == 0
    assert (
        published.rows("select reason_code from ops.files where reason_code = 'pages_missing'")
        == []
    )
