"""What each gate refuses, what it says, and that what is published stays as it was."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dagster_project.defs.gates import gate_result
from dagster_project.errors import GateFailed, WorkspaceError
from dagster_project.quality.gates import write_pages
from dagster_project.session import open_session
from dagster_project.settings import load_workspace, project_root
from dagster_project.summary import status
from tests.conftest import Company

pytestmark = pytest.mark.e2e
COLUMNS = "deal_id stage opened_at closed_at amount currency"
HEADER = COLUMNS.replace(" ", ",") + "\n"


def deals(*rows: str) -> str:
    return HEADER + "".join(f"{row}\n" for row in rows)


def selling(directory: Path) -> Company:
    """Return a company with one deal."""
    company = Company(directory)
    company.entity("deals", COLUMNS)
    company.file("deals_1.csv", deals("d1,won,2026-01-05,2026-01-15,100,RUB"))
    return company


@pytest.fixture
def sold(tmp_path: Path) -> Company:
    return selling(tmp_path / "ws")


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace that has been run, not to be touched."""
    company = selling(tmp_path_factory.mktemp("sold") / "ws")
    company.run()
    return company.directory


@pytest.fixture
def run_before(tmp_path: Path, run_once: Path) -> Company:
    """Return a copy of it to go on from."""
    shutil.copytree(run_once, tmp_path / "ws", symlinks=True)
    return selling(tmp_path / "ws")


def refused(company: Company) -> str:
    """Run, expect a refusal, and check that the published state did not move."""
    link = company.directory / "published"
    before = link.resolve() if link.exists() else None
    digest = (link / "manifest.json").read_bytes() if before else None
    with pytest.raises(GateFailed) as caught:
        company.run()
    if before:
        assert link.resolve() == before
        assert (link / "manifest.json").read_bytes() == digest
    else:
        assert not link.exists()
    return str(caught.value)


def test_an_unmapped_stage_names_the_pair_and_the_line_to_add(run_before):
    run_before.file("deals_2.csv", deals("d2,На согласовании,2026-02-01,,50,RUB"))
    message = refused(run_before)
    assert "unmapped_stage" in message
    assert '{source: crm, pipeline: "*", stage: "На согласовании", outcome: open}' in message
    run_before.settings["stages"].append({"stage": "На согласовании", "outcome": "open"})
    assert run_before.run().one("select count(*) from marts.fct_deals") == 2


def test_a_file_that_cannot_be_read_stops_the_run_unless_tolerated(run_before):
    run_before.file("deals_2.csv", "deal_id,stage\nd2,won\n")
    message = refused(run_before)
    assert "rejected_file" in message
    assert "missing_header" in message
    reason = (run_before.directory / "quarantine" / "raw__crm__deals_2.csv.deals.txt").read_text()
    assert "amount" in reason
    run_before.settings["settings"] = {"tolerate_rejected_files": True}
    release = run_before.run()
    assert release.rows("select reason_code from ops.quarantine") == [("missing_header",)]
    assert release.kpi("booked_revenue", "2026-01-01") == 100


def test_a_currency_without_a_rate_names_it_and_its_first_day(sold):
    sold.file("deals_2.csv", deals("d2,won,2026-02-01,2026-02-10,50,USD"))
    message = refused(sold)
    assert "no_rate" in message
    assert "currency=USD, first_day=2026-02-10" in message


def test_too_many_bad_rows_in_a_file(sold):
    rows = [f"x{n},won,2026-01-05,2026-01-15,{n},RUB" for n in range(97)]
    sold.file("deals_2.csv", deals(*rows, *["y,won,2026-01-05,2026-01-15,oops,RUB"] * 3))
    message = refused(sold)
    assert "too_many_bad_rows" in message
    assert "the row is left out: 3 rows, the first is 99 with `oops`" in message


def test_a_known_file_that_comes_back_with_an_earlier_last_date(sold):
    sold.file("deals_1.csv", deals("d1,won,2026-03-05,2026-03-15,100,RUB"))
    sold.run()
    sold.file("deals_1.csv", deals("d1,won,2026-01-05,2026-01-15,100,RUB"))
    assert "older_file" in refused(sold)


def test_wins_without_a_date(sold):
    sold.file("deals_2.csv", deals("d2,won,2026-02-01,,50,RUB"))
    assert "undated_wins" in refused(sold)


def test_revenue_of_a_closed_period_that_fell(sold):
    sold.file("deals_1.csv", deals("d1,won,2026-01-05,2026-01-15,1000,RUB"))
    assert sold.run().kpi("booked_revenue", "2026-01-01") == 1000
    sold.file("deals_1.csv", deals("d1,won,2026-01-05,2026-01-15,390,RUB"))
    assert "revenue_fell" in refused(sold)
    (told,) = status(load_workspace(sold.directory))["refused"]
    assert (told["gate"], told["check"]) == ("kpi", "revenue_fell")
    sold.settings["settings"] = {"revenue_drop_limit": 0.7}
    assert sold.run().kpi("booked_revenue", "2026-01-01") == 390
    assert status(load_workspace(sold.directory))["refused"] == []
    # a credit of 400 makes it -10: all of it and a little more is gone, and that may be true too
    sold.file("deals_3.csv", deals("d3,won,2026-01-05,2026-01-16,-400,RUB"))
    assert "revenue_fell" in refused(sold)
    sold.settings["settings"] = {"revenue_drop_limit": 2}
    assert sold.run().kpi("booked_revenue", "2026-01-01") == -10


def test_a_full_delivery_that_lost_its_tail(sold):
    sold.source(delivery="full", observed_at=r"/(\d{4}-\d{2}-\d{2})/")
    (sold.directory / "raw" / "crm" / "deals_1.csv").unlink()
    rows = [f"d{n},won,2026-01-05,2026-01-15,10,RUB" for n in range(100)]
    sold.file("2026-03-01/deals.csv", deals(*rows))
    assert sold.run().kpi("won_deals", "2026-01-01") == 100
    sold.file("2026-03-08/deals.csv", deals(*rows[:94]))
    assert "shrunken_delivery" in refused(sold)
    sold.file("2026-03-08/deals.csv", deals(*rows[:96]))
    assert sold.run().kpi("won_deals", "2026-01-01") == 96  # absence deletes
    # ten deals are split, and the next export holds the eleventh alone: it is no full one
    header = "deal_id,manager_id,share\n"
    sold.entity("deal_splits", "deal_id manager_id share")
    ten = "".join(f"d{n},m1,1\n" for n in range(10))
    sold.file("2026-03-01/deal_splits.csv", header + ten)
    sold.file("2026-03-08/deal_splits.csv", header + "d10,m1,1\n")
    assert "shrunken_delivery" in refused(sold)


def test_one_file_that_two_sources_read(sold):
    """One deal of 100 would be two of 100: crm:d1 and books:d1."""
    sold.entity("deals", COLUMNS, source="books").source("books", path="raw/crm")
    with pytest.raises(WorkspaceError, match=r"raw/crm/deals_1\.csv, read as deals by the sources"):
        sold.run()


def test_no_files_at_all(company):
    company.entity("deals", COLUMNS)
    assert "no_files" in refused(company)


def test_a_link_out_of_the_workspace_is_refused(sold, tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text(deals("d9,won,2026-01-05,2026-01-15,999,RUB"))
    (sold.directory / "raw" / "crm" / "deals_9.csv").symlink_to(outside)
    assert "link_out_of_workspace" in refused(sold)


def test_the_lower_steps_alone_cannot_publish_what_a_gate_refused(run_before):
    run_before.file("deals_2.csv", deals("d2,New,2026-02-01,,50,RUB"))
    refused(run_before)
    workspace = load_workspace(run_before.directory)
    with open_session(workspace, "test") as session:
        session.build("marts")
        session.gate("kpi")
        with pytest.raises(GateFailed, match="refined"):
            session.publish()


def test_a_layer_of_another_load_cannot_be_published(run_before):
    workspace = load_workspace(run_before.directory)
    with open_session(workspace, "test") as session:
        session.connection.execute("update ops.steps_done set load_id = 'x' where step = 'marts'")
        with pytest.raises(GateFailed, match="marts"):
            session.publish()


def test_what_is_built_anew_takes_back_all_that_rested_on_it(run_before):
    workspace = load_workspace(run_before.directory)
    with open_session(workspace, "test") as session:
        session.build("marts")
        with pytest.raises(GateFailed, match=r": pay, gate of kpi\n"):
            session.publish()
        assert [c.code for c in session.gate("kpi").failures] == ["steps_not_done"]


def test_a_load_is_published_only_under_the_settings_that_it_was_read_with(run_before):
    run_before.settings["settings"] = {"low_sample_below": 3}
    changed = load_workspace(run_before.save())
    refused = pytest.raises(GateFailed, match="another settings_hash")
    with open_session(changed, "test") as session, refused:
        session.publish()
    earlier = load_workspace(run_before.directory, as_of=date(2026, 2, 1))
    refused = pytest.raises(GateFailed, match="another as_of")
    with open_session(earlier, "test") as session, refused:
        session.publish()


def test_a_gate_does_not_pass_tables_of_an_earlier_load(run_before):
    run_before.file("deals_2.csv", deals("d2,won,2026-02-01,2026-02-03,50,RUB"))
    with open_session(load_workspace(run_before.directory), "test") as session:
        session.ingest()
        assert session.gate("raw").passed
        assert not session.gate("refined").passed
        assert not session.gate("kpi").passed


def test_marts_whose_file_is_gone_are_neither_passed_nor_published(run_before):
    workspace = load_workspace(run_before.directory)
    workspace.marts_file.unlink()
    with open_session(workspace, "test") as session:
        assert not session.gate("kpi").passed
        with pytest.raises(GateFailed, match=r": marts, pay, gate of kpi\n"):
            session.publish()


@pytest.mark.parametrize("damage", ["missing", "empty", "broken", "wrong_table"])
def test_gates_fail_closed(run_before, damage, tmp_path):
    from dagster_project.quality.gates import run_gate
    from dagster_project.settings import project_root

    suites = tmp_path / "suites"
    shutil.copytree(project_root() / "expectations", suites)
    path = suites / "raw_files.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_text(json.dumps(told | {"expectations": []}))
    elif damage == "broken":
        told["expectations"][0] = {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "no_such_column"},
            "severity": "warning",
        }
        path.write_text(json.dumps(told))
    else:
        path.write_text(json.dumps(told | {"meta": {"relation": "raw.no_such_table"}}))
    with open_session(load_workspace(run_before.directory), "test") as session:
        verdict = run_gate("raw", session.workspace, session.connection, run_id="r", suites=suites)
    assert not verdict.passed


def test_a_broken_identity_is_refused(run_before):
    with open_session(load_workspace(run_before.directory), "test") as session:
        session.connection.execute(
            "insert into ops.audit_kpi_identities values "
            "('sum over team = company', 'won_deals', 'month', date '2026-01-01', 2, 1)"
        )
        verdict = session.gate("kpi")
    assert [check.code for check in verdict.failures] == ["identity_broken"]
    assert verdict.failures[0].examples[0]["kpi_code"] == "won_deals"


def test_verdicts_are_kept_and_the_pages_ask_no_other_host(sold):
    published = sold.run()
    kept = published.rows(
        "select gate, bool_and(passed) from ops.gate_results group by 1 order by 1"
    )
    assert kept == [("kpi", True), ("raw", True), ("refined", True)]
    write_pages(published.session.workspace, published.session.verdicts)
    pages = list((sold.directory / "reports" / "data_docs").rglob("*.html"))
    assert len(pages) > 12
    site = sold.directory / "reports" / "data_docs"
    front = (site / "index.html").read_text(encoding="utf-8")
    suites = {path.stem for path in (project_root() / "expectations").glob("*.json")}
    linked = dict(re.findall(r'<a href="([^"]+)">(\w+)</a>', front))
    assert set(linked.values()) == suites
    assert all((site / target).is_file() for target in linked)
    assert front.count("<td>✓</td>") == len(re.findall("<tr><td>", front))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for outside in ('src="http', "src='http", 'rel="stylesheet" href="http', "url(http"):
            assert outside not in text


def test_the_audit_of_identities_finds_a_broken_sum(run_before):
    """The SQL of the audit itself: add a seller's row that the company does not have."""
    from dagster_project import transform

    with open_session(load_workspace(run_before.directory), "test") as session:
        session.connection.execute(
            "update kpi.marts.kpi_values set numerator = 5 where scope_type = 'manager' "
            "and kpi_code = 'won_deals' and period_grain = 'month' and period_start = '2026-01-01'"
        )
        transform.build(session.workspace, "marts", select="audit_kpi_identities")
        found = session.connection.execute(
            "select identity_name, whole, parts_sum from ops.audit_kpi_identities"
        ).fetchall()
    assert ("sum over manager = company", 1.0, 5.0) in found


def test_reports_say_what_failed_in_json_in_pages_and_to_dagster(sold):
    sold.file("deals_2.csv", deals("d2,New,2026-02-01,,50,RUB"))
    refused(sold)
    told = json.loads((sold.directory / "reports" / "gate_refined.json").read_text("utf-8"))
    assert told["passed"] is False
    failed = [check for check in told["checks"] if not check["passed"]]
    assert [check["code"] for check in failed] == ["unmapped_stage"]
    with open_session(load_workspace(sold.directory), "test") as session:
        verdicts = [session.gate("refined"), session.gate("kpi")]  # no marts: not done, not run
        write_pages(session.workspace, verdicts)
    front = (sold.directory / "reports/data_docs/index.html").read_text("utf-8")
    shown = re.findall(r"<td>✗ (\w+)</td>", front)
    assert shown[0] == "unmapped_stage"
    assert set(shown[1:]) == {"steps_not_done", "check_did_not_run"}
    for words in ("stage=New", "stage: &quot;New&quot;", "Do next: add", "not done on this load"):
        assert words in front
    result = gate_result(verdicts[0])
    assert result.description.startswith("unmapped_stage: found 1 rows; do next: add ")
    assert "stage=New" in result.metadata["failed"].md_str
    with duckdb.connect(str(sold.directory / "warehouse" / "warehouse.duckdb")) as warehouse:
        status = warehouse.execute("select status from ops.runs").fetchall()
    assert status == [("failed",)]
