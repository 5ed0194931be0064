"""amoCRM as it is delivered: pages of API v4, lines of a pull, exports of deals.

Times are written as Moscow time (three hours before UTC all year) and delivered as unix seconds.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dagster_project.configuration import SourceConfig
from dagster_project.errors import PipelineError, SourceFileError
from dagster_project.ingest.contracts import CONTRACTS
from dagster_project.ingest.recognition import recognise
from tests.conftest import Company, Published

JAN, FEB, MAR = "2026-01-01", "2026-02-01", "2026-03-01"
SALES, PARTNERS = 8801, 8802
INBOX, FIRST, OFFER, WON, LOST = 1001, 1002, 1003, 142, 143


def at(text: str) -> int:
    """Return unix seconds of a Moscow time in 2026, such as ``01-20 12:00``."""
    local = datetime.strptime(f"2026-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    return int((local - timedelta(hours=3)).timestamp())


def page(key: str, *records: dict, number: int = 1, is_last: bool = True) -> str:
    """Spell a page as API v4 does."""
    links: dict[str, Any] = {"self": {"href": f"https://firm.amocrm.ru/api/v4/{key}?page={number}"}}
    if not is_last:
        links["next"] = {"href": f"https://firm.amocrm.ru/api/v4/{key}?page={number + 1}"}
    told = {"_page": number, "_links": links, "_embedded": {key: list(records)}}
    return json.dumps(told, ensure_ascii=False)


def lead(number: int, status: int, created: str, updated: str, price: int, **more: Any) -> dict:
    """Spell a record of /api/v4/leads."""
    channel = more.pop("channel", "Сайт")
    contacts = more.pop("contacts", [])
    closed = more.pop("closed", None)
    record = {
        "id": number,
        "name": f"Сделка {number}",
        "price": price,
        "responsible_user_id": 501,
        "group_id": 0,
        "status_id": status,
        "pipeline_id": SALES,
        "loss_reason_id": None,
        "created_by": 0,
        "updated_by": 501,
        "created_at": at(created),
        "updated_at": at(updated),
        "closed_at": at(closed) if closed else None,
        "closest_task_at": None,
        "is_deleted": False,
        "custom_fields_values": [
            {
                "field_id": 11,
                "field_name": "Источник",
                "field_code": None,
                "field_type": "select",
                "values": [{"value": channel, "enum_id": 7}],
            }
        ],
        "account_id": 1,
        "_embedded": {"tags": [{"id": 1, "name": "vip"}], "companies": [], "contacts": contacts},
    }
    return record | more


def event(code: str, kind: str, number: int, when: str, before: Any, after: Any) -> dict:
    """Spell a record of /api/v4/events."""
    return {
        "id": code,
        "type": kind,
        "entity_id": number,
        "entity_type": "lead",
        "created_by": 501,
        "created_at": at(when),
        "value_before": before,
        "value_after": after,
        "account_id": 1,
    }


def move(code: str, number: int, when: str, before: int, after: int, **more: int) -> dict:
    """Spell a move from one status to another."""
    told = [
        {"lead_status": {"id": status, "pipeline_id": more.get(side, SALES)}}
        for side, status in (("of", before), ("to", after))
    ]
    return event(code, "lead_status_changed", number, when, [told[0]], [told[1]])


def pipeline(number: int, name: str, *statuses: tuple[int, str, int, int]) -> dict:
    """Spell a pipeline with its statuses: id, name, sort, type."""
    inside = [
        {"id": i, "name": n, "sort": s, "is_editable": True, "pipeline_id": number}
        | {"color": "#fff", "type": t, "account_id": 1}
        for i, n, s, t in statuses
    ]
    told = {"id": number, "name": name, "sort": 1, "is_main": True, "is_unsorted_on": True}
    return told | {"is_archive": False, "account_id": 1, "_embedded": {"statuses": inside}}


# Two pipelines; the name of 142 was edited, as accounts do.
PIPELINES = [
    pipeline(
        SALES,
        "Продажи",
        (INBOX, "Неразобранное", 10, 1),
        (FIRST, "Первый контакт", 20, 0),
        (OFFER, "КП отправлено", 30, 0),
        (WON, "Счет оплачен", 10000, 0),
        (LOST, "Закрыто и не реализовано", 11000, 0),
    ),
    pipeline(
        PARTNERS,
        "Партнёры",
        (2001, "Неразобранное", 10, 1),
        (2002, "Переговоры", 20, 0),
        (WON, "Успешно реализовано", 10000, 0),
        (LOST, "Закрыто и не реализовано", 11000, 0),
    ),
]


def user(number: int, name: str, group: str) -> dict:
    """Spell a record of /api/v4/users?with=group,role."""
    rights = {"is_admin": False, "is_active": True, "group_id": 9, "role_id": None}
    told = {"id": number, "name": name, "email": f"u{number}@firm.ru", "lang": "ru"}
    return told | {
        "rights": rights,
        "_embedded": {"roles": [], "groups": [{"id": 9, "name": group}]},
    }


USERS = [user(501, "Анна Петрова", "Отдел продаж"), user(502, "Борис Ким", "Партнёры")]


def contact(number: int, phone: str) -> dict:
    """Spell a record of /api/v4/contacts."""
    phones = [{"value": phone, "enum_code": "WORK"}, {"value": "+7 495 000-00-00"}]
    return {
        "id": number,
        "name": f"Контакт {number}",
        "first_name": "",
        "last_name": "",
        "responsible_user_id": 501,
        "created_at": at("01-01 10:00"),
        "updated_at": at("01-01 10:00"),
        "is_deleted": False,
        "custom_fields_values": [
            {"field_id": 1, "field_name": "Телефон", "field_code": "PHONE", "values": phones}
        ],
        "account_id": 1,
        "_embedded": {"companies": []},
    }


# 1 left the inbox on 7 January, was won on the 20th; an API call moved its close to the 31st.
# 2 was won on 15 January and went back to work on 10 February.
# 3 was lost on 5 February. 4 is in the inbox. 5 was declined from it.
# 6 was won on 20 February by somebody who is no user any more; no event tells of it.
# 7 was won on 25 February and deleted on 1 March.
# 8 was won on 10 March; the events end on the 2nd.
# 9 was won by Anna on 12 March and given to Boris on the 20th.
# 11 is won and sent back to work by a robot within one second of 20 March.
# 10 was won on 25 January; the events begin when it was moved to the other pipeline on 5 March.
LEADS = [
    lead(1, WON, "01-05 10:00", "01-31 12:00", 1000, closed="01-31 12:00")
    | {"price_with_minor_units": 1000.55},
    lead(2, OFFER, "01-10 10:00", "02-10 11:00", 2000),
    lead(3, LOST, "01-12 10:00", "02-05 11:00", 50, closed="02-05 11:00", loss_reason_id=71),
    lead(4, INBOX, "02-01 10:00", "02-01 10:00", 0),
    lead(5, LOST, "02-02 10:00", "02-03 10:00", 0, closed="02-03 10:00"),
    lead(
        6,
        WON,
        "02-11 10:00",
        "02-20 23:30",
        300,
        closed="02-20 23:30",
        pipeline_id=PARTNERS,
        responsible_user_id=503,
        contacts=[{"id": 90, "is_main": False}, {"id": 91, "is_main": True}],
    ),
    lead(7, WON, "02-12 10:00", "02-25 10:00", 7000, closed="02-25 10:00"),
    lead(
        8,
        WON,
        "02-15 10:00",
        "03-10 10:00",
        400,
        closed="03-10 10:00",
        contacts=[{"id": 92, "is_main": True}],
    ),
    lead(9, WON, "01-08 10:00", "03-20 10:00", 500, closed="03-12 10:00", responsible_user_id=502),
    lead(10, WON, "01-03 10:00", "03-05 10:00", 600, closed="01-25 10:00", pipeline_id=PARTNERS),
    lead(11, OFFER, "03-01 10:00", "03-20 10:00", 80),
]
MOVES = [
    move("e01", 1, "01-07 10:00", INBOX, FIRST),
    move("e02", 1, "01-20 12:00", FIRST, WON),
    move("e03", 2, "01-15 12:00", FIRST, WON),
    move("e04", 2, "02-10 11:00", WON, OFFER),
    move("e05", 3, "02-05 11:00", FIRST, LOST),
    move("e06", 5, "02-03 10:00", INBOX, LOST),
    event("e07", "lead_deleted", 7, "03-01 09:00", [], []),
    move("e08", 8, "03-02 10:00", FIRST, OFFER),
    move("e09", 9, "03-12 10:00", FIRST, WON)
    | {"value_after": json.dumps([{"lead_status": {"pipeline_id": SALES, "id": WON}}])},
    event(
        "e10",
        "entity_responsible_changed",
        9,
        "03-20 10:00",
        [{"responsible_user": {"id": 501}}],
        {"responsible_user": {"id": 502}},
    ),
    move("e11", 10, "03-05 10:00", WON, WON, to=PARTNERS),
    event(
        "e12",
        "sale_field_changed",
        2,
        "01-14 10:00",
        [{"sale_field_value": {"sale": 1500}}],
        [{"sale_field_value": {"sale": 2000}}],
    ),
    event("e13", "lead_added", 1, "01-05 10:00", [], []),
    move("e14", 11, "03-20 10:00", FIRST, WON),
    move("e15", 11, "03-20 10:00", WON, OFFER),
]
TASKS = [
    {"id": 1, "task_type_id": 2, "is_completed": True, "complete_till": at("03-15 15:00")}
    | {"entity_id": 9, "entity_type": "leads", "responsible_user_id": 501, "text": "Встреча"}
    | {"created_at": at("03-01 10:00"), "updated_at": at("03-16 10:00"), "result": {"text": "да"}},
    {"id": 2, "task_type_id": 2, "is_completed": False, "complete_till": at("03-18 15:00")}
    | {"entity_id": 9, "entity_type": "leads", "responsible_user_id": 501, "text": "Встреча"}
    | {"created_at": at("03-01 10:00"), "updated_at": at("03-01 10:00"), "result": []},
]


def note(number: int, kind: str, when: str, **params: Any) -> dict:
    """Spell a record of /api/v4/leads/notes."""
    href = f"https://firm.amocrm.ru/api/v4/leads/notes/{number}"
    told = {"id": number, "entity_id": 8, "note_type": kind, "params": params, "created_by": 0}
    told |= {"created_at": at(when), "updated_at": at(when), "responsible_user_id": 501}
    return told | {"account_id": 1, "_links": {"self": {"href": href}}}


NOTES = [
    note(1, "call_out", "02-15 10:09", duration=45, phone="+79991112233"),
    note(2, "call_in", "03-03 10:00", duration=5, phone="+79991112233"),
    note(3, "common", "03-03 10:00", text="Позвонить"),
]


def account(company: Company, **source: Any) -> Company:
    """Return a workspace with one source of amoCRM and no stage of its own."""
    company.settings["sources"] = {"amo": {"system": "amocrm"} | source}
    company.settings["stages"] = []
    return company


def deliver(company: Company) -> Company:
    """Drop pages in names of their own: 6 stands on both pages, an event on two, two are empty."""
    company.file("1.json", page("leads", *LEADS[:6], is_last=False), source="amo")
    company.file("2.json", page("leads", *LEADS[5:], number=2), source="amo")
    company.file("3.json", "", source="amo")
    company.file("4.json", "{}", source="amo")
    company.file("5.json", page("events", *MOVES[:8], is_last=False), source="amo")
    company.file("6.json", page("events", *MOVES[6:], number=2), source="amo")
    company.file("7.json", page("pipelines", *PIPELINES), source="amo")
    company.file("8.json", page("users", *USERS), source="amo")
    people = [contact(90, "112"), contact(91, "+7 999 111-22-33"), contact(92, "8 (999) 1112233")]
    company.file("9.json", page("contacts", *people), source="amo")
    reasons = [{"id": 71, "name": "Дорого", "sort": 1, "created_at": 1, "updated_at": 1}]
    company.file("10.json", page("loss_reasons", *reasons), source="amo")
    company.file("11.json", page("tasks", *TASKS), source="amo")
    company.file("12.json", page("notes", *NOTES), source="amo")
    return company


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Return the release of the account above, computed once."""
    company = account(Company(tmp_path_factory.mktemp("amo") / "ws"))
    return deliver(company).run()


def test_revenue_is_dated_by_the_history_and_a_deal_back_at_work_reverses_its_win(firm):
    """January 1000.55 + 2000 + 600; February 300 - 2000; March 400 + 500; 7000 was deleted."""
    assert firm.kpi("booked_revenue", JAN) == 3600.55
    assert firm.kpi("booked_revenue", FEB) == -1700
    assert firm.kpi("booked_revenue", MAR) == 900
    wins = firm.rows(
        "select deal_id, event, occurred_on::varchar "
        "from marts.fct_deal_events order by 3, 1, 2 desc"
    )
    assert wins == [
        ("amo:2", "won", "2026-01-15"),
        ("amo:1", "won", "2026-01-20"),
        ("amo:10", "won", "2026-01-25"),
        ("amo:3", "lost", "2026-02-05"),
        ("amo:2", "reversed", "2026-02-10"),
        ("amo:6", "won", "2026-02-20"),
        ("amo:8", "won", "2026-03-10"),
        ("amo:9", "won", "2026-03-12"),
        ("amo:11", "won", "2026-03-20"),
        ("amo:11", "reversed", "2026-03-20"),
    ]


def test_each_record_is_one_lead_and_a_deal_only_if_it_left_the_inbox_to_be_one(firm):
    """Created in January: 1 2 3 9 10. In February: 4 5 6 8, where 8 has the phone of 6."""
    assert firm.kpi("new_leads", JAN) == 5
    assert firm.kpi("new_leads", FEB) == 3
    deals = firm.rows("select split_part(deal_id, ':', 2)::int from marts.fct_deals order by 1")
    assert [number for (number,) in deals] == [1, 2, 3, 6, 8, 9, 10, 11]
    meanings = dict(firm.rows("select lead_id, status_outcome from marts.fct_leads"))
    assert {meanings.pop("amo:4"), meanings.pop("amo:5")} == {"new", "junk"}
    assert set(meanings.values()) == {"working"}
    days = "select opened_on::varchar from marts.fct_deals where deal_id = 'amo:1'"
    assert firm.one(days) == "2026-01-07"
    created = "select created_on::varchar from marts.fct_leads where lead_id = 'amo:1'"
    assert firm.one(created) == "2026-01-05"


def test_a_lost_deal_has_its_reason_by_name_and_a_declined_lead_is_none(firm):
    assert firm.kpi("lost_deals", FEB) == 1
    assert firm.rows("select deal_id, loss_reason from marts.fct_deals where outcome = 'lost'") == [
        ("amo:3", "Дорого")
    ]


def test_the_owner_at_the_win_counts_and_one_who_was_removed_keeps_the_past(firm):
    """Anna had 9 when it was won; 503 is in no list of users."""
    assert firm.kpi("booked_revenue", MAR, scope="manager", who="amo:501") == 900
    assert firm.kpi("booked_revenue", FEB, scope="manager", who="amo:503") == 300
    owners = dict(firm.rows("select deal_id, manager_now_id from marts.fct_deals"))
    assert owners["amo:9"] == "amo:502"
    assert firm.kpi("booked_revenue", MAR, scope="team", who="Отдел продаж") == 900


def test_calls_are_notes_and_a_done_meeting_stands_on_its_day(firm):
    assert firm.kpi("calls", FEB) == 1
    assert firm.kpi("calls", MAR) == 1
    assert firm.kpi("connected_calls", FEB) == 1  # 45 seconds; the other one has 5
    assert firm.kpi("meetings", MAR) == 1  # the planned one is none yet
    held = (
        "select occurred_on::varchar from marts.fct_activities where kind = 'meeting' and is_done"
    )
    assert firm.rows(held) == [("2026-03-15",)]


def test_every_row_and_every_kopeck_of_each_file_has_its_place(firm):
    """First page 1000.55 + 2000 + 50 + 300; second 300 + 7000 + 400 + 500 + 600 + 80."""
    rows = firm.rows(
        "select file_name, rows_seen, rows_loaded, rows_quarantined, amount_seen, amount_loaded "
        "from ops.reconciliation where entity = 'deals' order by 1"
    )
    assert [(name[-6:], *map(float, rest)) for name, *rest in rows] == [
        ("1.json", 6, 6, 0, 3350.55, 3350.55),
        ("2.json", 6, 6, 0, 8880, 8880),
    ]
    unequal = (
        "select count(*) from ops.reconciliation "
        "where rows_seen <> rows_loaded + rows_quarantined or amount_seen <> amount_loaded"
    )
    assert firm.one(unequal) == 0
    empty = firm.rows("select file_name from ops.files where status = 'empty' order by 1")
    assert empty == [("raw/amo/3.json",), ("raw/amo/4.json",)]


def test_a_deleted_win_stands_where_the_run_looks_back_before_its_deletion(tmp_path: Path):
    """On 28 February 7 was there: 300 + 7000 - 2000."""
    company = deliver(account(Company(tmp_path / "ws")))
    company.settings["as_of"] = "2026-02-28"
    assert company.run().kpi("booked_revenue", FEB) == 5300


EXPORT = (
    "ID;Название сделки;Бюджет;Ответственный;Дата создания сделки;Дата редактирования;"
    "Дата закрытия;Теги;Этап сделки;Воронка;Полное имя контакта;Компания;Рабочий телефон;"
    "Товар;Источник;utm_source;Товар;Источник\r\n"
    "1;Сделка 1;1\u00a0234,50 руб.;Анна Петрова;05.01.2026 10:00:00;06.02.2026 12:00:00;"
    "06.02.2026 12:00:00;vip, важный;Успешно реализовано;Продажи;Иван;Ромашка;89991112233;"
    "А;;;;Сайт\r\n"
    "2;Сделка 2;99 000 руб.;Анна Петрова;06.01.2026 10:00:00;07.02.2026 12:00:00;"
    "07.02.2026 12:00:00;;Успешно реализовано;Продажи;;;;;Сайт;;;\r\n"
    "3;Сделка 3;0,10 руб.;Борис Ким;07.01.2026 10:00:00;08.03.2026 00:10:00;"
    "08.03.2026 00:10:00;;Успешно реализовано;Продажи;;;;;;;;Сайт\r\n"
    "4;Сделка 4;10,01 руб.;Борис Ким;08.01.2026 10:00:00;09.03.2026 12:00:00;"
    "не закрыта;;Переговоры;Продажи;;;;;Сайт;;;\r\n"
    "5;Сделка 5;7,77 руб.;Борис Ким;09.01.2026 10:00:00;10.02.2026 12:00:00;"
    "10.02.2026 12:00:00;;Закрыто и не реализовано;Продажи;;;;;Сайт;;;\r\n"
)
SAME = [
    lead(1, WON, "01-05 10:00", "02-06 12:00", 1234, closed="02-06 12:00")
    | {"price_with_minor_units": 1234.5},
    lead(2, WON, "01-06 10:00", "02-07 12:00", 99000, closed="02-07 12:00")
    | {"price_with_minor_units": 99000},
    lead(3, WON, "01-07 10:00", "03-08 00:10", 0, closed="03-08 00:10", responsible_user_id=502)
    | {"price_with_minor_units": 0.1},
    lead(4, FIRST, "01-08 10:00", "03-09 12:00", 10, responsible_user_id=502)
    | {"price_with_minor_units": 10.01},
    lead(5, LOST, "01-09 10:00", "02-10 12:00", 7, closed="02-10 12:00", responsible_user_id=502)
    | {"price_with_minor_units": 7.77},
]
FIGURES = (
    "select kpi_code, period_grain, period_start, numerator, denominator from marts.kpi_values "
    "where scope_type in ('company', 'channel') and kpi_code in ('booked_revenue', 'won_deals', "
    "'lost_deals', 'win_rate', 'win_rate_amount', 'average_check', 'new_leads', "
    "'cycle_days_median') "
    "order by all"
)


def test_an_export_saved_again_by_excel_equals_the_json_of_the_same_records(tmp_path: Path):
    """February 1234.50 + 99000 = 100234.50, March 0.10; no day in the file is above 12.

    The sign of the rouble is none of cp1251: Excel writes `Бюджет, ?` for `Бюджет, ₽`.
    """
    export = account(Company(tmp_path / "csv"))
    text = EXPORT.replace("Бюджет;", "Бюджет, ₽;")
    export.file("сделки.csv", text.encode("cp1251", "replace"), source="amo")
    by_csv = export.run()
    assert by_csv.kpi("booked_revenue", FEB) == 100234.5
    assert by_csv.kpi("booked_revenue", MAR) == 0.1
    assert by_csv.kpi("booked_revenue", MAR, scope="channel", who="Сайт") == 0.1
    assert by_csv.kpi("win_rate", FEB) == pytest.approx(2 / 3)
    dump = account(Company(tmp_path / "json"))
    dump.file("x.json", page("leads", *SAME), source="amo")
    assert by_csv.rows(FIGURES) == dump.run().rows(FIGURES)
    phones = "select count(*) from marts.fct_deals where customer_id is not null"
    assert by_csv.one(phones) == 1


def test_an_english_workbook_is_read_with_the_currency_of_its_header(company: Company):
    """Kommo: 10.5 + 20 dollars won in February."""
    from io import BytesIO

    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    headers = (
        "ID|Lead title|Budget, $|Responsible user|Created at|Closed at|Lead stage|Pipeline|Tags"
    )
    sheet.append(headers.split("|"))
    day = datetime(2026, 2, 3, 10)
    sheet.append([1, "A", 10.5, "Ann Lee", datetime(2026, 1, 5, 9), day, "Closed - won", "Main"])
    sheet.append([2, "B", 20, "Ann Lee", datetime(2026, 1, 6, 9), day, "Closed – won", "Main"])
    sheet.append([3, "C", 30, "Ann Lee", datetime(2026, 1, 7, 9), day, "Closed - lost", "Main"])
    sheet.append([4, "D", 40, "Ann Lee", datetime(2026, 1, 7, 9), None, "Demo", "Main"])
    sheet.append([5, "E", 0, "Ann Lee", datetime(2026, 2, 7, 9), None, "Incoming leads", "Main"])
    data = BytesIO()
    book.save(data)
    account(company).settings["reporting_currency"] = "USD"
    company.settings["sources"]["amo"]["currency"] = "EUR"
    company.settings["stages"] = [{"stage": "Demo", "outcome": "open"}]
    company.file("leads export.xlsx", data.getvalue(), source="amo")
    published = company.run()
    assert published.kpi("booked_revenue", FEB) == 30.5
    assert published.kpi("lost_deals", FEB) == 1
    # 5 is in the inbox: a lead, no deal
    assert published.one("select count(*) from marts.fct_deals") == 4
    assert published.kpi("new_leads", FEB) == 1


def test_a_stage_that_only_has_a_name_of_its_own_is_asked_for_and_never_guessed(company: Company):
    account(company)
    renamed = EXPORT.replace("Успешно реализовано", "Счет оплачен")
    company.file("сделки.csv", renamed, source="amo")
    with pytest.raises(PipelineError) as refused:
        company.run()
    assert 'stage: "Счет оплачен"' in str(refused.value)
    # the statuses of the account know the name, so nothing needs to be written
    company.file("p.json", page("pipelines", *PIPELINES), source="amo")
    assert company.run().kpi("booked_revenue", FEB) == 100234.5


def lines(*records: dict) -> str:
    """Spell records as a pull writes them."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def test_lines_of_a_pull_give_the_figures_of_the_pages(tmp_path: Path, firm):
    """The deletion of 7 comes as a short record of the deleted list, not as an event."""
    company = account(Company(tmp_path / "ws"))
    events = [told for told in MOVES if told["type"] != "lead_deleted"]
    gone = {"id": 7, "is_deleted": True, "updated_at": at("03-01 09:00"), "account_id": 1}
    company.file("20260331/leads.ndjson", lines(*LEADS), source="amo")
    company.file("20260331/leads_deleted.ndjson", lines(gone), source="amo")
    company.file("20260331/events.ndjson", lines(*events), source="amo")
    company.file("20260331/pipelines.ndjson", lines(*PIPELINES), source="amo")
    published = company.run()
    assert published.kpi("booked_revenue", JAN) == 3600.55
    assert published.kpi("booked_revenue", FEB) == -1700
    assert published.kpi("booked_revenue", MAR) == 900
    named = "select distinct pipeline from marts.fct_deals order by 1"
    assert published.rows(named) == firm.rows(named)
    assert published.one("select count(*) from ops.quarantine where is_row_rejected") == 0


def test_pages_may_differ_in_whether_they_tell_minor_units(company: Company):
    """100.25 where minor units are told, 50 where only whole ones are: 150.25.

    Money of a lead is in the account's currency, whatever a field of a user's own is called.
    """
    first = lead(1, WON, "01-05 10:00", "02-06 12:00", 100, closed="02-06 12:00")
    other = lead(2, WON, "01-05 10:00", "02-06 12:00", 50, closed="02-06 12:00")
    contract_in = {"field_id": 79, "field_name": "Валюта", "values": [{"value": "EUR"}]}
    other["custom_fields_values"].append(contract_in)
    records = [first | {"price_with_minor_units": 100.25}, other | {"price_with_minor_units": None}]
    account(company).file("x.json", page("leads", *records), source="amo")
    published = company.run()
    assert published.kpi("booked_revenue", FEB) == 150.25
    assert published.one("select amount_seen from ops.reconciliation") == 150.25


def test_leads_may_be_switched_off_and_fields_laid_over(company: Company):
    record = lead(1, WON, "01-05 10:00", "02-06 12:00", 100, closed="02-06 12:00")
    record["custom_fields_values"] += [
        {"field_id": 77, "field_name": "Себестоимость", "values": [{"value": "40.5"}]},
        {"field_id": 78, "field_code": "GOODS", "values": [{"value": "Станок"}]},
    ]
    laid = {"deals": {"columns": {"cost": "field:77", "product_name": "field:GOODS"}}}
    account(company, leads_from_deals=False, entities=laid)
    company.file("x.json", page("leads", record), source="amo")
    published = company.run()
    assert published.one("select count(*) from marts.fct_leads") == 0
    deal = "select cost, product_name from marts.fct_deals"
    assert [(float(c), p) for c, p in published.rows(deal)] == [(40.5, "Станок")]


CONTRACT = CONTRACTS["amocrm"]
COMPANY = {"id": 5, "name": "ООО", "responsible_user_id": 1, "created_at": 1, "updated_at": 1}


@pytest.mark.parametrize(
    ("name", "content", "table"),
    [
        ("a.json", page("leads", LEADS[0]), "lead"),
        ("a.json", json.dumps([json.loads(page("leads", LEADS[0]))] * 2), "lead"),
        ("a.ndjson", lines(LEADS[0]), "lead"),
        ("a.ndjson", lines(json.loads(page("leads", *LEADS))), "lead"),
        ("a.json", page("events", *MOVES), "event"),
        ("a.ndjson", lines(*MOVES), "event"),
        ("a.json", page("pipelines", *PIPELINES), "status"),
        ("a.ndjson", lines(*PIPELINES), "status"),
        ("a.json", page("users", *USERS), "user"),
        ("a.ndjson", lines(*USERS), "user"),
        ("a.json", page("contacts", contact(1, "2")), "contact"),
        ("a.ndjson", lines(contact(1, "2")), "contact"),
        ("a.json", page("companies", COMPANY), "company"),
        ("companies.ndjson", lines(COMPANY), "company"),
        ("a.json", page("tasks", *TASKS), "task"),
        ("a.ndjson", lines(*NOTES), "note"),
        ("a.json", page("loss_reasons", {"id": 1, "name": "Дорого", "sort": 2}), "loss_reason"),
        ("a.json", page("tags", {"id": 1, "name": "vip", "color": None}), "tag"),
        ("a.csv", EXPORT, "lead"),
        ("a.json", "\n", None),
        ("a.ndjson", "\n", None),
        ("a.json", "[]", None),
        ("a.json", page("leads"), None),
    ],
)
def test_a_file_is_told_by_its_content(tmp_path: Path, name, content, table):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    found = recognise(path, name, SourceConfig(system="amocrm"), CONTRACT, name)
    assert (found.table.name if found else None) == table


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('{"title": "Unauthorized", "status": 401, "detail": "x"}', "unrecognised_file"),
        ('{"_embedded": {"leads": [{"id": 1', "broken_json"),
        ("<html>502</html>", "broken_json"),
    ],
)
def test_an_answer_that_is_no_page_is_refused(tmp_path: Path, content, code):
    path = tmp_path / "leads.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SourceFileError) as refused:
        recognise(path, "leads.json", SourceConfig(system="amocrm"), CONTRACT, "leads.json")
    assert refused.value.reason_code == code


def test_an_export_without_ids_is_refused_with_the_line_that_helps(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text(EXPORT.replace("ID;", "Номер;", 1), encoding="utf-8")
    with pytest.raises(SourceFileError, match="@row"):
        recognise(path, "x.csv", SourceConfig(system="amocrm"), CONTRACT, "x.csv")
