"""What must hold for any company: properties over small generated companies.

One pair of runs serves all properties: a company, and the same company delivered otherwise (rows
in another order, some rows a second time, another fixed-offset zone with its instants moved along,
and one more open deal), of which every figure here must stay as it was.
"""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

ADDITIVE = ("booked_revenue", "won_deals", "lost_deals", "new_leads", "calls", "new_customers")
BOUNDED = ("win_rate", "lead_conversion", "lead_conversion_window", "win_rate_amount")
STATEMENT = (
    "select kpi_code, scope_type, scope_id, period_grain, period_start, numerator, denominator, "
    "value from marts.kpi_values where kpi_code in ({})"
)

DEAL = some.tuples(
    some.sampled_from(["won", "won", "lost", "offer"]),
    some.integers(0, 70),  # opened, days after 1 January
    some.integers(0, 15),  # closed, days later
    some.integers(0, 23),  # at this hour
    some.integers(1, 5000),
    some.sampled_from(["m1", "m2", "m3"]),
    some.sampled_from(["c1", "c2", "c3", "c4"]),
)
DEALS = some.lists(DEAL, min_size=4, max_size=12)


def published(directory, deals, *, zone, hours, seed, is_twice, has_open_deal):
    from tests.conftest import Company

    company = Company(directory)
    company.settings["timezone"] = zone
    shuffled = random.Random(seed)

    def moment(days: int, hour: int) -> str:
        at = datetime(2026, 1, 1, hour) + timedelta(days=days, hours=hours)
        return at.isoformat() + "Z"

    rows, leads, calls = [], [], []
    for number, (stage, opened, lasted, hour, amount, manager, customer) in enumerate(deals):
        closed = moment(opened + lasted, hour) if stage in ("won", "lost") else ""
        made = moment(opened, hour)
        rows.append(
            f"d{number},{stage},{made},{closed},{amount},{manager},{customer},l{number},fair"
        )
        leads.append(f"l{number},{made},{manager},fair")
        calls.append(f"a{number},call,{made},{manager},done")
    if has_open_deal:
        rows.append(f"d99,open,{moment(3, 9)},,777,m1,c1,,fair")
    half = len(rows) // 2
    shuffled.shuffle(rows)
    parts = {"deals_1.csv": rows[:half], "deals_2.csv": rows[half:]}
    if is_twice:
        parts["deals_again.csv"] = rows[:half]
    entities = {
        "deals": "deal_id stage opened_at closed_at amount manager_id customer_id lead_id source",
        "leads": "lead_id created_at manager_id source",
        "activities": "activity_id kind occurred_at manager_id status",
        "managers": "manager_id manager_name team",
    }
    for entity, columns in entities.items():
        company.entity(entity, columns)
    parts |= {"leads.csv": leads, "activities.csv": calls}
    parts |= {"managers.csv": ["m1,Ann,A", "m2,Bob,A", "m3,Eve,B"]}
    for name, lines in parts.items():
        shuffled.shuffle(lines)
        header = entities[name.split("_")[0].removesuffix(".csv")].replace(" ", ",")
        company.file(name, "\n".join([header, *lines]) + "\n")
    found = company.run().rows(
        STATEMENT.format(", ".join(f"'{code}'" for code in (*ADDITIVE, *BOUNDED)))
    )
    return {row[:5]: row[5:] for row in found}


@settings(
    max_examples=2,
    phases=[Phase.generate],  # a smaller counterexample costs minutes of runs
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(deals=DEALS, seed=some.integers(0, 1000))
def test_figures_add_up_stay_in_range_and_do_not_hang_on_how_they_were_delivered(
    tmp_path_factory, deals, seed
):
    base = tmp_path_factory.mktemp("properties")
    plain = published(
        base / "plain", deals, zone="Etc/GMT-3", hours=-3, seed=1, is_twice=False,
        has_open_deal=False,
    )  # fmt: skip
    other = published(
        base / "other", deals, zone="Etc/GMT-5", hours=-5, seed=seed, is_twice=True,
        has_open_deal=True,
    )  # fmt: skip
    wins = {
        "booked_revenue": sum(Decimal(d[4]) for d in deals if d[0] == "won"),
        "won_deals": sum(d[0] == "won" for d in deals),
        "lost_deals": sum(d[0] == "lost" for d in deals),
        "new_leads": len(deals),
        "calls": len(deals),
    }
    for told in (plain, other):
        sums: dict[tuple, Decimal] = defaultdict(Decimal)
        for (code, scope, _, grain, _), (numerator, _, _) in told.items():
            if code in ADDITIVE:
                sums[code, scope, grain] += Decimal(numerator or 0)
        for code in ADDITIVE:
            grains = {grain: sums[code, "company", grain] for grain in ("day", "month", "year")}
            assert len(set(grains.values())) == 1, (code, grains)
            if code in wins:
                assert grains["year"] == wins[code], code
            for scope in ("manager", "team", "channel"):
                assert sums[code, scope, "month"] == grains["month"], (code, scope)
        for (code, *_), (numerator, denominator, value) in told.items():
            if code in BOUNDED and value is not None:
                assert 0 <= value <= 1, code
                assert abs(value - float(numerator) / float(denominator)) < 1e-12, code
    # instants moved along with the zone: the same days, and the open deal changes nothing here
    assert {k: v for k, v in plain.items() if v[0]} == {k: v for k, v in other.items() if v[0]}
