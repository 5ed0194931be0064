"""What pay reads out of the marts: reopened wins, unripe conversions, part of a month, goals."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest

from dagster_project.closing.closing import close
from dagster_project.closing.reading import Marts
from dagster_project.pay.inputs import Target
from dagster_project.settings import load_workspace
from tests.conftest import Company, Published, run_all

PLAN = """\
plan: p
currency: RUB
period: month
versions:
  - from: 2026-01-01
    target_amount: 1000
    components:
      - {kpi: booked_revenue, weight: 50, curve: line, target: 1000}
      - {kpi: won_deals, weight: 20, curve: line, target: 4}
      - {kpi: lead_conversion_window, weight: 30, curve: line, target: 0.5}
    curves: {line: [[0, 0], [100, 100], [200, 200]]}
    clawback: {window_days: 90}
"""
LEADS = "lead_id,created_at,manager_id,deal_id\n"


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> Company:
    """Anna wins D1 (600) and D2 (200) in January; D2 is reopened in February, D3 (400) is won.

    Of four leads of January one is won within 60 days: known once the last has had 60 days.
    Boris begins on 16 February: he wins B1 (300) before and B2 (700) after.
    """
    firm = Company(tmp_path_factory.mktemp("figures") / "ws")
    firm.entity("deals", "deal_id stage opened_at closed_at amount currency manager_id")
    firm.entity("deal_stages", "deal_id stage entered_at")
    firm.entity("leads", LEADS.strip().replace(",", " "))
    firm.entity("managers", "manager_id manager_name email")
    firm.source(won_date="history")
    firm.file("managers.csv", "manager_id,manager_name,email\n1,Anna,\n2,Boris,Boris@Firm.ru\n")
    firm.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount,currency,manager_id\n"
        "D1,won,2025-12-01,2026-01-10,600,RUB,1\n"
        "D2,open,2025-12-01,,200,RUB,1\n"
        "D3,won,2025-12-01,2026-02-20,400,RUB,1\n"
        "B1,won,2025-12-01,2026-02-05,300,RUB,2\n"
        "B2,won,2025-12-01,2026-02-25,700,RUB,2\n",
    )
    firm.file(
        "deal_stages.csv",
        "deal_id,stage,entered_at\n"
        "D1,open,2025-12-01\nD1,won,2026-01-10\n"
        "D2,open,2025-12-01\nD2,won,2026-01-12\nD2,open,2026-02-10\n"
        "D3,open,2025-12-01\nD3,won,2026-02-20\n"
        "B1,open,2025-12-01\nB1,won,2026-02-05\n"
        "B2,open,2025-12-01\nB2,won,2026-02-25\n",
    )
    firm.file(
        "leads.csv",
        LEADS
        + "L1,2026-01-02 10:00:00,1,D1\nL2,2026-01-05 10:00:00,1,\n"
        + "L3,2026-01-20 10:00:00,1,\nL4,2026-01-30 10:00:00,1,\n",
    )
    bonus = firm.directory / "bonus"
    bonus.mkdir(parents=True)
    (bonus / "p.yml").write_text(PLAN)
    (bonus / "assignments.csv").write_text(
        "manager_id,plan,from\n1,p,2026-01-01\nboris@firm.ru,p,2026-02-16\n"
    )
    firm.settings["as_of"] = "2026-02-03"
    firm.save()
    return firm


@pytest.fixture(scope="module")
def february(company) -> Published:
    """The release of 10 March, with January closed as it stood on 3 February."""
    run_all(company.directory)
    revision = close(load_workspace(company.directory), "2026-01", by="x", reason="y")
    (anna,) = [s.statement for s in revision.settled]
    # 800 of 1 000: 400.00; 2 of 4 deals: 100.00; the conversion is deferred
    assert [(x.component, x.status, x.amount) for x in anna.lines] == [
        ("booked_revenue", "paid", Decimal("400.00")),
        ("won_deals", "paid", Decimal("100.00")),
        ("lead_conversion_window", "deferred", Decimal("0.00")),
    ]
    company.settings["as_of"] = "2026-04-05"
    company.save()
    return run_all(company.directory)


def test_a_reopened_win_is_taken_where_it_was_paid_and_added_back_where_it_shows(february):
    """February's revenue is 400 - 200; for pay 400. January again without D2: 600 of 1 000."""
    assert february.kpi("booked_revenue", "2026-02-01", scope="manager", who="Anna") == 200
    own = february.rows(
        "select numerator, earlier_reversals, attainment, amount from marts.bonus_lines "
        "where manager_id = 'crm:1' and period = '2026-02' and kind = 'earned' "
        "and component = 'booked_revenue'"
    )
    assert own == [(200, 200, Decimal("0.4"), 200)]
    correction = february.rows(
        "select component, amount, deals from marts.bonus_lines where manager_id = 'crm:1' "
        "and period = '2026-02' and kind = 'correction'"
    )
    (told,) = correction
    assert told[:2] == ("booked_revenue", -100)
    assert '"crm:D2"' in told[2]
    assert '"crm:D1"' not in told[2]


def test_a_count_stays_paid_and_its_reversal_bites_in_its_own_month(february):
    # February counts D3 less D2: 0 deals, and January's two stay as they were paid
    rows = february.rows(
        "select numerator, amount from marts.bonus_lines where manager_id = 'crm:1' "
        "and period = '2026-02' and component = 'won_deals'"
    )
    assert rows == [(0, 0)]


def test_a_conversion_is_paid_by_the_first_statement_after_it_has_ripened(february):
    # one of four leads: 25 % of 50 %: half of 300
    rows = february.rows(
        "select period, origin_start, attainment, amount from marts.bonus_lines "
        "where manager_id = 'crm:1' and kind = 'deferred'"
    )
    assert rows == [("2026-02", date(2026, 1, 1), Decimal("0.5"), Decimal("150"))]


def test_part_of_a_month_counts_its_own_days_only(february):
    """Boris from 16 February: 10 of 20 working days; 700 of 500, the money of half a month."""
    rows = february.rows(
        "select numerator, target, attainment, amount from marts.bonus_lines "
        "where manager_id = 'crm:2' and period = '2026-02' and component = 'booked_revenue'"
    )
    (days,) = february.rows(
        "select count(*), count(*) filter (day >= '2026-02-16') from marts.dim_date "
        "where is_working and day >= '2026-02-01' and day < '2026-03-01'"
    )
    share = Decimal(days[1]) / Decimal(days[0])
    assert 0 < share < 1
    ((numerator, target, attainment, amount),) = rows
    assert numerator == 700
    assert target == round(1000 * share, 10)
    assert attainment == round(Decimal("0.7") / share, 10)
    # weight 50 % of 1 000, for a share of the month, at 0.7 / share: 350 whatever the share
    assert amount == 350


def test_goals_are_read_from_their_table_where_there_is_one(tmp_path, february):
    path = tmp_path / "kpi.duckdb"
    path.write_bytes(february.file.read_bytes())
    with duckdb.connect(str(path)) as connection:
        assert Marts(connection, 20).targets() == []
        connection.execute(
            "insert into marts.targets by name select 'g' as goal_id, 'goal' as kind, "
            "'calls' as kpi_code, 'manager' as scope_type, 'crm:1' as scope_id, "
            "'month' as period_grain, date '2026-01-01' as period_start, 400.5 as target_value, "
            "2 as version, date '2025-12-30' as issued_on, 'at_least' as target_kind"
        )
        assert Marts(connection, 20).targets() == [
            Target(
                "g",
                "goal",
                "calls",
                "manager",
                "crm:1",
                "month",
                date(2026, 1, 1),
                Decimal("400.5"),
                2,
                date(2025, 12, 30),
                "at_least",
            )
        ]


def test_a_manager_may_be_named_by_key_id_name_or_alias(february):
    with duckdb.connect(str(february.file), read_only=True) as connection:
        resolve = Marts(connection, 20).resolver({"Анна": "Anna", "boss": "crm:2"})
        told = [resolve(text) for text in ("crm:1", "1", " anna ", "Анна", "boss", "Zoe")]
        published = {"a@x.ru": "Anna"}
        masked = Marts(connection, 20).resolver({"A.": "a@x.ru"}, lambda n: published.get(n, n))
        by_mail = [masked("a@x.ru"), masked("A."), resolve("a@x.ru")]
    assert told == ["crm:1", "crm:1", "crm:1", "crm:1", "crm:2", None]
    assert by_mail == ["crm:1", "crm:1", None]


REVENUE = """\
plan: p
currency: RUB
period: month
versions:
  - from: 2026-01-01
    target_amount: 1000
    components: [{kpi: booked_revenue, weight: 100, curve: line, target: 1000}]
    curves: {line: [[0, 0], [100, 100], [200, 200]]}
    clawback: {window_days: 90}
"""
RATE = """\
plan: rate
currency: RUB
period: month
versions:
  - from: 2026-01-01
    components:
      - {kpi: credited_margin, quota: 1000, tiers: [{from_pct: 0, rate: 0.1}]}
"""


def test_shares_of_a_deal_are_paid_and_those_named_in_a_bad_split_wait(tmp_path):
    """D1: margin 600, 60 % Anna, 40 % Boris. D2: margin 300, split 70 % and 40 %: its owner's.

    Gleb's plan is on revenue, which goes to the owner unsplit: D4 (500) is his whole. He is
    assigned by his e-mail, which this workspace keeps in the clear, Vera by her name as
    one types it.
    """
    firm = Company(tmp_path / "ws")
    firm.entity("deals", "deal_id stage opened_at closed_at amount cost currency manager_id")
    firm.entity("deal_splits", "deal_id manager_id share")
    firm.entity("managers", "manager_id manager_name email")
    firm.file(
        "managers.csv",
        "manager_id,manager_name,email\n1,Anna,\n2,Boris,\n3,Вера Фёдорова,\n4,Gleb,Gleb@Firm.ru\n",
    )
    firm.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount,cost,currency,manager_id\n"
        "D4,won,2025-12-01,2026-01-22,500,500,RUB,4\n"
        "D1,won,2025-12-01,2026-01-10,1000,400,RUB,1\n"
        "D2,won,2025-12-01,2026-01-20,500,200,RUB,1\n"
        "D3,open,2025-12-01,,1,1,RUB,3\n",
    )
    firm.file(
        "deal_splits.csv",
        "deal_id,manager_id,share\nD1,1,0.6\nD1,2,0.4\nD2,1,0.7\nD2,3,0.4\nD4,4,0.6\nD4,2,0.4\n",
    )
    bonus = firm.directory / "bonus"
    bonus.mkdir(parents=True)
    (bonus / "rate.yml").write_text(RATE)
    (bonus / "assignments.csv").write_text(
        "manager_id,plan,from\n"
        + "".join(f"{n},rate,2026-01-01\n" for n in (1, 2, "вера  федорова"))
        + "gleb@firm.RU,p,2026-01-01\n"
    )
    (bonus / "p.yml").write_text(REVENUE)
    firm.settings["as_of"] = "2026-01-31"
    firm.settings["settings"] = {"row_error_limit": 1, "personal_data": "clear"}
    told = firm.run()
    rows = told.rows(
        "select manager_name, status, earned, to_pay, carried_out from marts.bonus_statements "
        "order by manager_name"
    )
    assert rows == [
        ("Anna", "held", 66, 0, 66),  # 10 % of 360 and of 300
        ("Boris", "open", 24, 24, 0),  # 10 % of 240
        ("Gleb", "open", 500, 500, 0),
        ("Вера Фёдорова", "held", 0, 0, 0),
    ]
    shares = told.rows(
        "select manager_id, deal_id, deals from marts.bonus_lines where deal_id is not null "
        "order by 1, 2"
    )
    assert [(m, d, '"share": "0.6"' in x, '"share": "1"' in x) for m, d, x in shares] == [
        ("crm:1", "crm:D1", True, False),
        ("crm:1", "crm:D2", False, True),
        ("crm:2", "crm:D1", False, False),
    ]
    whole = told.one("select deals from marts.bonus_lines where manager_id = 'crm:4'")
    assert whole == '[{"deal_id": "crm:D4", "spell": 1, "amount": "500", "share": "1"}]'
    reason = told.one("select reason from marts.bonus_statements where manager_id = 'crm:3'")
    assert "the split of deal crm:D2 does not add up to 1" in reason
    assert "raw/crm/deal_splits.csv, row 4" in reason or "row 5" in reason


def test_reopened_wins_are_undone_once_whatever_day_and_plan_they_fall_on(tmp_path):
    """On both plans 1 000 at a revenue of 1 000; February is halved between them.

    Boris wins B1 (600) on 10 January; on 10 February it is reopened at ten and won again at noon.
    January is taken back: -600; February counts the new win: 600. On the sum of the day, 0, he had
    been paid for neither. Vera has a rate of 10 % and the same story: 60 and -60, then 60. C1 of
    Vera (500) is won again by Boris on 11 February: hers comes back, his counts whole.

    Gleb, from 16 February, is paid on the win rate by amount. On the 17th he wins 100 and loses one
    deal of 100 and one without an amount, on the 18th he loses four of 100. Five of six losses are
    priced, which is enough: 100 of 600 is a third of the target of a half. Of February's 19 working
    days nine are his: 1 000 x 9/19 x 1/3 = 157.89. (Of the 17th alone one loss of two is priced:
    put together of days known by themselves, the rate had been 0 of 400.)

    Anna changes from p to q on 16 February. A1 (600) is won on the 10th and reopened on the 20th:
    neither plan pays it and neither loses by it, q pays A2 (400) alone: 400 of half a month's
    target at half a month's money is 400.00. The days of p had been paid 600 for it.
    """
    firm = Company(tmp_path / "ws")
    firm.entity("deals", "deal_id stage opened_at closed_at amount currency manager_id")
    firm.entity("deal_stages", "deal_id stage entered_at manager_id")
    firm.entity("managers", "manager_id manager_name")
    firm.source(won_date="history")
    firm.file("managers.csv", "manager_id,manager_name\n1,Anna\n2,Boris\n3,Vera\n4,Gleb\n")
    firm.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount,currency,manager_id\n"
        "G1,won,2025-12-01,2026-02-17,100,RUB,4\nG2,lost,2025-12-01,2026-02-17,,RUB,4\n"
        "G3,lost,2025-12-01,2026-02-17,100,RUB,4\nG4,lost,2025-12-01,2026-02-18,100,RUB,4\n"
        "G5,lost,2025-12-01,2026-02-18,100,RUB,4\nG6,lost,2025-12-01,2026-02-18,100,RUB,4\n"
        "G7,lost,2025-12-01,2026-02-18,100,RUB,4\n"
        "A1,open,2025-12-01,,600,RUB,1\nA2,won,2025-12-01,2026-02-25,400,RUB,1\n"
        "B1,won,2025-12-01,2026-02-10,600,RUB,2\nV1,won,2025-12-01,2026-02-10,600,RUB,3\n"
        "C1,won,2025-12-01,2026-02-11,500,RUB,2\n",
    )
    stages = ["deal_id,stage,entered_at,manager_id"]
    for deal, first, then in (("B1", 2, 2), ("V1", 3, 3), ("C1", 3, 2)):
        day = "11" if deal == "C1" else "10"
        stages += [
            f"{deal},open,2025-12-01,{first}",
            f"{deal},won,2026-01-{day} 10:00:00,{first}",
            f"{deal},open,2026-02-{day} 10:00:00,{first}",
            f"{deal},won,2026-02-{day} 12:00:00,{then}",
        ]
    stages += ["A1,open,2025-12-01,1", "A1,won,2026-02-10,1", "A1,open,2026-02-20,1"]
    stages += ["A2,open,2025-12-01,1", "A2,won,2026-02-25,1"]
    for number in range(1, 8):
        end = "won,2026-02-17" if number == 1 else f"lost,2026-02-{17 if number < 4 else 18}"
        stages += [f"G{number},open,2025-12-01,4", f"G{number},{end},4"]
    firm.file("deal_stages.csv", "\n".join(stages) + "\n")
    bonus = firm.directory / "bonus"
    bonus.mkdir(parents=True)
    for name in ("p", "q"):
        (bonus / f"{name}.yml").write_text(REVENUE.replace("plan: p", f"plan: {name}"))
    rate = RATE.replace("credited_margin", "booked_revenue")
    (bonus / "rate.yml").write_text(rate + "    clawback: {window_days: 90}\n")
    (bonus / "assignments.csv").write_text(
        "manager_id,plan,from,to\n1,p,2026-02-01,2026-02-16\n1,q,2026-02-16,\n"
        "2,p,2026-01-01,\n3,rate,2026-01-01,\n4,w,2026-02-16,\n"
    )
    win_rate = REVENUE.replace("booked_revenue", "win_rate_amount").replace(
        "target: 1000}", "target: 0.5}"
    )
    (bonus / "w.yml").write_text(win_rate.replace("plan: p", "plan: w"))
    firm.settings["as_of"] = "2026-02-28"
    told = firm.run()
    assert told.rows(
        "select manager_id, period, earned, corrections, net from marts.bonus_statements "
        "order by 1, 2"
    ) == [
        ("crm:1", "2026-02", 400, 0, 400),
        ("crm:2", "2026-01", 600, -600, 0),
        ("crm:2", "2026-02", 1100, 0, 1100),  # B1 and C1
        ("crm:3", "2026-01", 110, -110, 0),  # V1 and C1
        ("crm:3", "2026-02", 60, 0, 60),
        ("crm:4", "2026-02", Decimal("157.89"), 0, Decimal("157.89")),
    ]
    assert told.rows(
        "select manager_id, plan, component, numerator, earlier_reversals from marts.bonus_lines "
        "where period = '2026-02' and kind = 'earned' order by 1, 2"
    ) == [
        ("crm:1", "p", "booked_revenue", 0, None),
        ("crm:1", "q", "booked_revenue", 400, None),
        ("crm:2", "p", "booked_revenue", 500, 600),  # C1, and B1 once more less B1
        ("crm:3", "rate", "booked_revenue", -500, 1100),
        ("crm:4", "w", "win_rate_amount", 100, None),
    ]


def test_a_locked_month_is_corrected_by_the_shares_and_days_that_were(tmp_path):
    """January, closed on 3 February: of S1 (1 000) 60 % are Anna's, 40 % Boris's; A1, X1 are 500.

    Anna, 10 % to a half of the quota of 1 000, 20 % above: A1 50, S1 120. Boris, 1 000 at 500: his
    900 are 180 %. Later the split becomes 50:50, X1 is deleted on 20 February (day 39 of 60) and S1
    reopened on 5 March (day 44). By the shares of January: Anna -120; Boris, of whom nothing is
    left, -1 800, and that on whatever day it is asked: on 31 March, day 78 of X1, as on the 10th.
    (Dated by the day of the run, X1 had been outside the window then: -800.)
    """
    firm = Company(tmp_path / "ws")
    firm.settings["country"] = None
    firm.source(won_date="history")
    deals = "deal_id,stage,opened_at,closed_at,amount,currency,manager_id,updated_at,is_deleted\n"
    stages = "deal_id,stage,entered_at\n"
    firm.entity("deals", deals.strip().replace(",", " "))
    firm.entity("deal_stages", stages.strip().replace(",", " "))
    firm.entity("deal_splits", "deal_id manager_id share")
    firm.entity("managers", "manager_id manager_name")
    firm.file("managers.csv", "manager_id,manager_name\n1,Anna\n2,Boris\n")
    firm.file("deal_splits_1.csv", "deal_id,manager_id,share\nS1,1,0.6\nS1,2,0.4\n")
    firm.file(
        "deals_1.csv",
        deals
        + "S1,won,2025-12-01,2026-01-20,1000,RUB,1,2026-01-20,\n"
        + "A1,won,2025-12-01,2026-01-10,500,RUB,1,2026-01-20,\n"
        + "X1,won,2025-12-01,2026-01-12,500,RUB,2,2026-01-20,\n",
    )
    won = "{0},open,2025-12-01\n{0},won,2026-01-{1}\n"
    days = {"S1": 20, "A1": 10, "X1": 12}
    firm.file("deal_stages_1.csv", stages + "".join(won.format(*item) for item in days.items()))
    bonus = firm.directory / "bonus"
    bonus.mkdir(parents=True)
    (bonus / "rate.yml").write_text(
        RATE.replace("credited_margin", "credited_revenue").replace(
            "{from_pct: 0, rate: 0.1}",
            "{from_pct: 0, to_pct: 50, rate: 0.1}, {from_pct: 50, rate: 0.2}",
        )
        + "    clawback: {window_days: 60}\n"
    )
    share = REVENUE.replace("booked", "credited").replace("target: 1000}", "target: 500}")
    (bonus / "p.yml").write_text(share.replace("window_days: 90", "window_days: 60"))
    (bonus / "assignments.csv").write_text(
        "manager_id,plan,from\n1,rate,2026-01-01\n2,p,2026-01-01\n"
    )
    firm.settings["as_of"] = "2026-02-03"
    firm.run()
    revision = close(load_workspace(firm.directory), "2026-01", by="x", reason="y")
    assert [s.statement.to_pay for s in revision.settled] == [170, 1800]

    firm.file("deal_splits_2.csv", "deal_id,manager_id,share\nS1,1,0.5\nS1,2,0.5\n")
    firm.file("deal_stages_2.csv", stages + "S1,open,2026-03-05\n")
    firm.file(
        "deals_2.csv",
        deals
        + "S1,open,2025-12-01,,1000,RUB,1,2026-03-05,\n"
        + "X1,won,2025-12-01,2026-01-12,500,RUB,2,2026-02-20,true\n",
    )
    for day in ("2026-03-10", "2026-03-31"):
        firm.settings["as_of"] = day
        told = firm.run()
        assert told.rows("select deal_id, deleted_on from marts.fct_deal_deletions") == [
            ("crm:X1", date(2026, 2, 20))
        ]
        assert told.rows(
            "select manager_id, origin_start, amount from marts.bonus_lines "
            "where kind = 'correction' order by 1"
        ) == [("crm:1", date(2026, 1, 1), -120), ("crm:2", date(2026, 1, 1), -1800)]
        assert told.rows(
            "select manager_id, period, earned, carried_out from marts.bonus_statements "
            "where period > '2026-01' order by 1, 2"
        ) == [
            ("crm:1", "2026-02", 0, -120),
            ("crm:1", "2026-03", 0, -120),
            ("crm:2", "2026-02", 0, -1800),
            ("crm:2", "2026-03", 0, -1800),
        ]


def test_money_that_came_and_went_counts_for_the_win_that_it_was_paid_for(tmp_path):
    """A tenth of all is paid as customers pay, taken back within 90 days.

    Anna: A1 (1 000) is paid on 3 January, refunded on the 5th, paid again on the 25th; it is won
    on the 20th. No win stood on the 5th: 100 are paid, nothing is taken back (it had been: -100).
    Boris: B1 (1 000), won on the 10th and paid, is reopened on the 15th and refunded on the 16th;
    won again on the 20th, it is not paid for yet: 100 wait (they had been paid).
    Vera: C1 (2 000) is paid. C2 is a credit of 500, of which 200 are paid out: 10 % of it are -50,
    and two fifths of them count now: 200 - 20, while -30 wait (the credit had been forgotten).
    Gleb: G1 is 10 dollars, won at 90: 900. 9 dollars came at 60, and 90 roubles for the last one:
    all is paid for, 90 are due (63 had been, 630 of 900).
    """
    firm = Company(tmp_path / "ws")
    firm.settings["country"] = None
    firm.source(won_date="history")
    firm.entity("deals", "deal_id stage opened_at closed_at amount currency manager_id")
    firm.entity("deal_stages", "deal_id stage entered_at")
    firm.entity("managers", "manager_id manager_name")
    firm.entity("payments", "payment_id paid_at amount currency deal_id kind")
    firm.entity("fx_rates", "rate_on currency rate")
    firm.file("managers.csv", "manager_id,manager_name\n1,Anna\n2,Boris\n3,Vera\n4,Gleb\n")
    firm.file("fx_rates.csv", "rate_on,currency,rate\n2026-01-05,USD,90\n2026-01-12,USD,60\n")
    firm.file(
        "deals.csv",
        "deal_id,stage,opened_at,closed_at,amount,currency,manager_id\n"
        "A1,won,2025-12-01,2026-01-20,1000,RUB,1\nB1,won,2025-12-01,2026-01-20,1000,RUB,2\n"
        "C1,won,2025-12-01,2026-01-10,2000,RUB,3\nC2,won,2025-12-01,2026-01-12,-500,RUB,3\n"
        "G1,won,2025-12-01,2026-01-10,10,USD,4\n",
    )
    days = {"A1": 20, "C1": 10, "C2": 12, "G1": 10}
    firm.file(
        "deal_stages.csv",
        "deal_id,stage,entered_at\nB1,open,2025-12-01\nB1,won,2026-01-10\nB1,open,2026-01-15\n"
        "B1,won,2026-01-20\n"
        + "".join(f"{d},open,2025-12-01\n{d},won,2026-01-{n}\n" for d, n in days.items()),
    )
    firm.file(
        "payments.csv",
        "payment_id,paid_at,amount,currency,deal_id,kind\n"
        "1,2026-01-03,1000,RUB,A1,payment\n2,2026-01-05,1000,RUB,A1,refund\n"
        "3,2026-01-25,1000,RUB,A1,payment\n4,2026-01-11,1000,RUB,B1,payment\n"
        "5,2026-01-16,1000,RUB,B1,refund\n6,2026-01-11,2000,RUB,C1,payment\n"
        "7,2026-01-13,200,RUB,C2,refund\n8,2026-01-12,9,USD,G1,payment\n"
        "9,2026-01-13,90,RUB,G1,payment\n",
    )
    bonus = firm.directory / "bonus"
    bonus.mkdir(parents=True)
    rate = RATE.replace("credited_margin", "booked_revenue")
    (bonus / "rate.yml").write_text(
        rate + "    release_on: payment_date\n    clawback: {window_days: 90}\n"
    )
    (bonus / "assignments.csv").write_text(
        "manager_id,plan,from\n" + "".join(f"{n},rate,2026-01-01\n" for n in (1, 2, 3, 4))
    )
    firm.settings["as_of"] = "2026-01-31"
    told = firm.run()
    assert told.rows(
        "select manager_name, earned, released, held, corrections from marts.bonus_statements "
        "order by manager_name"
    ) == [
        ("Anna", 100, 100, 0, 0),
        ("Boris", 100, 0, 100, 0),
        ("Gleb", 90, 90, 0, 0),
        ("Vera", 150, 180, -30, 0),
    ]


def test_a_former_instant_sees_no_closing_and_no_baseline_of_later(tmp_path):
    """January as published on 10 February, before it was closed: 600 at a target of 1 000 pay 600.

    Closed since, and C1 (400) delivered late: for that day and instant nothing has changed. It had
    shown January closed. The goal of February is 10 % above January: 660, and 1 100 with a baseline
    that is first kept by the later run (the first run's is taken away); the former instant sees no
    such baseline, and keeps none.
    """
    firm = Company(tmp_path / "ws")
    firm.entity("deals", "deal_id stage opened_at closed_at amount currency manager_id")
    firm.entity("managers", "manager_id manager_name")
    firm.file("managers.csv", "manager_id,manager_name\n1,Anna\n")
    deals = "deal_id,stage,opened_at,closed_at,amount,currency,manager_id\n"
    firm.file("deals_1.csv", deals + "A1,won,2025-12-01,2026-01-20,600,RUB,1\n")
    sheet = firm.directory / "targets" / "goals.csv"
    sheet.parent.mkdir(parents=True)
    sheet.write_text(
        "goal_id,kpi_code,scope_type,scope_id,period_start,target_kind,target_value\n"
        "G,booked_revenue,manager,1,2026-02,relative_percent,+10\n"
    )
    bonus = firm.directory / "bonus"
    bonus.mkdir(parents=True)
    (bonus / "p.yml").write_text(REVENUE)
    (bonus / "assignments.csv").write_text("manager_id,plan,from\n1,p,2026-01-01\n")
    firm.settings["as_of"] = "2026-02-10"
    firm.run()
    (firm.directory / "state" / "baselines").rename(firm.directory / "kept_by_the_first_run")
    known_by = datetime.now(UTC)
    time.sleep(0.01)
    close(load_workspace(firm.directory), "2026-01", by="x", reason="y")
    firm.file("deals_2.csv", deals + "C1,won,2025-12-01,2026-01-25,400,RUB,1\n")
    wanted = (
        "select period, revision, status, earned from marts.bonus_statements "
        "where period = '2026-01'",
        "select target_value from marts.targets",
    )
    now = firm.run()
    assert [now.rows(sql) for sql in wanted] == [[("2026-01", 1, "closed", 600)], [(1100,)]]
    then = run_all(firm.directory, known_by=known_by)
    assert [then.rows(sql) for sql in wanted] == [[("2026-01", 0, "open", 600)], [(660,)]]
    assert len([*(firm.directory / "state" / "baselines").glob("*.parquet")]) == 1
