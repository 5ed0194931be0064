"""A big company's CSVs, written by DuckDB: deterministic, no random state."""

from __future__ import annotations

from pathlib import Path

import duckdb

SETTINGS = """\
company: Bench
reporting_currency: RUB
timezone: Europe/Moscow
as_of: 2026-06-30
sources:
  crm:
    system: files
    entities:
      deals:
        files: "deals_*.csv"
        columns: {{deal_id: deal_id, stage: stage, opened_at: opened_at, closed_at: closed_at, amount: amount, manager_id: manager_id, customer_id: customer_id, lead_id: lead_id, product_id: product_id, updated_at: updated_at}}
        constants: {{currency: RUB, pipeline: main}}
      leads:
        files: "leads*.csv"
        columns: {{lead_id: lead_id, created_at: created_at, manager_id: manager_id, source: source, qualified_at: qualified_at, phone: phone}}
      activities:
        files: "activities*.csv"
        columns: {{activity_id: activity_id, kind: kind, occurred_at: occurred_at, manager_id: manager_id, status: status, direction: direction, duration_seconds: duration_seconds, deal_id: deal_id, lead_id: lead_id}}
      managers:
        files: "managers.csv"
        columns: {{manager_id: manager_id, manager_name: manager_name, team: team}}
stages:
  - {{stage: open, outcome: open}}
  - {{stage: won, outcome: won}}
  - {{stage: lost, outcome: lost}}
settings: {settings}
"""

HISTORY = """\
      deal_stages:
        files: "deal_stages*.csv"
        columns: {deal_id: deal_id, stage: stage, entered_at: entered_at}
        constants: {pipeline: main}
"""
STAGES = """\
  - {stage: called, outcome: open, position: 2}
  - {stage: offered, outcome: open, position: 3}
  - {stage: agreed, outcome: open, position: 4}
"""

_DEALS = """
select 'D' || i as deal_id,
    case when i % 10 < 4 then 'won' when i % 10 < 8 then 'lost' else 'open' end as stage,
    strftime(opened, '%Y-%m-%d %H:%M:%S') as opened_at,
    case when i % 10 < 8 then strftime(opened + to_days(cast(3 + hash(i) % 60 as integer)), '%Y-%m-%d %H:%M:%S') end
        as closed_at,
    printf('%.2f', 1000 + (hash(i * 7) % 900000) / 10.0) as amount,
    'M' || (hash(i * 3) % 60) as manager_id,
    'C' || (hash(i * 5) % {customers}) as customer_id,
    'L' || (i * 1) as lead_id,
    'P' || (hash(i * 11) % 20) as product_id,
    '2026-06-30 10:00:00' as updated_at
from (select i, timestamp '2024-07-01' + to_seconds(cast(hash(i * 13) % 57000000 as bigint)) as opened
      from range({first}, {last}) as t(i))
"""
_STAGES = """
select 'D' || i as deal_id, stage,
    strftime(opened + to_days(cast(floor(place * (3 + hash(i) % 60) / 4.0) as integer)), '%Y-%m-%d %H:%M:%S') as entered_at
from (
    select i, timestamp '2024-07-01' + to_seconds(cast(hash(i * 13) % 57000000 as bigint)) as opened, place,
        case when place < 4 then ['open', 'called', 'offered', 'agreed'][1 + place] when i % 10 < 4 then 'won' else 'lost' end as stage
    from range({first}, {last}) as t(i), range(5) as p(place)
    where place < 4 or i % 10 < 8
)
"""
_LEADS = """
select 'L' || i as lead_id,
    strftime(timestamp '2024-07-01' + to_seconds(cast(hash(i * 13) % 57000000 as bigint)) - interval 2 day,
        '%Y-%m-%d %H:%M:%S') as created_at,
    'M' || (hash(i * 3) % 60) as manager_id,
    'channel ' || (hash(i * 17) % 8) as source,
    case when i % 3 = 0 then strftime(timestamp '2024-07-01' + to_seconds(cast(hash(i * 13) % 57000000 as bigint))
        - interval 1 day, '%Y-%m-%d %H:%M:%S') end as qualified_at,
    '+7 9' || lpad(cast(i - case when i % 25 = 0 then 1 else 0 end as varchar), 9, '0') as phone
from range({first}, {last}) as t(i)
"""
_ACTIVITIES = """
select 'A' || i as activity_id,
    ['call', 'call', 'call', 'email', 'meeting', 'proposal'][1 + i % 6] as kind,
    strftime(timestamp '2024-07-01' + to_seconds(cast(hash((i // 3) * 13) % 57000000 as bigint))
        + to_seconds(cast(hash(i) % 90000 as bigint)), '%Y-%m-%d %H:%M:%S') as occurred_at,
    'M' || (hash(i * 3) % 60) as manager_id,
    'done' as status,
    case when i % 4 = 0 then 'in' else 'out' end as direction,
    case when i % 6 < 3 then cast(hash(i * 19) % 400 as varchar) end as duration_seconds,
    case when i % 2 = 0 then 'D' || (i // 3) end as deal_id,
    case when i % 2 = 1 then 'L' || (i // 3) end as lead_id
from range({first}, {last}) as t(i)
"""


def write_company(
    directory: Path,
    deals: int,
    *,
    first: int = 0,
    part: str = "1",
    memory_limit: str | None = None,
    history: bool = False,
) -> int:
    """Write ``deals`` deals, as many leads and three times the activities; return the rows.

    With ``history`` there are four to five stages of each deal beside.
    """
    raw = directory / "raw" / "crm"
    raw.mkdir(parents=True, exist_ok=True)
    limit = f"{{memory_limit: {memory_limit}}}" if memory_limit else "{}"
    settings = SETTINGS.format(settings=limit)
    if history:
        settings = settings.replace("      leads:\n", HISTORY + "      leads:\n", 1)
        settings = settings.replace("\nstages:\n", "\nstages:\n" + STAGES, 1)
    (directory / "workspace.yml").write_text(settings, encoding="utf-8")
    spans = {
        "deals": (_DEALS, first, first + deals),
        "leads": (_LEADS, first, first + deals),
        "activities": (_ACTIVITIES, 3 * first, 3 * (first + deals)),
    }
    if history:
        spans["deal_stages"] = (_STAGES, first, first + deals)
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute("set preserve_insertion_order = true")
        for name, (sql, start, end) in spans.items():
            path = raw / f"{name}_{part}.csv"
            if not path.exists():
                query = sql.format(first=start, last=end, customers=max(deals // 3, 1))
                connection.execute(f"copy ({query}) to '{path}' (header, delimiter ',')")
        managers = "select 'M' || i as manager_id, 'Seller ' || i as manager_name, "
        managers += "'Team ' || (i % 6) as team from range(60) as t(i)"
        connection.execute(f"copy ({managers}) to '{raw / 'managers.csv'}' (header)")
    return (10 if history else 5) * deals
