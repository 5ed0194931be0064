"""The limit: the same CSVs to the same KPI values by one hand-written DuckDB script.

No orchestration, gates, lineage, quarantine or history; only what the figures need.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

SCRIPT = """
create table deals as
select deal_id, stage, cast(opened_at as date) as opened_on, cast(closed_at as date) as closed_on,
    cast(amount as decimal(18, 4)) as amount, manager_id, customer_id, lead_id, product_id
from read_csv('{raw}/deals_*.csv', header=true, all_varchar=true);

create table leads as
with typed as (
    select lead_id, cast(created_at as timestamp) as created_at, cast(created_at as date) as created_on,
        manager_id, source as channel_id, cast(qualified_at as date) as qualified_on,
        sha256(regexp_replace(phone, '\\D', '', 'g')) as phone
    from read_csv('{raw}/leads_*.csv', header=true, all_varchar=true)
),
spaced as (
    select *, coalesce(created_on - lag(created_on) over (partition by phone order by created_at, lead_id) < 30, false)
        as is_repeat
    from typed
)
select *, first_value(lead_id) over (partition by phone, chain order by created_at, lead_id) as head_id
from (select *, sum(case when is_repeat then 0 else 1 end) over (partition by phone order by created_at, lead_id
    rows unbounded preceding) as chain from spaced);

create table activities as
select activity_id, kind, cast(occurred_at as timestamp) as occurred_at, cast(occurred_at as date) as day, manager_id, direction,
    cast(duration_seconds as integer) as seconds, deal_id, lead_id
from read_csv('{raw}/activities_*.csv', header=true, all_varchar=true);

create table managers as select manager_id, team from read_csv('{raw}/managers.csv', header=true, all_varchar=true);

create table facts as
with d as (
    select deals.*, heads.head_id, head.channel_id, head.created_on as lead_on,
        case when stage in ('won', 'lost') and closed_on <= date '2026-06-30' then stage else 'open' end as outcome,
        stage = 'won' and closed_on <= date '2026-06-30' and row_number() over (partition by customer_id
            order by case when stage = 'won' and closed_on <= date '2026-06-30' then closed_on end nulls last, deal_id) = 1 as is_first
    from deals
    left join leads as heads on deals.lead_id = heads.lead_id
    left join leads as head on heads.head_id = head.lead_id
    where opened_on <= date '2026-06-30'
),
l as (
    select leads.lead_id, leads.created_on, leads.manager_id, leads.channel_id, chains.qualified_on, wins.won_on
    from leads
    inner join (select head_id, min(qualified_on) as qualified_on from leads group by 1) as chains
        on leads.lead_id = chains.head_id
    left join (select head_id, min(closed_on) as won_on from d where outcome = 'won' group by 1) as wins
        on leads.lead_id = wins.head_id
),
a as (
    select activities.*, coalesce(direct.channel_id, d.channel_id) as channel_id,
        kind = 'proposal' and (activities.deal_id is null or row_number() over (
            partition by activities.deal_id, kind order by occurred_at, activity_id) = 1) as is_first
    from activities
    left join d on activities.deal_id = d.deal_id
    left join leads as own on activities.lead_id = own.lead_id
    left join leads as direct on own.head_id = direct.lead_id
    where day <= date '2026-06-30'
)
select 'booked_revenue' as measure, closed_on as day, manager_id, channel_id, product_id, amount as value from d where outcome = 'won'
union all select 'won_deals', closed_on, manager_id, channel_id, product_id, 1 from d where outcome = 'won'
union all select 'lost_deals', closed_on, manager_id, channel_id, product_id, 1 from d where outcome = 'lost'
union all select 'closed_deals', closed_on, manager_id, channel_id, product_id, 1 from d where outcome <> 'open'
union all select 'opened_deals', opened_on, manager_id, channel_id, product_id, 1 from d
union all select 'opened_won', opened_on, manager_id, channel_id, product_id, 1 from d where outcome = 'won'
union all select 'cycle_days', closed_on, manager_id, channel_id, product_id, closed_on - opened_on from d where outcome = 'won'
union all select 'new_customers', closed_on, manager_id, channel_id, product_id, 1 from d where outcome = 'won' and is_first
union all select 'new_leads', created_on, manager_id, channel_id, null, 1 from l
union all select 'qualified_leads', qualified_on, manager_id, channel_id, null, 1 from l where qualified_on is not null
union all select 'converted_leads', created_on, manager_id, channel_id, null, 1 from l where won_on is not null
union all select 'window_leads', created_on, manager_id, channel_id, null, 1 from l where won_on >= created_on and won_on - created_on < 60
union all select 'calls', day, manager_id, channel_id, null, 1 from a where kind = 'call'
union all select 'connected_calls', day, manager_id, channel_id, null, 1 from a where kind = 'call' and seconds >= 30
union all select 'meetings', day, manager_id, channel_id, null, 1 from a where kind = 'meeting'
union all select 'proposals', day, manager_id, channel_id, null, 1 from a where is_first;

create table cells as
select measure, day, case when grouping(team) = 0 then 'team' when grouping(manager_id) = 0 then 'manager'
    when grouping(channel_id) = 0 then 'channel' when grouping(product_id) = 0 then 'product' else 'company' end as scope_type,
    coalesce(team, manager_id, channel_id, product_id, 'all') as scope_id, sum(value) as value, count(*) as n
from facts left join managers using (manager_id)
group by grouping sets ((measure, day), (measure, day, team), (measure, day, manager_id), (measure, day, channel_id), (measure, day, product_id));

create table values_long as
with grains as (
    select day, unnest(['day', 'week', 'month', 'quarter', 'year']) as grain,
        unnest([day, date_trunc('week', day), date_trunc('month', day), date_trunc('quarter', day), date_trunc('year', day)]) as start
    from (select distinct day from cells)
)
select measure, scope_type, scope_id, grain, start, sum(value) as value
from cells join grains using (day) group by all;

create table cycles as
with samples as (
    select day, value as days, count(*) as n, team, manager_id, channel_id, product_id
    from facts left join managers using (manager_id) where measure = 'cycle_days'
    group by grouping sets ((day, value), (day, value, team), (day, value, manager_id), (day, value, channel_id), (day, value, product_id))
)
select date_trunc(grain, day) as start, grain, team, manager_id, channel_id, product_id,
    quantile_cont(days, [0.5, 0.9]) as q
from samples, unnest(['week', 'month', 'quarter', 'year']) as t(grain), range(n) group by all;

create table kpis as
pivot (select * from values_long) on measure using sum(value) group by scope_type, scope_id, grain, start;
copy (select *, won_deals / nullif(closed_deals, 0) as win_rate, converted_leads / nullif(new_leads, 0) as lead_conversion,
    booked_revenue / nullif(won_deals, 0) as average_check from kpis) to '{out}' (format parquet);
"""


def run(directory: Path, memory_limit: str | None = None) -> float:
    """Compute the figures of a workspace's CSVs; return seconds."""
    out = directory / "limit.parquet"
    began = time.monotonic()
    with duckdb.connect(str(directory / "limit.duckdb")) as connection:
        connection.execute("set enable_progress_bar = false")
        if memory_limit:
            connection.execute(f"set memory_limit = '{memory_limit}'")
        connection.execute(SCRIPT.format(raw=directory / "raw" / "crm", out=out))
    seconds = time.monotonic() - began
    (directory / "limit.duckdb").unlink()
    return seconds


if __name__ == "__main__":
    print(run(Path(sys.argv[1])))
