"""Bitrix24: which deals are won and when, by semantics and history, never by a name."""

from __future__ import annotations

import json

import pytest

from dagster_project.errors import GateFailed
from tests.conftest import EXAMPLES, Company, needs
from tests.fixtures.bitrix24 import DEALS, FEB, JAN, MAR, STAGES, batch, deal, move, page

LIVE = EXAMPLES / "bitrix24_real_api" / "json_converted"


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
