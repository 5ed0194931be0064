"""What must hold for each of the four systems alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dagster_project.errors import PullFailed, WarehouseBusy, WorkspaceError
from dagster_project.lock import holding
from tests.pull.conftest import Firm
from tests.pull.portal import Reply, Request


def three_pages(firm: Firm) -> int:
    """Fill a world with records for three pages, the last one not full."""
    count = 2 * firm.world.page + 2
    firm.world.fill(count)
    return count


def test_a_first_pull_lays_down_every_record_once(firm):
    count = three_pages(firm)
    summary = firm.pull()
    assert sorted(number for number, _ in firm.values(0)) == list(range(1, count + 1))
    assert (summary.records, len(summary.files)) == (count, 1)
    assert summary.files[0].name == firm.world.file
    assert [p.name for p in firm.deliveries[0].iterdir()] == [firm.world.file]


def test_a_line_is_the_record_as_the_server_gave_it(firm):
    firm.world.fill(1)
    firm.pull()
    (line,) = firm.lines(0)
    given = firm.world.records[1]
    assert {key: line[key] for key in given} == given


def test_the_second_pull_brings_only_what_changed_within_the_overlap_or_after(firm):
    firm.world.fill(5)
    firm.pull()
    firm.world.now += timedelta(hours=1)
    firm.world.edit(2, "77")
    summary = firm.pull()
    assert firm.values(1) == [(2, "77")]
    # the first pull began at 12:00 by the server; 10 minutes of overlap
    assert summary.objects[0].since == datetime(2026, 3, 31, 11, 50, tzinfo=UTC)


def test_an_edit_right_after_the_start_is_not_lost_though_the_own_clock_runs_ahead(firm):
    three_pages(firm)
    begun = firm.world.now
    firm.world.after(1, firm.world.is_main, lambda: firm.world.edit(1, "99"))
    firm.pull()
    assert datetime.fromisoformat(firm.state["objects"][firm.world.main]["covered_until"]) == begun
    firm.world.now += timedelta(hours=2)
    firm.pull()
    assert firm.newest()[1] == "99"


def test_a_record_changed_between_two_pages_is_in_this_pull_or_the_next_and_hides_no_other(firm):
    count = three_pages(firm)
    world = firm.world

    def edit() -> None:
        world.now += timedelta(seconds=20)
        world.edit(2, "50")
        world.edit(count, "60")

    world.after(2, world.is_main, edit)
    firm.pull()
    assert {number for number, _ in firm.values(0)} == set(range(1, count + 1))
    world.now += timedelta(hours=1)
    firm.pull()
    assert firm.newest() == {
        number: {2: "50", count: "60"}.get(number, "1") for number in range(1, count + 1)
    }


def test_the_next_pull_goes_on_from_the_start_of_the_last_not_from_its_end(firm):
    count = three_pages(firm)
    world = firm.world

    def an_hour_passes_and_an_edit_falls_into_it() -> None:
        world.now += timedelta(minutes=30)
        world.edit(1, "88")
        world.now += timedelta(minutes=30)

    world.after(2, world.is_main, an_hour_passes_and_an_edit_falls_into_it)
    firm.pull()
    firm.pull()
    assert firm.newest()[1] == "88"
    assert len(firm.newest()) == count


def test_too_many_requests_waits_as_long_as_the_server_says(firm):
    three_pages(firm)
    firm.world.fault(
        Reply(429, {"message": "slow down"}, {"Retry-After": "17"}), firm.world.is_main, skip=1
    )
    firm.pull()
    assert 17.0 in firm.hands.slept
    assert len(firm.newest()) == 2 * firm.world.page + 2


def test_a_retry_after_date_is_an_instant_of_the_servers_clock(firm):
    three_pages(firm)
    until = firm.world.now + timedelta(seconds=40)
    header = {"Retry-After": until.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    firm.world.fault(Reply(429, {"message": "slow down"}, header), firm.world.is_main)
    firm.pull()
    waited = max(firm.hands.slept)
    assert 38 <= waited <= 40


def test_a_wait_beyond_reason_ends_the_pull_with_a_sentence(firm):
    firm.world.fill(1)
    firm.world.fault(Reply(429, {"message": "no"}, {"Retry-After": "7200"}), firm.world.is_main)
    with pytest.raises(PullFailed, match="come again in 120 minutes"):
        firm.pull()
    assert max(firm.hands.slept, default=0) < 60


def test_a_connection_dropped_in_the_middle_of_a_page_is_taken_up_again(firm):
    count = three_pages(firm)
    firm.world.fault(None, firm.world.is_main, times=2, skip=1)
    firm.pull()
    assert {number for number, _ in firm.values(0)} == set(range(1, count + 1))
    assert len(firm.values(0)) == count
    assert any("dropped" in text for text in firm.told)


def test_a_cut_answer_without_a_length_is_not_taken_for_whole(firm):
    count = three_pages(firm)
    firm.world.fault(Reply(200, b'{"result": [{"ID": "1"'), firm.world.is_main, skip=1)
    firm.pull()
    assert len(firm.newest()) == count


def test_a_passing_server_error_is_retried(firm):
    count = three_pages(firm)
    firm.world.fault(Reply(502, b"<html>Bad Gateway</html>"), firm.world.is_main, times=3, skip=1)
    firm.pull()
    assert len(firm.newest()) == count


def test_a_lasting_server_error_ends_after_the_attempts_leaves_no_file_and_keeps_the_cursor(firm):
    three_pages(firm)
    firm.pull()
    before, requests = firm.state, len(firm.world.requests)
    firm.world.now += timedelta(hours=1)
    firm.world.edit(1, "5")
    firm.world.fault(Reply(500, {"message": "broken"}), firm.world.is_main, times=99)
    with pytest.raises(PullFailed, match="status 500") as failed:
        firm.pull()
    assert failed.value.exit_code == 1
    assert failed.value.remedy.startswith("pull again later")
    assert firm.state == before
    assert len(firm.deliveries) == 1
    hidden = list((firm.directory / "raw" / "crm").glob(".*"))
    assert hidden == []
    assert 6 <= len(firm.world.requests) - requests <= 8
    firm.world.faults.clear()
    firm.pull()
    assert firm.newest()[1] == "5"


def test_a_refusal_is_told_at_once_in_the_servers_words(firm):
    firm.world.fill(1)
    told = {"error": "ACCESS_DENIED", "message": "no right to read deals"}
    firm.world.fault(Reply(403, told), firm.world.is_main)
    with pytest.raises(PullFailed, match=r"ACCESS_DENIED|no right to read deals"):
        firm.pull()
    assert firm.world.faults[0].times == 0


def test_a_redirect_is_not_followed_with_the_token(firm):
    firm.world.fill(1)
    elsewhere = {"Location": "https://elsewhere.example/rest/"}
    firm.world.fault(Reply(302, None, elsewhere), firm.world.is_main)
    with pytest.raises(PullFailed, match=r"moved to elsewhere\.example"):
        firm.pull()


def test_a_token_that_is_no_longer_valid_ends_the_pull_with_what_to_do(firm):
    firm.world.fill(1)
    firm.world.is_token_expired = True
    with pytest.raises(PullFailed) as failed:
        firm.pull()
    assert "KPI_CRM_" in failed.value.remedy
    assert firm.deliveries == []
    assert len(firm.world.requests) <= 2


def test_an_answer_built_otherwise_is_not_taken_for_no_records(firm):
    firm.world.fill(1)
    firm.world.fault(Reply(200, {"result": {"a": 1}, "hello": "world"}), firm.world.is_main, 99)
    with pytest.raises(PullFailed, match="built otherwise"):
        firm.pull()


def without_ids(value):
    """Return an answer's body whose records have lost their ids."""
    if isinstance(value, list):
        return [without_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {k: without_ids(v) for k, v in value.items() if k.lower() != "id"}


def test_a_record_without_an_id_is_not_passed_over(firm):
    firm.world.fill(3)
    firm.pull()
    firm.world.now += timedelta(hours=1)
    firm.world.edit(2, "9")
    answer = firm.world.answer

    def mangled(request: Request) -> Reply:
        reply = answer(request)
        return replace(reply, body=without_ids(reply.body))

    firm.world.answer = mangled
    with pytest.raises(PullFailed, match="in every record"):
        firm.pull()
    assert len(firm.deliveries) == 1


def test_nothing_new_leaves_no_file_and_moves_the_cursor(firm):
    firm.world.fill(2)
    firm.pull()
    firm.world.now += timedelta(days=1)
    summary = firm.pull()
    assert (summary.records, summary.files, len(firm.deliveries)) == (0, [], 1)
    covered = firm.state["objects"][firm.world.main]["covered_until"]
    assert datetime.fromisoformat(covered) == datetime(2026, 4, 1, 12, tzinfo=UTC)


def test_an_object_whose_first_file_is_gone_is_read_whole_again(firm):
    count = three_pages(firm)
    firm.pull()
    firm.world.now += timedelta(hours=1)
    firm.world.edit(1, "3")
    firm.pull()
    assert firm.values(1) == [(1, "3")]
    (firm.deliveries[0] / firm.world.file).unlink()
    firm.pull()
    assert len(firm.values(2)) == count


def test_full_reads_everything_again(firm):
    count = three_pages(firm)
    firm.pull()
    firm.world.now += timedelta(days=1)
    firm.pull(full=True)
    assert len(firm.values(1)) == count


def test_where_absence_deletes_every_pull_is_full(firm):
    count = three_pages(firm)
    firm.write({"delivery": "full"})
    firm.pull()
    firm.world.now += timedelta(days=1)
    firm.pull()
    assert len(firm.values(1)) == count
    assert any("absence deletes" in text for text in firm.told)


def test_two_pulls_in_one_second_are_two_deliveries(firm):
    firm.world.fill(1)
    firm.hands.sleep = lambda seconds: None
    firm.pull(full=True)
    firm.pull(full=True)
    assert [p.name for p in firm.deliveries] == ["20260331T150000Z", "20260331T150001Z"]
    firm.hands.ahead = -timedelta(days=1)
    with pytest.raises(WorkspaceError, match="20260331T150001Z"):
        firm.pull()


def test_a_second_pull_of_the_source_at_the_same_time_is_refused(firm):
    firm.world.fill(1)
    with (
        holding(firm.directory / "state" / "pull" / "crm.lock", "the pull", "pull"),
        pytest.raises(WarehouseBusy, match="the pull of `crm` is held by process"),
    ):
        firm.pull()
    assert firm.world.requests == []


def test_another_account_under_the_same_source_is_refused(firm, monkeypatch):
    firm.world.fill(1)
    firm.pull()
    path = firm.directory / "state" / "pull" / "crm.json"
    path.write_text(path.read_text().replace("127.0.0.1", "other.example"))
    with pytest.raises(WorkspaceError, match=r"from other\.example"):
        firm.pull()
    firm.pull(full=True)


def test_a_damaged_cursor_is_told_and_full_mends_it(firm):
    firm.world.fill(1)
    firm.pull()
    path = firm.directory / "state" / "pull" / "crm.json"
    path.write_text('{"account": "')
    with pytest.raises(WorkspaceError, match="damaged"):
        firm.pull()
    firm.pull(full=True)
    firm.pull()


def test_an_object_that_the_system_does_not_have_is_refused_by_name(firm):
    firm.write(objects=["no such thing"])
    with pytest.raises(WorkspaceError, match="no such thing"):
        firm.pull()


def test_the_pace_is_kept(firm):
    three_pages(firm)
    firm.write(rate_limit_per_second=0.5)
    firm.pull()
    requests = len(firm.world.requests)
    assert requests >= 3
    assert firm.hands.slept == [2.0] * (requests - 1)


def test_a_server_that_tells_no_time_is_not_guessed_at(firm):
    firm.world.fill(1)
    answer = firm.world.answer

    def without_time(request):
        reply = answer(request)
        if isinstance(reply.body, dict):
            reply.body.pop("time", None)
        reply.headers["Date"] = "sometime"
        return reply

    firm.world.answer = without_time
    with pytest.raises(PullFailed, match="without the server's time"):
        firm.pull()
    assert firm.deliveries == []
