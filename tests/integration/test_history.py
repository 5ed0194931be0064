"""History of deals: what is delivered of it, and what the sequence of deliveries tells of it."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from dagster_project.errors import GateFailed
from tests.conftest import Company, run_all

COLUMNS = "deal_id stage opened_at closed_at amount planned_close_on manager_id updated_at"
HEADER = COLUMNS.replace(" ", ",") + "\n"
FOLDER_DAY = r"/(\d{4}-\d{2}-\d{2})/"


def exported(company: Company, day: str, *rows: str) -> None:
    company.file(f"{day}/deals.csv", HEADER + "".join(f"{row}\n" for row in rows))


def with_exports(company: Company) -> Company:
    """Map deals that come as whole exports in folders named by day, in Moscow."""
    company.entity("deals", COLUMNS, files="*/deals.csv", constants={"currency": "RUB"})
    company.source(observed_at=FOLDER_DAY)
    company.settings["settings"] = {"undated_wins_limit": 1.0, "low_sample_below": 2}
    return company


def listed(published, reason: str) -> list[tuple]:
    return published.rows(
        "select _source_file, _source_row, value, is_row_rejected from ops.quarantine "
        "where reason_code = ? order by 1, 2",
        [reason],
    )


# -- without a delivered history ----------------------------------------------------------------


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Three exports: 31 January, 28 February, 31 March. The run looks from 31 March.

    | deal | 31 Jan | 28 Feb | 31 Mar |
    |---|---|---|---|
    | a | open, 100, plan 1 Mar, m1 | offer, 120, m2; updated 10 Feb 00:30 in Moscow | plan 1 Apr |
    | b | open | won (no close date); updated 20 Feb | won |
    | c | won (no date: first seen so) | won | won |
    | d | open | won; updated 15 Feb | open again |
    | e | open | lost; updated_at older than the January export | lost |
    | f | open | open | offer; no updated_at at all |
    """
    company = with_exports(Company(tmp_path_factory.mktemp("exports") / "ws"))
    exported(
        company,
        "2026-01-31",
        "a,open,2026-01-05,,100,2026-03-01,m1,2026-01-20 10:00:00",
        "b,open,2026-01-05,,200,,m1,2026-01-20 10:00:00",
        "c,won,2026-01-05,,300,,m1,2026-01-20 10:00:00",
        "d,open,2026-01-05,,400,,m1,2026-01-20 10:00:00",
        "e,open,2026-01-05,,500,,m1,2026-01-10 10:00:00",
        "f,open,2026-01-05,,600,,m1,",
    )
    exported(
        company,
        "2026-02-28",
        "a,offer,2026-01-05,,120,2026-03-01,m2,2026-02-09T21:30:00Z",
        "b,won,2026-01-05,,200,,m1,2026-02-20 10:00:00",
        "c,won,2026-01-05,,300,,m1,2026-01-20 10:00:00",
        "d,won,2026-01-05,,400,,m1,2026-02-15 10:00:00",
        "e,lost,2026-01-05,,500,,m1,2026-01-12 10:00:00",
        "f,open,2026-01-05,,600,,m1,",
    )
    exported(
        company,
        "2026-03-31",
        "a,offer,2026-01-05,,120,2026-04-01,m2,2026-03-15 12:00:00",
        "b,won,2026-01-05,,200,,m1,2026-02-20 10:00:00",
        "c,won,2026-01-05,,300,,m1,2026-01-20 10:00:00",
        "d,offer,2026-01-05,,400,,m1,2026-03-10 10:00:00",
        "e,lost,2026-01-05,,500,,m1,2026-01-12 10:00:00",
        "f,offer,2026-01-05,,600,,m1,",
    )
    return company.run()


def test_fields_that_differ_between_exports_become_changes_dated_by_updated_at(exports):
    """21:30 UTC on 9 February is 00:30 on the 10th in Moscow: the change is of the 10th."""
    found = exports.rows(
        "select field, old_value, new_value, changed_at, changed_on, basis "
        "from marts.fct_deal_changes where deal_id = 'crm:a' order by changed_at, field"
    )
    night, day = datetime(2026, 2, 9, 21, 30), date(2026, 2, 10)
    noon = datetime(2026, 3, 15, 9, 0)  # 12:00 in Moscow
    assert found == [
        ("amount", "100.0000", "120.0000", night, day, "inferred"),
        ("owner", "crm:m1", "crm:m2", night, day, "inferred"),
        ("planned_close_on", "2026-03-01", "2026-04-01", noon, date(2026, 3, 15), "inferred"),
    ]


def test_a_change_whose_updated_at_lies_outside_is_dated_by_the_observation(exports):
    """The record of e says 12 January, yet the export of the 31st still had it open; that of f
    says nothing. A day in a path is the whole business day, and stands for its midnight."""
    found = exports.rows(
        "select deal_id, stage_name, entered_on, is_inferred from marts.fct_deal_stage_history "
        "where deal_id in ('crm:e', 'crm:f') and move_number = 2 order by 1"
    )
    assert found == [
        ("crm:e", "lost", date(2026, 2, 28), True),
        ("crm:f", "offer", date(2026, 3, 31), True),
    ]
    assert exports.kpi("lost_deals", "2026-02-01") == 1


def test_the_stage_that_was_seen_first_has_no_known_entry(exports):
    found = exports.rows(
        "select stage_name, entered_on, days_in_stage, is_entry_known "
        "from marts.fct_deal_stage_history where deal_id = 'crm:a' order by move_number"
    )
    assert found == [
        ("open", date(2026, 1, 5), None, False),
        ("offer", date(2026, 2, 10), None, True),
    ]


def test_a_win_between_two_exports_is_dated_by_them_and_one_seen_from_the_start_is_not(exports):
    found = exports.rows(
        "select deal_id, outcome, won_on from marts.fct_deals "
        "where deal_id in ('crm:b', 'crm:c') order by 1"
    )
    assert found == [("crm:b", "won", date(2026, 2, 20)), ("crm:c", "won", None)]
    assert exports.kpi("booked_revenue", "2026-02-01") == 200
    assert [row[:2] for row in listed(exports, "undated_win")] == [
        ("raw/crm/2026-03-31/deals.csv", 4)
    ]


def test_a_win_that_vanished_without_a_history_was_never_there_and_is_listed(exports):
    assert exports.rows("select event from marts.fct_deal_events where deal_id = 'crm:d'") == []
    assert exports.one("select outcome from marts.fct_deals where deal_id = 'crm:d'") == "open"
    assert listed(exports, "win_withdrawn") == [("raw/crm/2026-03-31/deals.csv", 5, "offer", False)]


def test_an_earlier_day_is_looked_at_with_the_stage_of_then(exports):
    """On 15 February a was at offer since the 10th, b was not yet won (20 February)."""
    then = run_all(exports.session.workspace.directory, as_of=date(2026, 2, 15))
    found = then.rows(
        "select deal_id, stage_name, outcome from marts.fct_deals "
        "where deal_id in ('crm:a', 'crm:b') order by 1"
    )
    assert found == [("crm:a", "offer", "open"), ("crm:b", "open", "open")]
    assert then.one(
        "select (sum(deal_count), sum(amount)) from marts.fct_pipeline_daily "
        "where day = date '2026-02-10'"
    ) == (5, 120 + 200 + 400 + 500 + 600)  # not c: it is won, nobody knows when


def test_a_late_file_splits_what_was_one_step(tmp_path):
    """Seen on 31 January and 31 March the deal went from open to won in one step, in March. The
    export of 28 February comes last and shows it at offer since 20 February."""
    company = with_exports(Company(tmp_path / "late"))
    exported(company, "2026-01-31", "a,open,2026-01-05,,100,,m1,2026-01-20 10:00:00")
    exported(company, "2026-03-31", "a,won,2026-01-05,,100,,m1,2026-03-20 10:00:00")
    history = (
        "select stage_name, entered_on, days_in_stage from marts.fct_deal_stage_history "
        "order by move_number"
    )
    assert company.run().rows(history) == [
        ("open", date(2026, 1, 5), None),
        ("won", date(2026, 3, 20), None),
    ]
    exported(company, "2026-02-28", "a,offer,2026-01-05,,100,,m1,2026-02-20 10:00:00")
    assert company.run().rows(history) == [
        ("open", date(2026, 1, 5), None),
        ("offer", date(2026, 2, 20), 28),  # 20 February to 20 March
        ("won", date(2026, 3, 20), None),
    ]


def test_one_export_tells_no_history_and_its_kpis_say_so(tmp_path):
    company = with_exports(Company(tmp_path / "one"))
    exported(company, "2026-03-31", "a,open,2026-01-05,,100,2026-04-01,m1,2026-03-20 10:00:00")
    published = company.run()
    assert published.one("select count(*) from marts.fct_pipeline_daily") == 0
    reasons = dict(
        published.rows(
            "select kpi_code, unavailable_because from marts.dim_kpi "
            "where kpi_code in ('open_pipeline', 'weighted_pipeline', 'slippage_rate')"
        )
    )
    assert reasons["open_pipeline"] == "no history of deals is delivered"
    assert reasons["slippage_rate"] == "no history of deals is delivered"
    assert reasons["weighted_pipeline"] is not None


# -- a delivered history ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """One source with a log of stages, owners, amounts and plans; wins are dated by it.

    | deal | log |
    |---|---|
    | a | open 5 Jan - offer 15 Jan - offer again 16 Jan (no move) - won 25 Jan |
    | b | open 5 Jan - won 20 Jan 23:59 - offer 1 Feb 00:00 (reopened) - won 10 Feb |
    | c | open 5 Jan - contract 12 Jan (skips offer) - offer 19 Jan - lost 30 Jan |
    | d | open until deal_changes says offer on 10 Feb; owner m1 to m2 on 1 Feb, won 20 Feb |
    | e | won 8 Jan; its only owner row is of 1 Feb: m2, before it m1 |
    | f | deleted on 1 March, was open from 5 Jan |
    """
    company = Company(tmp_path_factory.mktemp("told") / "ws")
    company.settings["stages"].insert(2, {"stage": "contract", "outcome": "open", "position": 30})
    company.entity("deals", COLUMNS + " is_deleted", constants={"currency": "RUB"})
    company.source(won_date="history")
    company.file(
        "deals.csv",
        HEADER.strip()
        + ",is_deleted\n"
        + "a,won,2026-01-05,,100,,m1,2026-01-25,\n"
        + "b,won,2026-01-05,,200,,m1,2026-02-10,\n"
        + "c,lost,2026-01-05,,300,,m1,2026-01-30,\n"
        + "d,won,2026-01-05,,400,2026-03-01,m2,2026-02-20,\n"
        + "e,won,2026-01-05,,500,,m2,2026-02-01,\n"
        + "f,open,2026-01-05,,600,,m1,2026-03-01,yes\n",
    )
    company.entity("deal_stages", "deal_id stage entered_at")
    company.file(
        "deal_stages.csv",
        "deal_id,stage,entered_at\n"
        "a,open,2026-01-05 10:00:00\na,offer,2026-01-15 10:00:00\na,offer,2026-01-16 10:00:00\n"
        "a,won,2026-01-25 10:00:00\n"
        "b,open,2026-01-05 10:00:00\nb,won,2026-01-20 23:59:59\nb,offer,2026-02-01 00:00:00\n"
        "b,won,2026-02-10 10:00:00\n"
        "c,open,2026-01-05 10:00:00\nc,contract,2026-01-12 10:00:00\nc,offer,2026-01-19 10:00:00\n"
        "c,lost,2026-01-30 10:00:00\n"
        "e,won,2026-01-08 10:00:00\nf,open,2026-01-05 10:00:00\n",
    )
    company.entity("deal_changes", "deal_id field old_value new_value changed_at")
    company.file(
        "deal_changes.csv",
        "deal_id,field,old_value,new_value,changed_at\n"
        "d,stage,open,offer,2026-02-10 10:00:00\nd,stage,offer,won,2026-02-20 10:00:00\n"
        "d,owner,m1,m2,2026-02-01 10:00:00\n"
        'd,amount,350,"1 400,50",2026-01-20 10:00:00\n'
        "d,planned_close_on,2026-02-15,2026-03-01,2026-02-02 10:00:00\n"
        "e,owner,m1,m2,2026-02-01 10:00:00\n"
        'd,amount,"1,400","2,500",2026-01-25 10:00:00\n'
        "d,planned_close_on,,03/04/2026,2026-02-03 10:00:00\n"
        "d,colour,red,blue,2026-02-03 10:00:00\n",
    )
    company.file(
        "deal_changes_again.csv",  # exports overlap: the same change twice is one
        "deal_id,field,old_value,new_value,changed_at\nd,owner,m1,m2,2026-02-01 10:00:00\n",
    )
    return company.run()


def test_moves_are_told_apart_and_a_repeated_stage_is_none(told):
    found = told.rows(
        "select deal_id, stage_name, moved, days_in_stage from marts.fct_deal_stage_history "
        "where deal_id in ('crm:a', 'crm:b', 'crm:c') order by deal_id, move_number"
    )
    assert found == [
        ("crm:a", "open", None, 10),
        ("crm:a", "offer", "forward", 10),  # 15 to 25 January; the row of the 16th is no move
        ("crm:a", "won", "skipped", None),  # past contract
        ("crm:b", "open", None, 15),
        ("crm:b", "won", "skipped", 12),
        ("crm:b", "offer", "backward", 9),
        ("crm:b", "won", "skipped", None),
        ("crm:c", "open", None, 7),
        ("crm:c", "contract", "skipped", 7),
        ("crm:c", "offer", "backward", 11),
        ("crm:c", "lost", None, None),
    ]


def test_a_reopened_deal_reverses_on_the_day_of_the_company_and_may_be_won_again(told):
    """23:59:59 on 20 January in Moscow is that day; midnight of 1 February is February."""
    found = told.rows(
        "select event, occurred_on, amount from marts.fct_deal_events "
        "where deal_id = 'crm:b' order by occurred_on"
    )
    assert found == [
        ("won", date(2026, 1, 20), 200),
        ("reversed", date(2026, 2, 1), -200),
        ("won", date(2026, 2, 10), 200),
    ]


def test_stages_of_deal_changes_are_a_history_as_good_as_deal_stages(told):
    found = told.rows(
        "select stage_name, entered_on, is_inferred, is_entry_known, days_in_stage "
        "from marts.fct_deal_stage_history where deal_id = 'crm:d' order by move_number"
    )
    assert found == [
        ("open", date(2026, 1, 5), False, True, 36),
        ("offer", date(2026, 2, 10), False, True, 10),
        ("won", date(2026, 2, 20), False, True, None),
    ]
    assert told.one("select won_on from marts.fct_deals where deal_id = 'crm:d'") == date(
        2026, 2, 20
    )


def test_the_owner_at_the_win_is_the_last_known_before_it_else_the_first_observed(told):
    found = told.rows(
        "select deal_id, manager_id, manager_now_id, owner_basis from marts.fct_deals "
        "where deal_id in ('crm:a', 'crm:d', 'crm:e') order by 1"
    )
    assert found == [
        ("crm:a", "crm:m1", "crm:m1", "current"),
        ("crm:d", "crm:m2", "crm:m2", "history"),  # m2 since 1 February, won on the 20th
        ("crm:e", "crm:m1", "crm:m2", "observed"),  # won before anything was known: the old owner
    ]


def test_an_open_deal_has_the_owner_amount_and_plan_of_each_day(told):
    """Its record, updated on 20 February, has 400: that change is of the day on which it was won.
    The first plan is the old value of the first change of it."""
    found = told.rows(
        "select from_on, to_on, stage_name, manager_id, amount_native, planned_close_on "
        "from marts.fct_pipeline_spans where deal_id = 'crm:d' order by from_on"
    )
    one, two = date(2026, 2, 15), date(2026, 3, 1)
    assert found == [
        (date(2026, 1, 5), date(2026, 1, 20), "open", "crm:m1", 350, one),
        (date(2026, 1, 20), date(2026, 2, 1), "open", "crm:m1", 1400.5, one),
        (date(2026, 2, 1), date(2026, 2, 2), "open", "crm:m2", 1400.5, one),
        (date(2026, 2, 2), date(2026, 2, 10), "open", "crm:m2", 1400.5, two),
        (date(2026, 2, 10), date(2026, 2, 20), "offer", "crm:m2", 1400.5, two),
    ]
    on_the_day = (
        "select (sum(deal_count), sum(amount)) from marts.fct_pipeline_daily "
        "where stage_name = 'open' and manager_id = 'crm:m1' and day = ?"
    )
    assert told.one(on_the_day, ["2026-01-19"]) == (2, 200 + 350)  # b and d
    assert told.one(on_the_day, ["2026-01-20"]) == (1, 1400.5)  # b is won that day


def test_a_deleted_deal_is_in_no_day_of_the_pipeline(told):
    assert told.one("select count(*) from marts.fct_pipeline_spans where deal_id = 'crm:f'") == 0
    assert told.one("select count(*) from marts.fct_pipeline_daily where day >= '2026-02-20'") == 0


def test_what_a_log_of_changes_says_ambiguously_is_left_out_and_listed(told):
    """2,500 may be two and a half thousand or two and a half; 03/04 March or April."""
    assert [row[1:3] for row in listed(told, "not_understood")] == [
        (8, "2,500"),
        (9, "03/04/2026"),
    ]
    assert [row[1:3] for row in listed(told, "unknown_field")] == [(10, "colour")]
    plans = told.rows(
        "select old_value, new_value from marts.fct_deal_changes where field = 'planned_close_on'"
    )
    assert plans == [("2026-02-15", "2026-03-01")]


def test_a_stage_that_only_a_log_of_changes_names_must_have_an_outcome(tmp_path):
    company = with_exports(Company(tmp_path / "unmapped"))
    exported(company, "2026-03-31", "a,open,2026-01-05,,100,,m1,2026-03-20 10:00:00")
    company.entity("deal_changes", "deal_id field old_value new_value changed_at")
    company.file(
        "deal_changes.csv",
        "deal_id,field,old_value,new_value,changed_at\na,stage,draft,open,2026-02-01\n",
    )
    with pytest.raises(GateFailed, match="stage=draft"):
        company.run()


# -- the day of an export ------------------------------------------------------------------------


def test_what_an_export_tells_is_of_the_companys_day(company: Company):
    """New York, as of 15 March: an export of 16 March 02:00 UTC was made on the 15th at 22:00. It
    lacks b, says that c is deleted and that a is worth 300, and sets another target. The shop's
    export of the 10th says 250 of e. The history of a and e had come to 200. Of the till's files
    the newest record tells when they were made: the second at 4:00 of the 16th in Moscow."""
    columns = COLUMNS + " is_deleted"
    header = columns.replace(" ", ",") + "\n"
    day = r"/(\d{4}-\d\d-\d\d(?:T\d{6})?)/"
    company.settings |= {"timezone": "America/New_York", "as_of": "2026-03-15"}
    company.settings["settings"] = {"full_delivery_shrink_limit": 1.0}
    for source in ("crm", "shop", "till"):
        company.entity("deals", columns, source=source, files="*/deals.csv")
    for source in ("crm", "shop"):
        company.entity(
            "deal_changes", "deal_id field old_value new_value changed_at", source=source
        )
        company.source(source, observed_at=day)
    for source in ("crm", "till"):
        company.settings["sources"][source]["entities"]["deals"]["delivery"] = "full"
    company.entity("activities", "activity_id kind occurred_at")
    terms = "goal_id kpi_code scope_type period_start target_value"
    company.entity("targets", terms, source="plans", files="*/goals.csv")
    company.source("plans", path="targets", observed_at=day)

    def delivered(source: str, folder: str, updated: str = "", **amounts: int) -> None:
        rows = (
            f"{deal},open,2026-01-05,,{abs(amount)},,m1,{updated},{'1' if amount < 0 else ''}\n"
            for deal, amount in amounts.items()
        )
        company.file(f"{folder}/deals.csv", header + "".join(rows), source=source)

    delivered("crm", "2026-03-10", a=200, b=1, c=1)
    delivered("crm", "2026-03-16T020000", a=300, c=-1)  # below 0: deleted
    delivered("shop", "2026-03-10", e=250)
    delivered("till", "one", "2026-03-01T04:00:00+03:00", f=1, g=1)
    delivered("till", "two", "2026-03-16T04:00:00+03:00", f=2)
    for source, deal in (("crm", "a"), ("shop", "e")):
        company.file(
            "deal_changes.csv",
            "deal_id,field,old_value,new_value,changed_at\n"
            f"{deal},amount,100,200,2026-02-20T12:00:00Z\n",
            source=source,
        )
    company.file("activities.csv", "activity_id,kind,occurred_at\n1,call,2026-03-02\n")
    for folder, target in (("2026-03-01", 10), ("2026-03-16T020000", 20)):
        company.file(
            f"../../targets/{folder}/goals.csv",
            terms.replace(" ", ",") + f"\nG,calls,company,2026-03,{target}\n",
        )
    published = company.run()

    today = date(2026, 3, 15)
    gone = published.rows("select deal_id, deleted_on from marts.fct_deal_deletions order by 1")
    assert gone == [("crm:b", today), ("crm:c", today), ("till:g", today)]
    left = published.rows("select deal_id from marts.fct_deals order by 1")
    assert left == [("crm:a",), ("shop:e",), ("till:f",)]
    assert published.rows(
        "select deal_id, new_value, changed_on from marts.fct_deal_changes "
        "where field = 'amount' and basis = 'inferred' order by 1"
    ) == [
        ("crm:a", "300.0000", today),
        ("shop:e", "250.0000", date(2026, 3, 10)),
        ("till:f", "2.0000", today),
    ]
    assert published.rows(
        "select target_value, issued_on, is_in_force from marts.targets order by version"
    ) == [(10, None, False), (20, today, True)]
