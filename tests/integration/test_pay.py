"""Pay from files to statements, over two closings, a late file and a revision.

January on the plan `rates` (10 % up to a quota of 1 000, 20 % above, paid out as customers pay):
Anna won D1 for 600 (paid) and D2 for 800 (half paid by the closing):
    D1 600 x 10 % = 60; D2 400 x 10 % + 400 x 20 % = 120; earned 180, of it 60 + 60 paid, 60 wait.
Boris is on the plan `share`: 100 at a revenue of 1 000; B1 for 500 gives 50.
"""

from __future__ import annotations

import shutil
from datetime import date
from decimal import Decimal

import pytest

from dagster_project.closing.closing import close, difference
from dagster_project.errors import ClosedPeriodBroken, PlanRefused, WorkspaceError
from dagster_project.settings import load_workspace
from tests.conftest import Company, run_all

RATES = """\
plan: rates
currency: RUB
period: month
versions:
  - from: 2026-01-01
    components:
      - kpi: booked_revenue
        quota: 1000
        tiers: [{from_pct: 0, to_pct: 100, rate: 0.1}, {from_pct: 100, rate: 0.2}]
    release_on: payment_date
    clawback: {window_days: 90}
"""
SHARE = """\
plan: share
currency: RUB
period: month
versions:
  - from: 2026-01-01
    target_amount: 100
    components: [{kpi: booked_revenue, weight: 100, curve: line, target: 1000}]
    curves: {line: [[0, 0], [100, 100]]}
    clawback: {window_days: 90}
"""
DEALS = "deal_id,stage,opened_at,closed_at,amount,currency,manager_id,updated_at\n"
PAYMENTS = "payment_id,paid_at,amount,currency,deal_id,kind\n"


def money(text: str) -> Decimal:
    return Decimal(text)


@pytest.fixture(scope="module")
def sold(tmp_path_factory) -> Company:
    company = Company(tmp_path_factory.mktemp("pay") / "ws")
    company.entity("deals", DEALS.strip().replace(",", " "))
    company.entity("payments", PAYMENTS.strip().replace(",", " "))
    company.entity("managers", "manager_id manager_name hired_on left_on")
    company.file(
        "managers.csv",
        "manager_id,manager_name,hired_on,left_on\n1,Anna,2020-01-01,\n2,Boris,2020-01-01,\n",
    )
    company.file(
        "deals_1.csv",
        DEALS
        + "D1,won,2025-12-01,2026-01-10,600,RUB,1,2026-01-10\n"
        + "D2,won,2025-12-01,2026-01-20,800,RUB,1,2026-01-20\n"
        + "B1,won,2025-12-01,2026-01-15,500,RUB,2,2026-01-15\n",
    )
    company.file(
        "payments_1.csv",
        PAYMENTS
        + "P1,2026-01-15,600,RUB,D1,payment\n"
        + "P2,2026-02-05,400,RUB,D2,payment\n"
        + "P3,2026-01-16,500,RUB,B1,payment\n",
    )
    bonus = company.directory / "bonus"
    bonus.mkdir(parents=True)
    (bonus / "rates.yml").write_text(RATES)
    (bonus / "share.yml").write_text(SHARE)
    (bonus / "assignments.csv").write_text(
        "manager_id,plan,from\nAnna,rates,2026-01-01\ncrm:2,share,2026-01-01\n"
    )
    company.settings["as_of"] = "2026-02-10"
    company.save()
    return company


def closing(company: Company, period: str, **more: str):
    told = {"by": "Head of sales", "reason": "month end"} | more
    return close(load_workspace(company.directory), period, **told)


def statement(told, name: str):
    return next(s.statement for s in told.settled if s.statement.payee.manager_name == name)


@pytest.fixture(scope="module")
def january(sold):
    run_all(sold.directory)
    return closing(sold, "2026-01")


def test_a_closed_statement_is_what_was_worked_out_by_hand(january):
    anna, boris = statement(january, "Anna"), statement(january, "Boris")
    assert (anna.earned, anna.released, anna.held) == (money("180"), money("120"), money("60"))
    assert [(x.deal_id, x.amount, x.released) for x in anna.lines] == [
        ("crm:D1", money("60"), money("60")),
        ("crm:D2", money("40"), money("20")),
        ("crm:D2", money("80"), money("40")),
    ]
    assert (anna.to_pay, boris.to_pay) == (money("120"), money("50"))
    assert january.number == 1
    assert {s.statement.status for s in january.settled} == {"closed"}


def test_the_revision_holds_everything_it_was_worked_out_from(january):
    told = january.manifest
    assert (told["by"], told["reason"], told["closed_on"]) == (
        "Head of sales",
        "month end",
        "2026-02-10",
    )
    assert {
        "files/workspace.yml",
        "files/bonus/rates.yml",
        "files/bonus/assignments.csv",
        "kpi_values.parquet",
        "kpi_events.parquet",
        "facts.parquet",
        "statements.parquet",
    } <= set(told["files"])
    (anna,) = [s for s in january.settled if s.inputs.payee.manager_name == "Anna"]
    assert [(f.deal_id, f.amount) for f in anna.inputs.facts] == [
        ("crm:D1", money("600")),
        ("crm:D2", money("800")),
    ]


@pytest.fixture(scope="module")
def march(sold, january):
    """February goes by: D1 is refunded, D2 paid in full, B1 is no longer won, D3 is new."""
    sold.file(
        "deals_2.csv",
        DEALS
        + "D3,won,2026-01-01,2026-02-12,500,RUB,1,2026-02-12\n"
        + "B1,open,2025-12-01,,500,RUB,2,2026-02-20\n",
    )
    sold.file(
        "payments_2.csv",
        PAYMENTS
        + "P4,2026-02-12,500,RUB,D3,payment\n"
        + "P5,2026-03-01,600,RUB,D1,refund\n"
        + "P6,2026-03-02,400,RUB,D2,payment\n",
    )
    sold.settings["as_of"] = "2026-03-10"
    sold.save()
    return run_all(sold.directory)


def test_open_statements_stand_beside_closed_ones(march):
    rows = march.rows(
        "select period, revision, status, manager_name, earned, to_pay from "
        "marts.bonus_statements order by period, manager_name"
    )
    assert rows == [
        ("2026-01", 1, "closed", "Anna", money("180"), money("120")),
        ("2026-01", 1, "closed", "Boris", money("50"), money("50")),
        # Anna: 500 x 10 % = 50; below
        ("2026-02", 0, "open", "Anna", money("50"), money("10")),
        ("2026-02", 0, "open", "Boris", money("0"), money("0")),
        ("2026-03", 0, "open", "Anna", money("0"), money("0")),
        ("2026-03", 0, "open", "Boris", money("0"), money("0")),
    ]


def test_a_refund_and_a_payment_settle_the_month_they_belong_to(march):
    """January again without D1: D2 800 x 10 % = 80. Of it half was paid out at the closing.

    Released part: 40 - 120 = -80; held part: 40 - 60 = -20; then D2 is paid in full: +40.
    """
    rows = march.rows(
        "select kind, origin_start, deal_id, amount, released, held from marts.bonus_lines "
        "where manager_id = 'crm:1' and period = '2026-02' order by line_number"
    )
    month = date(2026, 1, 1)
    assert rows == [
        ("earned", date(2026, 2, 1), "crm:D3", money("50"), money("50"), 0),
        ("correction", month, None, money("-80"), money("-80"), 0),
        ("correction", month, None, money("-20"), 0, money("-20")),
        ("release", month, "crm:D2", 0, money("40"), money("-40")),
    ]


def test_a_win_that_nothing_tells_of_any_more_is_taken_back(march):
    rows = march.rows(
        "select kind, amount, released from marts.bonus_lines where manager_id = 'crm:2' "
        "and period = '2026-02' and kind <> 'earned'"
    )
    assert rows == [("correction", money("-50"), money("-50"))]
    carried = march.rows(
        "select carried_in, carried_out from marts.bonus_statements where manager_id = 'crm:2' "
        "and period in ('2026-02', '2026-03') order by period"
    )
    assert carried == [(0, money("-50")), (money("-50"), money("-50"))]


def test_closed_values_stay_and_what_changed_since_is_listed_with_its_files(march):
    closed = march.rows(
        "select scope_type, numerator from marts.kpi_values_closed where period = '2026-01' "
        "and kpi_code = 'booked_revenue' and scope_type = 'company'"
    )
    assert closed == [("company", money("1900"))]
    changed = march.rows(
        "select scope_type, numerator_closed, numerator_now, source_files from "
        "marts.closed_corrections where kpi_code = 'booked_revenue' "
        "and scope_type in ('company', 'manager') order by 1"
    )
    assert changed == [
        ("company", money("1900"), money("1400"), "raw/crm/deals_1.csv"),
        ("manager", money("500"), 0, "raw/crm/deals_1.csv"),
    ]
    assert march.kpi("booked_revenue", "2026-01-01") == 1400


def test_feedback_tells_what_more_is_worth(march):
    rows = march.rows(
        "select kind, kpi_code, change, amount from marts.bonus_feedback "
        "where manager_id = 'crm:2' order by kind"
    )
    # nothing sold in March so far, no deal won in a year; 1 000 of revenue is the whole 100
    assert rows == [
        ("if_ended_today", None, None, 0),
        ("now", None, None, 0),
        ("task", "booked_revenue", money("1000"), money("100")),
    ]
    (worth,) = march.rows(
        "select change, amount from marts.bonus_feedback where manager_id = 'crm:1' "
        "and kind = 'next_deal'"
    )
    assert worth == (money("600"), money("60"))  # the median of 500, 600, 800 at 10 %


@pytest.fixture(scope="module")
def february(sold, march):
    return closing(sold, "2026-02")


def test_what_was_open_is_closed_as_it_stood(february, march):
    anna = statement(february, "Anna")
    assert (anna.earned, anna.corrections, anna.releases) == (
        money("50"),
        money("-100"),
        money("40"),
    )
    assert anna.to_pay == money("10")
    assert statement(february, "Boris").carried_out == money("-50")


def test_a_period_that_is_not_over_is_not_closed(sold, february):
    with pytest.raises(WorkspaceError, match="complete to 2026-03-10"):
        closing(sold, "2026-03")
    with pytest.raises(WorkspaceError, match="complete to 2026-03-10"):
        closing(sold, "2026")
    for text in ("2026-W10", "2026-01-15", "May"):
        with pytest.raises(WorkspaceError, match="a month, quarter or year"):
            closing(sold, text)
    with pytest.raises(WorkspaceError, match="empty --by"):
        closing(sold, "2026-01", by=" ")


@pytest.fixture(scope="module")
def revised(sold, february):
    """A deal of January is delivered late; January is closed again."""
    sold.file("deals_late.csv", DEALS + "D4,won,2026-01-02,2026-01-30,1000,RUB,1,2026-03-09\n")
    run_all(sold.directory)
    return closing(sold, "2026-01", reason="D4 came late")


def test_a_late_deal_is_paid_by_a_new_revision_and_nothing_twice(revised):
    """Own lines: D1 60, D2 120, D4 1000 x 20 % = 200: earned 380, of it D1 and D2 paid out.

    Without D1 (refunded): D2 80, D4 200 x 10 % + 800 x 20 % = 180; D2 is paid out, D4 waits.
    February has already taken 80 and released 40 of it, so that this revision takes
    80 - (180 - 80 + 40) = -60, and its holds go from 200 - 20 - 40 = 140 to 180: +40.
    """
    anna = statement(revised, "Anna")
    assert revised.number == 2
    assert (anna.earned, anna.released, anna.held) == (money("380"), money("180"), money("200"))
    parts = [(x.released, x.held) for x in anna.lines if x.kind == "correction"]
    assert parts == [(money("-60"), 0), (0, money("40"))]
    # paid before: 120 by revision 1, 10 in February; owed: 80 of January, 50 of February
    assert (anna.restated, anna.to_pay, anna.carried_out) == (money("-120"), 0, 0)


def test_diff_names_the_file_that_brought_the_change(sold, revised):
    told = difference(load_workspace(sold.directory), "2026-01", 1, 2)
    cells = {(r["kpi_code"], r["scope_type"], r["scope_id"]): r for r in told.values}
    anna = cells[("booked_revenue", "manager", "crm:1")]
    assert (anna["numerator_before"], anna["numerator_after"]) == (money("1400"), money("2400"))
    assert anna["files"] == ["raw/crm/deals_late.csv"]
    boris = cells[("booked_revenue", "manager", "crm:2")]
    assert (boris["numerator_before"], boris["numerator_after"]) == (money("500"), 0)
    assert ("calls", "company", "all") not in cells
    assert [
        (r["manager_name"], r["earned_before"], r["earned_after"]) for r in told.statements
    ] == [
        ("Anna", money("180"), money("380")),
        ("Boris", money("50"), money("0")),
    ]
    assert told.files == ["workspace.yml"]
    with pytest.raises(WorkspaceError, match="no revision 3"):
        difference(load_workspace(sold.directory), "2026-01", 1, 3)


def test_full_refresh_keeps_closings_and_an_earlier_day_sees_only_earlier_ones(sold, revised):
    now = run_all(sold.directory, full_refresh=True)
    assert now.rows(
        "select distinct period, revision from marts.kpi_values_closed order by 1, 2"
    ) == [("2026-01", 1), ("2026-01", 2), ("2026-02", 1)]
    before = run_all(sold.directory, as_of=date(2026, 2, 20))
    assert before.rows("select distinct period, revision from marts.kpi_values_closed") == [
        ("2026-01", 1)
    ]


@pytest.mark.parametrize("how", ["changed", "gone", "added", "a whole revision gone"])
def test_what_was_closed_and_touched_is_refused(sold, revised, tmp_path, how):
    copy = tmp_path / "copy"
    shutil.copytree(sold.directory, copy, symlinks=True)
    folder = copy / "state" / "closed" / "2026-01" / "r1"
    if how == "changed":
        path = folder / "statements.parquet"
        content = bytearray(path.read_bytes())
        content[20] ^= 1
        path.write_bytes(bytes(content))
    elif how == "gone":
        (folder / "facts.parquet").unlink()
    elif how == "added":
        (folder / "files" / "bonus" / "other.yml").write_text(RATES)
    else:
        shutil.rmtree(folder)
    with pytest.raises(ClosedPeriodBroken):
        close(load_workspace(copy), "2026-02", by="x", reason="y")


def test_a_broken_plan_stops_the_run_before_anything_is_read(sold, revised):
    path = sold.directory / "bonus" / "share.yml"
    path.write_text(SHARE.replace("weight: 100", "weight: 99"))
    try:
        with pytest.raises(PlanRefused, match=r"bonus/share\.yml, line 7"):
            run_all(sold.directory)
    finally:
        path.write_text(SHARE)


def test_an_unknown_payee_is_left_out_and_named_while_a_closing_refuses(sold, revised):
    path = sold.directory / "bonus" / "assignments.csv"
    kept = path.read_text()
    path.write_text(kept + "Vera,share,2026-01-01\nBoris,rates,2026-03-01\n")
    try:
        told = run_all(sold.directory)
        refused = dict(
            told.rows(
                "select manager_id, reason from marts.bonus_statements where status = 'refused'"
            )
        )
        assert set(refused) == {"Vera", "crm:2"}
        assert "bonus/assignments.csv, line 4" in refused["Vera"]
        assert "one plan for one person on one day" in refused["crm:2"]
        open_ones = told.rows(
            "select distinct manager_id from marts.bonus_statements where status = 'open'"
        )
        assert open_ones == [("crm:1",)]
        with pytest.raises(PlanRefused, match="no manager `Vera`"):
            closing(sold, "2026-02")
    finally:
        path.write_text(kept)


def test_status_holds_closed_periods_against_their_hashes(sold, revised, tmp_path):
    from dagster_project.summary import status

    told = status(load_workspace(sold.directory))["closed"]
    assert [(r["period"], r["revision"], r["hashes"]) for r in told] == [
        ("2026-01", 1, "as written"),
        ("2026-02", 1, "as written"),
        ("2026-01", 2, "as written"),
    ]
    copy = tmp_path / "copy"
    shutil.copytree(sold.directory, copy, symlinks=True)
    (copy / "state" / "closed" / "2026-02" / "r1" / "days.parquet").write_bytes(b"")
    with pytest.raises(ClosedPeriodBroken, match=r"days\.parquet"):
        status(load_workspace(copy))


def test_a_workspace_without_plans_closes_its_values_alone(sold, revised, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(sold.directory, copy, symlinks=True)
    shutil.rmtree(copy / "bonus")
    shutil.rmtree(copy / "state" / "closed")
    told = close(load_workspace(copy), "2026-02", by="x", reason="y")
    assert (told.number, told.settled) == (1, [])
    revenue = [
        row["numerator"]
        for row in told.rows("kpi_values")
        if (row["kpi_code"], row["scope_type"]) == ("booked_revenue", "company")
    ]
    assert revenue == [money("500")]


def test_who_is_on_no_plan_any_more_is_settled_to_the_end(sold, revised):
    """Boris owes 50 and is assigned to nothing: his balance stays, nothing new is earned."""
    path = sold.directory / "bonus" / "assignments.csv"
    kept = path.read_text()
    path.write_text(kept.replace("crm:2,share,2026-01-01\n", ""))
    try:
        told = run_all(sold.directory)
        rows = told.rows(
            "select period, plans, earned, carried_in, carried_out from marts.bonus_statements "
            "where manager_id = 'crm:2' and status = 'open'"
        )
        assert rows == [("2026-03", "", 0, money("-50"), money("-50"))]
    finally:
        path.write_text(kept)
