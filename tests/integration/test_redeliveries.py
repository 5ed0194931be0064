"""Files that come back, move or replace each other: the marts say what the newest delivery says.

Deal 1 is won on 20 May 2026; state A says 100 of it, state B says 999.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime

import pytest

from tests.conftest import Company, run_all

MAY = "2026-05-01"
COLUMNS = "deal_id stage opened_at closed_at amount manager_id"
HEADER = "deal_id,stage,opened_at,closed_at,amount,manager_id\n"
A = HEADER + "1,won,2026-05-01,2026-05-20,100,m1\n"
B = A.replace(",100,", ",999,")


def row(deal: int, amount: int = 10) -> str:
    return f"{deal},won,2026-05-01,2026-05-20,{amount},m1\n"


@pytest.fixture
def deals(company: Company) -> Company:
    company.settings |= {
        "as_of": "2026-06-30",
        "settings": {"revenue_drop_limit": 1.0, "full_delivery_shrink_limit": 1.0},
    }
    return company.entity("deals", COLUMNS, files="deals*.csv")


@pytest.fixture
def folders(deals: Company) -> Company:
    """Full deliveries, a folder each."""
    return deals.entity("deals", COLUMNS, files="*/deals*.csv").source(delivery="full")


def living(published) -> list[str]:
    return [deal for (deal,) in published.rows("select deal_id from marts.fct_deals order by 1")]


def test_a_state_that_comes_back_at_its_path_is_the_newest(deals):
    deals.file("deals.csv", A)
    deals.run()
    deals.file("deals.csv", B)
    assert deals.run().kpi("booked_revenue", MAY) == 999
    between = datetime.now(UTC).replace(tzinfo=None)
    deals.file("deals.csv", A)
    published = deals.run()
    assert published.kpi("booked_revenue", MAY) == 100
    assert run_all(deals.directory, known_by=between).kpi("booked_revenue", MAY) == 999


def test_a_state_that_comes_back_as_the_newest_export_counts(deals):
    deals.source(observed_at=r"(\d{4}-\d\d-\d\d)")
    for day, state in (("01", A), ("02", B), ("03", A)):
        deals.file(f"deals_2026-06-{day}.csv", state)
    assert deals.run().kpi("booked_revenue", MAY) == 100


def test_a_renamed_export_counts_by_its_new_day_without_a_full_refresh(deals):
    deals.source(observed_at=r"(\d{4}-\d\d-\d\d)")
    first = deals.file("deals_2026-06-01.csv", A)
    deals.file("deals_2026-06-02.csv", B)
    assert deals.run().kpi("booked_revenue", MAY) == 999
    first.rename(first.with_name("deals_2026-06-05.csv"))
    published = deals.run()
    assert published.kpi("booked_revenue", MAY) == 100
    origin = published.rows("select _source_file from marts.fct_deals")
    assert origin == [("raw/crm/deals_2026-06-05.csv",)]
    assert deals.run(full_refresh=True).kpi("booked_revenue", MAY) == 100


def test_of_full_deliveries_the_last_says_who_lives_also_where_it_repeats_an_earlier_one(folders):
    folders.source(observed_at=r"(\d{4}-\d\d-\d\d)")
    for day, ids in (("01", (1, 2)), ("02", (1, 3)), ("03", (1, 2))):
        folders.file(f"2026-06-{day}/deals.csv", HEADER + "".join(map(row, ids)))
    assert living(folders.run()) == ["crm:1", "crm:2"]


def test_a_renamed_full_delivery_is_the_last(folders):
    folders.source(observed_at=r"(\d{4}-\d\d-\d\d)")
    folders.file("2026-06-01/deals.csv", HEADER + row(1) + row(2))
    folders.file("2026-06-02/deals.csv", HEADER + row(1) + row(2) + row(3))
    assert len(living(folders.run())) == 3
    folder = folders.directory / "raw" / "crm"
    (folder / "2026-06-01").rename(folder / "2026-06-03")
    assert living(folders.run()) == ["crm:1", "crm:2"]


def test_a_file_of_a_full_delivery_that_did_not_change_deletes_nothing(folders):
    folders.file("first/deals_a.csv", HEADER + row(1))
    folders.file("first/deals_b.csv", HEADER + row(2, 20))
    folders.run()
    folders.file("second/deals_a.csv", HEADER + row(1))
    folders.file("second/deals_b.csv", HEADER + row(2, 25))
    published = folders.run()
    assert living(published) == ["crm:1", "crm:2"]
    assert published.kpi("booked_revenue", MAY) == 10 + 25


def test_an_earlier_content_of_a_path_outlives_the_working_files(deals):
    """Keyed records are never removed by a later content; raw/ has only that one. With its copies
    gone too, and the files read by another limit, the loss is told."""
    deals.file("deals.csv", HEADER + row(1) + row(2))
    deals.run()
    deals.file("deals.csv", HEADER + row(2) + row(3))
    assert len(living(deals.run())) == 3
    shutil.rmtree(deals.directory / "warehouse")
    deals.settings["settings"]["max_columns"] = 500
    published = deals.run()
    assert living(published) == ["crm:1", "crm:2", "crm:3"]
    assert published.kpi("booked_revenue", MAY) == 30
    shutil.rmtree(deals.directory / "warehouse")
    shutil.rmtree(deals.directory / "state" / "versions")
    found = deals.run().rows("select status, reason_code from ops.files order by 1")
    assert found == [("loaded", None), ("superseded_unreadable", "version_lost")]


@pytest.mark.parametrize(
    ("entity", "columns", "row"),
    [
        ("activities", "activity_id occurred_at kind status", "{},{},meeting,done\n"),
        ("payments", "payment_id paid_at kind amount", "{},{},payment,10\n"),
    ],
)
def test_a_record_moved_to_before_the_runs_day_is_kept_and_accounted_for_once(
    company: Company, entity: str, columns: str, row: str
):
    """As of 31 March. r1 was told for 1 May and then for 1 February, r2 the other way round: the
    newest export counts, so that r1 is there and r2 is not yet."""
    company.entity(entity, columns, files=f"*/{entity}.csv")
    company.source(observed_at=r"/(\d{4}-\d\d-\d\d)/")
    header, early, late = columns.replace(" ", ",") + "\n", "2026-02-01", "2026-05-01"
    for day, r1, r2 in (("2026-02-02", late, early), ("2026-03-02", early, late)):
        rows = row.format("r1", r1) + row.format("r2", r2)
        company.file(f"{day}/{entity}.csv", header + rows)
    key = columns.split(" ", 1)[0]
    assert company.run().rows(f"select {key} from marts.fct_{entity}") == [("crm:r1",)]


def test_a_full_delivery_takes_back_the_payments_and_activities_that_it_lacks(company: Company):
    """Both exports of March are declared full. On the 1st 10 + 20 + 40 are paid and three calls
    made; on the 15th the 20 and the second call are gone, and the amount of the 40 cannot be read,
    which is no absence. As of the 14th all of it is there."""
    company.settings["settings"] = {"row_error_limit": 1.0, "full_delivery_shrink_limit": 1.0}
    company.source(delivery="full", observed_at=r"/(\d{4}-\d\d-\d\d)/")
    calls = "a1,call,2026-02-01,done\na2,call,2026-02-02,done\na3,call,2026-02-03,done\n"
    paid = "y1,2026-02-01,10\ny2,2026-02-02,20\ny3,2026-02-03,40\n"
    company.entity("activities", "activity_id kind occurred_at status", files="*/activities.csv")
    company.entity("payments", "payment_id paid_at amount", files="*/payments.csv")
    of_calls, of_payments = "activity_id,kind,occurred_at,status\n", "payment_id,paid_at,amount\n"
    company.file("2026-03-01/activities.csv", of_calls + calls)
    company.file("2026-03-01/payments.csv", of_payments + paid)
    company.file(
        "2026-03-15/activities.csv", of_calls + calls.replace("a2,call,2026-02-02,done\n", "")
    )
    company.file("2026-03-15/payments.csv", of_payments + "y1,2026-02-01,10\ny3,2026-02-03,forty\n")
    published = company.run()
    assert published.kpi("paid_revenue", "2026-02-01") == 10 + 40
    assert published.kpi("calls", "2026-02-01") == 2
    before = run_all(company.directory, as_of=date(2026, 3, 14))
    assert before.kpi("paid_revenue", "2026-02-01") == 10 + 20 + 40
    assert before.kpi("calls", "2026-02-01") == 3


def test_a_row_that_a_full_delivery_could_not_read_is_no_absence(folders):
    """The second export lacks deal 3, and its amount of deal 2 is no number: deal 2 stands as it
    was told before, deal 3 is gone."""
    folders.settings["settings"]["row_error_limit"] = 1.0
    folders.source(observed_at=r"(\d{4}-\d\d-\d\d)")
    folders.file("2026-06-01/deals.csv", HEADER + row(1) + row(2, 20) + row(3, 40))
    folders.file("2026-06-02/deals.csv", HEADER + row(1) + row(2).replace(",10,", ",ten,"))
    published = folders.run()
    assert living(published) == ["crm:1", "crm:2"]
    assert published.kpi("booked_revenue", MAY) == 10 + 20


def test_shares_and_lines_that_the_last_full_delivery_lacks_are_taken_back(folders):
    """Deals 1 (10) and 2 (20) were shared half and half by m1 and m2, and lines said what was sold.
    The export of 2 June tells both of deal 1 alone: deal 2 is m1's whole, of no known product."""
    folders.source(observed_at=r"(\d{4}-\d\d-\d\d)")
    folders.entity("deal_splits", "deal_id manager_id share", files="*/splits.csv")
    folders.entity("deal_items", "deal_id product_id price", files="*/items.csv")
    for day, told in (("2026-06-01", (1, 2)), ("2026-06-02", (1,))):
        splits = "".join(f"{deal},m1,0.5\n{deal},m2,0.5\n" for deal in told)
        items = "".join(f"{deal},p1,5\n" for deal in told)
        folders.file(f"{day}/deals.csv", HEADER + row(1) + row(2, 20))
        folders.file(f"{day}/splits.csv", "deal_id,manager_id,share\n" + splits)
        folders.file(f"{day}/items.csv", "deal_id,product_id,price\n" + items)
    published = folders.run()
    credited = [
        published.kpi("credited_revenue", MAY, scope="manager", who=f"crm:m{n}") for n in (1, 2)
    ]
    assert credited == [10 / 2 + 20, 10 / 2]
    assert published.rows("select deal_id, product_id from marts.fct_deal_items") == [
        ("crm:1", "crm:p1")
    ]
