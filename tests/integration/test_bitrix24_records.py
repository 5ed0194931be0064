"""Bitrix24 beside deals: people, leads, calls, customers, product rows, a second portal."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from dagster_project.settings import load_workspace
from dagster_project.source_check import wins_by_month
from tests.conftest import Company
from tests.fixtures.bitrix24 import DEALS, FEB, JAN, batch, deal, page


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
