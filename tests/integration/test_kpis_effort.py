"""Worked fixture of the KPIs that set work against wins, of cost, and of wins by money.

The company keeps Moscow time (UTC+3); what the files write with a Z is UTC.

| deal | amount | cost | what happened, in Moscow |
|---|---|---|---|
| d1 | 100 | 60 | won on 31 January at 23:30 |
| d2 | 500 | not known | won on 1 March at 00:10 (28 February in UTC) |
| d3 | 300 | 200 | won on 15 February |
| d4 | 100 | not known | won on 16 February |
| d5 | 600 | | lost on 17 February |
| d6 | not known | | lost on 5 March |
| d7 | 200 | | lost on 6 March |
| d8 | 1000 | 700 | won on 20 January, reopened on 10 February, open since |

All are Ann's. Bob calls once, on 5 February, and wins nothing.
"""

from __future__ import annotations

import pytest

JAN, FEB, MAR = "2026-01-01", "2026-02-01", "2026-03-01"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    from tests.conftest import Company

    company = Company(tmp_path_factory.mktemp("effort") / "ws")
    company.entity("deals", "deal_id stage opened_at amount cost manager_id", files="deals.csv")
    company.source(won_date="history")
    company.file(
        "deals.csv",
        """\
deal_id,stage,opened_at,amount,cost,manager_id
d1,won,2026-01-05,100,60,m1
d2,won,2026-01-05,500,,m1
d3,won,2026-01-05,300,200,m1
d4,won,2026-01-05,100,,m1
d5,lost,2026-01-05,600,,m1
d6,lost,2026-01-05,,,m1
d7,lost,2026-01-05,200,,m1
d8,offer,2026-01-05,1000,700,m1
""",
    )
    company.entity("deal_stages", "deal_id stage entered_at")
    company.file(
        "deal_stages.csv",
        """\
deal_id,stage,entered_at
d1,won,2026-01-31T20:30:00Z
d2,won,2026-02-28T21:10:00Z
d3,won,2026-02-15 10:00:00
d4,won,2026-02-16 10:00:00
d5,lost,2026-02-17 10:00:00
d6,lost,2026-03-05 10:00:00
d7,lost,2026-03-06 10:00:00
d8,won,2026-01-20 10:00:00
d8,offer,2026-02-10 10:00:00
""",
    )
    company.entity("managers", "manager_id manager_name team hired_on")
    company.file(
        "managers.csv",
        "manager_id,manager_name,team,hired_on\nm1,Ann,A,2025-01-01\nm2,Bob,A,2025-01-01\n",
    )
    company.entity("activities", "activity_id kind occurred_at manager_id status deal_id")
    company.file(
        "activities_1.csv",
        """\
activity_id,kind,occurred_at,manager_id,status,deal_id
a1,call,2026-01-31T20:59:59Z,m1,done,
a2,call,2026-01-31T21:00:00Z,m1,done,
a3,call,2026-02-05 10:00:00,m2,done,
a4,call,2026-02-06 10:00:00,m1,planned,
a5,meeting,2026-02-07 10:00:00,m1,done,d3
a6,meeting,2026-02-08 10:00:00,m1,planned,d4
a7,meeting,2026-02-09 10:00:00,m1,done,d4
a8,proposal,2026-02-10 10:00:00,m1,done,d3
a9,proposal,2026-02-11 10:00:00,m1,done,d3
""",
    )
    # delivered late: two calls of February that the first file lacks
    company.file(
        "activities_2_late.csv",
        """\
activity_id,kind,occurred_at,manager_id,status,deal_id
a10,call,2026-02-02 10:00:00,m1,done,
a11,call,2026-02-03 10:00:00,m1,done,
""",
    )
    return company.run()


@pytest.mark.kpi("calls", "calls_per_win")
def test_calls_per_win_sets_calls_of_a_period_against_wins_that_stand(published):
    # January: a1, a second before midnight, against d1; d8 was reopened and stands no longer
    assert published.kpi("calls_per_win", JAN) == 1 / 1
    # February: a2 at midnight, a3, and the late a10 and a11, against d3 and d4; a4 was not held
    assert published.kpi("calls", FEB) == 4
    assert published.kpi("calls_per_win", FEB) == 4 / 2
    # March: no call, and d2, ten minutes after midnight
    assert published.kpi("calls_per_win", MAR) == 0
    # Bob has a call and no win: nothing to divide by
    assert published.kpi("calls_per_win", FEB, scope="manager", who="Bob") is None
    assert published.kpi("calls_per_win", FEB, scope="manager", who="Ann") == 3 / 2


@pytest.mark.kpi("call_to_meeting_rate", "meetings")
def test_meetings_per_call_count_those_held(published):
    assert published.kpi("call_to_meeting_rate", JAN) == 0  # one call, no meeting
    assert published.kpi("meetings", FEB) == 2  # a5 and a7; a6 was planned only
    assert published.kpi("call_to_meeting_rate", FEB) == 2 / 4
    assert published.kpi("call_to_meeting_rate", FEB, scope="manager", who="Bob") == 0
    assert published.kpi("call_to_meeting_rate", MAR) is None  # no call


@pytest.mark.kpi("meeting_to_proposal_rate", "proposals")
def test_proposals_per_meeting_count_the_first_to_a_deal(published):
    assert published.kpi("proposals", FEB) == 1  # a9 goes to d3 again
    assert published.kpi("meeting_to_proposal_rate", FEB) == 1 / 2
    assert published.kpi("meeting_to_proposal_rate", JAN) is None  # no meeting
    assert published.kpi("meeting_to_proposal_rate", MAR) is None


@pytest.mark.kpi("proposal_to_win_rate")
def test_wins_per_proposal_may_pass_one_and_is_unknown_without_proposals(published):
    assert published.kpi("proposal_to_win_rate", FEB) == 2 / 1  # d4 was won without one
    assert published.kpi("proposal_to_win_rate", JAN) is None  # a win, no proposal
    assert published.kpi("proposal_to_win_rate", "2026-01-01", grain="quarter") == 4 / 1


@pytest.mark.kpi("cost_of_sale")
def test_cost_follows_the_win_and_its_reversal_and_is_unknown_where_no_deal_has_it(published):
    assert published.kpi("cost_of_sale", JAN) == 60 + 700  # d1 at 23:30 of the last day, and d8
    assert published.kpi("cost_of_sale", FEB) == 200 - 700  # d3, less d8; d4 has no cost
    assert published.kpi("cost_of_sale", MAR) is None  # d2 has none: not known, not 0
    assert published.kpi("cost_of_sale", "2026-01-01", grain="quarter") == 60 + 200


@pytest.mark.kpi("win_rate_amount")
def test_wins_by_money_stand_on_amounts_of_wins_and_losses(published):
    assert published.kpi("win_rate_amount", JAN) == 1  # d1 alone; d8 is open again
    assert published.kpi("win_rate_amount", FEB) == (300 + 100) / (300 + 100 + 600)
    # March: of two losses only d7 has an amount, fewer than four in five: not to be told
    assert published.kpi("win_rate_amount", MAR) is None
    assert published.kpi("win_rate_amount", FEB, scope="manager", who="Bob") is None
