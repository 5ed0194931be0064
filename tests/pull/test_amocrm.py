"""amoCRM: pages that move, seconds that fill pages, empty answers, tokens that rotate."""

from __future__ import annotations

from datetime import timedelta

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from dagster_project.errors import PullFailed, WorkspaceError
from tests.pull.portal import Reply


def at_second(firm, *numbers: int, minutes_ago: float = 600) -> None:
    """Give records one and the same second of update."""
    for number in numbers:
        firm.world.add(number, minutes_ago=minutes_ago)


def test_an_edit_that_draws_the_rest_over_the_edge_of_a_page_hides_no_record(amo):
    # pages of 3: [1 2 3] [4 5 6] [7 8]. Record 1 is edited between the first two pages and goes to
    # the end, so that by page numbers the second page would be [5 6 7]: 4 is never seen.
    for number in range(1, 9):
        amo.world.add(number, minutes_ago=600 - number)
    amo.world.after(1, amo.world.is_main, lambda: amo.world.edit(1, "5"))
    amo.pull()
    assert {number for number, _ in amo.values(0)} == set(range(1, 9))
    assert amo.newest()[1] == "5"


def test_a_second_with_more_records_than_a_page_is_read_whole(amo):
    at_second(amo, *range(1, 11))
    at_second(amo, 11, 12, minutes_ago=500)
    amo.pull()
    assert sorted(set(amo.values(0))) == [(number, "1") for number in range(1, 13)]


def test_a_record_that_leaves_a_full_second_while_it_is_read_hides_no_other(amo):
    # one second holds 1..8 in pages [1 2 3] [4 5 6] [7 8]; 2 is edited after the second page of it
    at_second(amo, *range(1, 9))
    about = lambda request: amo.world.is_main(request) and request.query["page"] == "2"  # noqa: E731
    amo.world.after(1, about, lambda: amo.world.edit(2, "7"))
    amo.pull()
    assert {number for number, _ in amo.values(0)} == set(range(1, 9))
    assert amo.newest()[2] == "7"


def test_nothing_is_lost_where_the_server_leaves_out_the_second_that_is_asked_from(amo):
    amo.world.is_from_left_out = True
    at_second(amo, 1, 2, 3, 4, 5)
    at_second(amo, 6, 7, minutes_ago=599)
    at_second(amo, 8, minutes_ago=0)
    amo.pull()
    assert {number for number, _ in amo.values(0)} == set(range(1, 9))
    # an edit in the very second from which the next pull asks: 12:00:00 less the overlap
    amo.world.add(3, minutes_ago=10, value="4")
    amo.pull()
    assert amo.newest()[3] == "4"


def test_deleted_leads_are_an_object_of_their_own(amo):
    amo.world.fill(2)
    amo.write(objects=["leads_deleted"])
    amo.pull()
    assert {request.query["with"] for request in amo.world.requests} == {"only_deleted"}
    assert [p.name for p in amo.deliveries[0].iterdir()] == ["leads_deleted.ndjson"]


def test_overlapping_pages_bring_no_line_twice_in_a_row(amo):
    amo.world.fill(8)
    amo.pull()
    assert len(amo.values(0)) == len(set(amo.values(0))) == 8


def test_an_empty_204_is_the_end_and_not_an_error(amo):
    amo.write(objects=["leads", "contacts", "tasks"])
    amo.world.fill(3)
    summary = amo.pull()
    assert [(p.name, p.records) for p in summary.objects] == [
        ("leads", 3),
        ("contacts", 0),
        ("tasks", 0),
    ]
    assert [p.name for p in amo.deliveries[0].iterdir()] == ["leads.ndjson"]


def test_an_empty_204_behind_a_last_full_page_ends_the_list(amo):
    amo.world.fill(3)
    links = {"next": {"href": "https://example.com/?page=2"}}
    page = [amo.world.records[n] for n in sorted(amo.world.records)]
    reply = Reply(200, {"_page": 1, "_links": links, "_embedded": {"leads": page}})
    amo.world.fault(reply, amo.world.is_main)
    amo.world.fault(Reply(204), amo.world.is_main)
    amo.pull()
    assert len(amo.world.requests) == 2
    assert {number for number, _ in amo.values(0)} == {1, 2, 3}


def test_a_list_that_comes_in_another_order_is_read_by_pages_until_nothing_new_comes(amo):
    # [8 7 6] [5 4 3] [2 1]: deleting 7 between the pages draws 5 onto the first page, unseen
    amo.world.ignores_order = True
    for number in range(8, 0, -1):
        amo.world.add(number, minutes_ago=600 + number * 10)
    amo.world.records = dict(reversed(amo.world.records.items()))
    amo.world.after(2, amo.world.is_main, lambda: amo.world.records.pop(7))
    amo.pull()
    assert {number for number, _ in amo.values(0)} >= {1, 2, 3, 4, 5, 6, 8}


def test_a_task_deleted_between_two_pages_hides_no_other(amo):
    old = int((amo.world.now - timedelta(days=9)).timestamp())
    tasks = [{"id": n, "created_at": old, "updated_at": old} for n in range(1, 9)]
    amo.world.lists["tasks"] = tasks
    amo.write(objects=["tasks"])
    about = lambda request: request.path == "/api/v4/tasks"  # noqa: E731
    amo.world.after(1, about, lambda: tasks.pop(0))
    amo.pull()
    assert {line["id"] for line in amo.lines(0, "tasks.ndjson")} == set(range(1, 9))


def test_tasks_made_all_the_time_do_not_keep_a_pull_going(amo):
    old = int((amo.world.now - timedelta(days=9)).timestamp())
    tasks = [{"id": n, "created_at": old, "updated_at": old} for n in range(1, 9)]
    amo.world.lists["tasks"] = tasks
    amo.write(objects=["tasks"])

    def another() -> None:
        now = int(amo.world.now.timestamp()) + 1
        tasks.append({"id": len(tasks) + 1, "created_at": now, "updated_at": now})

    for number in range(1, 40):
        amo.world.after(number, lambda request: request.path == "/api/v4/tasks", another)
    amo.pull()
    assert len(amo.world.requests) < 12
    assert {line["id"] for line in amo.lines(0, "tasks.ndjson")} >= set(range(1, 9))


def test_a_list_that_never_comes_to_rest_is_told(amo):
    old = int((amo.world.now - timedelta(days=9)).timestamp())
    tasks = [{"id": n, "created_at": old, "updated_at": old} for n in range(1, 9)]
    amo.world.lists["tasks"] = tasks
    amo.write(objects=["tasks"])

    def another_old_one() -> None:
        tasks.append({"id": len(tasks) + 1, "created_at": old, "updated_at": old})

    for number in range(1, 60):
        amo.world.after(number, lambda request: request.path == "/api/v4/tasks", another_old_one)
    with pytest.raises(PullFailed, match="out of the order"):
        amo.pull()


def test_events_are_asked_for_by_their_kinds_and_their_time_of_creation(amo):
    stamp = int(amo.world.now.timestamp())
    amo.world.lists["events"] = [
        {"id": f"e{n}", "type": "lead_status_changed", "created_at": stamp - 60 * n}
        for n in range(200)
    ]
    amo.write(objects=["events"], page_size=250)
    amo.pull()
    assert len(amo.lines(0, "events.ndjson")) == 200
    first = amo.world.requests[0].query
    assert first["limit"] == "100"
    assert "lead_status_changed" in first["filter[type]"].split(",")
    amo.pull()
    assert amo.world.requests[-1].query["filter[created_at][from]"] == str(stamp - 601)
    # from ten minutes back and one second more: minutes 0 to 10
    assert len(amo.lines(1, "events.ndjson")) == 11


def test_pipelines_and_users_come_as_they_are(amo):
    amo.world.lists["leads/pipelines"] = [
        {"id": 8801, "name": "Продажи", "_embedded": {"statuses": [{"id": 142}]}}
    ]
    amo.world.lists["users"] = [{"id": 501, "name": "Анна", "rights": {"is_active": True}}]
    amo.write(objects=["pipelines", "users"])
    amo.pull()
    assert amo.lines(0, "pipelines.ndjson") == amo.world.lists["leads/pipelines"]
    assert amo.lines(0, "users.ndjson") == amo.world.lists["users"]
    assert "Продажи" in (amo.deliveries[0] / "pipelines.ndjson").read_text(encoding="utf-8")


class Memory(KeyringBackend):
    """A keyring that keeps what it is given, until it is locked."""

    priority = 9

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.is_locked = False
        self.is_read_only = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.is_locked:
            raise KeyringError("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.is_locked or self.is_read_only:
            raise KeyringError("locked")
        self.kept[service, username] = password


@pytest.fixture
def rotating(amo, monkeypatch):
    """An integration with OAuth: an expired token, a refresh token in the keyring."""
    memory = Memory()
    keyring.set_keyring(memory)
    service = f"kpi {amo.directory.resolve()}"
    memory.kept[service, "KPI_CRM_REFRESH_TOKEN"] = amo.world.refresh_token
    memory.kept[service, "KPI_CRM_TOKEN"] = "tok-5ecret-old"
    monkeypatch.delenv("KPI_CRM_TOKEN")
    monkeypatch.setenv("KPI_CRM_CLIENT_SECRET", amo.world.client_secret)
    amo.write(client_id="client-1", redirect_uri="https://example.com/")
    amo.world.is_token_expired = True
    amo.world.fill(8)
    amo.memory, amo.service = memory, service
    return amo


def test_an_expired_token_is_renewed_once_and_both_new_ones_go_to_the_keyring(rotating):
    rotating.pull()
    assert len(rotating.newest()) == 8
    assert rotating.world.renewals == 1
    assert rotating.memory.kept == {
        (rotating.service, "KPI_CRM_TOKEN"): "tok-5ecret-renewed-1",
        (rotating.service, "KPI_CRM_REFRESH_TOKEN"): "refresh-5ecret-2",
    }
    rotating.pull(full=True)
    assert rotating.world.renewals == 1


def test_a_token_that_expires_while_paging_is_renewed_and_the_page_asked_again(rotating):
    rotating.world.is_token_expired = False
    rotating.memory.kept[rotating.service, "KPI_CRM_TOKEN"] = rotating.world.token

    def expire() -> None:
        rotating.world.is_token_expired = True

    rotating.world.after(2, rotating.world.is_main, expire)
    rotating.pull()
    assert {number for number, _ in rotating.values(0)} == set(range(1, 9))
    assert rotating.world.renewals == 1


def test_a_renewed_token_that_is_refused_as_well_ends_the_pull(rotating):
    rotating.world.fault(rotating.world.expired(), rotating.world.is_main, times=99)
    with pytest.raises(PullFailed, match="status 401"):
        rotating.pull()
    assert rotating.world.renewals == 1
    assert len(rotating.world.requests) == 3


def test_a_refused_renewal_is_told(rotating):
    rotating.memory.kept[rotating.service, "KPI_CRM_REFRESH_TOKEN"] = "refresh-5ecret-wrong"
    with pytest.raises(PullFailed, match="could not be renewed") as failed:
        rotating.pull()
    assert "5ecret" not in str(failed.value)


@pytest.mark.parametrize("fault", ["is_locked", "is_read_only"])
def test_no_refresh_token_is_spent_where_its_successor_could_not_be_kept(
    rotating, monkeypatch, fault
):
    monkeypatch.setenv("KPI_CRM_TOKEN", "tok-5ecret-old")
    monkeypatch.setenv("KPI_CRM_REFRESH_TOKEN", rotating.world.refresh_token)
    setattr(rotating.memory, fault, True)
    with pytest.raises(WorkspaceError, match="a keyring that can be written") as refused:
        rotating.pull()
    assert rotating.world.renewals == 0
    assert 'keyring set "kpi ' in refused.value.remedy
