"""The limit: the same CSVs to the same KPI values by one hand-written DuckDB script.

No orchestration, gates, lineage, quarantine or history; only what the figures need. It is written
for the company of `company.py` alone and knows of it what its analyst would: ids are a letter and a
number, times are of Moscow and none lies after the day of the run, there is one currency, every
amount is above zero, no win is reversed, no stage but the last is told, no deal has a planned close,
every row names its manager, channel and product, proposals are written on leads, all sell by the
strategy `mass`, and which days were off.

Days are numbers since 1970, money is whole kopecks. Facts are counted once by day x manager, day x
channel and day x product; teams and the company are sums of managers. Running sums over the days
give every window as one difference: week, month, quarter, year, the trailing 90 days, and what an
unfinished period is compared with. Only medians go back to the facts.

`tests/e2e/test_limit.py` holds every row against what the product publishes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import duckdb

AS_OF = "2026-06-30"
DAYS_OFF = """
    2024-11-04 2024-12-30 2024-12-31 2025-01-01 2025-01-02 2025-01-03 2025-01-06 2025-01-07 2025-01-08 2025-05-01
    2025-05-02 2025-05-08 2025-05-09 2025-06-12 2025-06-13 2025-11-03 2025-11-04 2025-12-31 2026-01-01 2026-01-02
    2026-01-05 2026-01-06 2026-01-07 2026-01-08 2026-01-09 2026-02-23 2026-03-09 2026-05-01 2026-05-11 2026-06-12
"""

# sums and quotients of sums, by the columns of COUNTS: code, numerator, denominator, maturity
OF_DEALS = [
    ("booked_revenue", "revenue / 100", None, None),
    ("won_deals", "won", None, None),
    ("lost_deals", "closed - won", None, None),
    ("new_customers", "customers", None, None),
    ("average_check", "revenue / 100", "won", None),
    ("win_rate", "won", "closed", None),
    ("win_rate_amount", "revenue / 100", "closed_amount / 100", None),
    ("created_win_rate", "opened_won", "opened", "opened_ripeness"),
    ("cycle_days_mean", "cycle_days", "won", None),
]
OF_LEADS = [
    ("new_leads", "leads", None, None),
    ("qualified_leads", "qualified", None, None),
    ("lead_conversion", "converted", "leads", "leads_ripeness"),
    ("lead_conversion_window", "seen_in_window", "seen_leads", None),
    ("lead_conversion_operational", "lead_wins", "leads", None),
    ("speed_to_lead_sla", "within_sla", "sla_due", None),
    ("calls", "calls", None, None),
    ("connected_calls", "connected_calls", None, None),
    ("meetings", "meetings", None, None),
    ("proposals", "proposals", None, None),
]
CREDITED = [("credited_revenue", "revenue / 100", None, None)]
FUNNEL = [
    ("calls_per_win", "calls", "won", None),
    ("call_to_meeting_rate", "meetings", "calls", None),
    ("meeting_to_proposal_rate", "proposals", "meetings", None),
    ("proposal_to_win_rate", "won", "proposals", None),
]
# worked out whole, by the columns of `sums`: code, numerator, value
DEAL_MEDIANS = [
    ("cycle_days_median", "case when won > 0 then cycle_days end", "cycle_median"),
    ("cycle_days_p90", "case when won > 0 then cycle_days end", "cycle_p90"),
    ("lead_to_win_days_median", "case when won > 0 then way_days end", "way_median"),
]
LEAD_MEDIANS = [
    ("speed_to_lead_minutes", "case when answered > 0 then speed_minutes end", "speed_median")
]
VELOCITY = [("sales_velocity", "null", "velocity")]
# what has rows where: KPIs, scopes, grains
KINDS = [
    (OF_DEALS, "true", "day and longer"),
    (OF_LEADS, "scope < 300", "day and longer"),
    (CREDITED, "scope < 200 and scope_type <> 'strategy'", "day and longer"),
    (FUNNEL, "scope < 300", "month and longer"),
    (DEAL_MEDIANS, "true", "week and longer"),
    (LEAD_MEDIANS, "scope < 300", "week and longer"),
    (VELOCITY, "true", "month and longer"),
]

COUNTS = """
    opened opened_won closed won customers revenue closed_amount cycle_days way_days
    leads converted in_window sla_due within_sla answered speed_minutes qualified lead_wins
    calls connected_calls meetings proposals
"""
BASES = ["previous", "year_ago", "previous_to_date", "year_ago_to_date"]

READ = """
create macro seconds(moment) as cast(epoch_us(moment) // 1000000 as integer);
create macro day_of(second) as cast(second // 86400 as smallint);
create macro to_day(date) as cast(cast(date as date) - date '1970-01-01' as smallint);
create macro to_date(day) as date '1970-01-01' + cast(day as integer);
create macro number_in(id) as cast(id[2:] as integer);

create table teams as
select cast(number_in(manager_id) as utinyint) as manager, lower(team) as team_id, cast(dense_rank() over (order by team) as utinyint) as team
from read_csv('{raw}/managers.csv', header = true, all_varchar = true);

create table leads as
select
    number_in(lead_id) as lead, seconds(created_at) as created_at, day_of(seconds(created_at)) as created, day_of(seconds(qualified_at)) as qualified,
    cast(number_in(manager_id) as utinyint) as manager, cast(source[9:] as utinyint) as channel, cast(translate(phone, '+- ', '') as bigint) as phone
from read_csv('{raw}/leads_*.csv', header = true, auto_detect = false, columns = {{
    lead_id: 'varchar', created_at: 'timestamp', manager_id: 'varchar', source: 'varchar', qualified_at: 'timestamp', phone: 'varchar'}});

-- a phone that comes again within 30 days of the time before is the same lead
create table repeats as
with spaced as (
    select *, created - lag(created) over (partition by phone order by created_at, lead) < 30 as is_repeat
    from leads where phone in (select phone from leads group by phone having count(*) > 1)
),
chained as (
    select *, count(*) filter (where is_repeat is not true) over (partition by phone order by created_at, lead) as chain from spaced
)
select lead, qualified, first_value(lead) over chains as head, first_value(created) over chains as created, first_value(channel) over chains as channel
from chained
window chains as (partition by phone, chain order by created_at, lead)
qualify is_repeat;

create table deals as
with told as (
    select
        number_in(deal_id) as deal, cast(number_in(manager_id) as utinyint) as manager, cast(number_in(product_id) as utinyint) as product,
        number_in(customer_id) as customer, number_in(lead_id) as lead, day_of(seconds(opened_at)) as opened, seconds(closed_at) as closed_at,
        stage = 'won' as is_won, cast(amount * 100 as integer) as kopecks
    from read_csv('{raw}/deals_*.csv', header = true, auto_detect = false, columns = {{
        deal_id: 'varchar', stage: 'varchar', opened_at: 'timestamp', closed_at: 'timestamp', amount: 'decimal(9, 2)', manager_id: 'varchar',
        customer_id: 'varchar', lead_id: 'varchar', product_id: 'varchar', updated_at: 'varchar'}})
)
select
    deal, told.manager, product, customer, coalesce(repeats.head, lead) as lead, coalesce(repeats.channel, leads.channel) as channel,
    opened, closed_at, day_of(closed_at) as closed, is_won, kopecks,
    case when is_won then day_of(closed_at) - opened end as cycle_days,
    case when is_won then day_of(closed_at) - coalesce(repeats.created, leads.created) end as way_days
from told
inner join leads using (lead)
left join repeats using (lead);

create table activities as
with told as (
    select
        kind, seconds(occurred_at) as second, cast(number_in(manager_id) as utinyint) as manager, direction = 'out' as is_out,
        duration_seconds >= 30 as is_connected, number_in(deal_id) as deal, number_in(lead_id) as lead
    from read_csv('{raw}/activities_*.csv', header = true, auto_detect = false, columns = {{
        activity_id: 'varchar', kind: 'varchar', occurred_at: 'timestamp', manager_id: 'varchar', status: 'varchar', direction: 'varchar',
        duration_seconds: 'integer', deal_id: 'varchar', lead_id: 'varchar'}})
)
select
    kind, second, day_of(second) as day, told.manager, is_out, is_connected,
    coalesce(deals.lead, repeats.head, told.lead) as lead, coalesce(deals.channel, repeats.channel, leads.channel) as channel
from told
left join deals using (deal)
left join leads on told.lead = leads.lead
left join repeats on told.lead = repeats.lead;
"""

FOLLOW_LEADS = """
-- the clock runs from 9 to 18 on working days
create table clock as
select day, is_working, cast(540 * (sum(is_working) over (order by day) - is_working) as integer) as minutes_before
from (
    select cast(day as smallint) as day, cast(isodow(to_date(day)) < 6 and to_date(day) not in ({days_off}) as integer) as is_working
    from range(to_day(date '2024-06-01'), to_day({as_of}) + 1) as days(day)
);
create macro working_minute(second, minutes_before, is_working) as
    minutes_before + is_working * (least(greatest(second % 86400 // 60, 540), 1080) - 540);

create table lead_facts as
with wins as (
    select lead, min(closed) as won, arg_min(manager, (cast(closed_at as bigint) << 32) + deal) as winner from deals where is_won group by lead
),
touches as (
    select lead, min(second) as second from activities inner join leads using (lead)
    where is_out and kind <> 'proposal' and second >= created_at group by lead
),
chains as (select head, min(qualified) as qualified from repeats group by head),
timed as (
    select
        leads.manager, leads.channel, leads.created, least(leads.qualified, chains.qualified) as qualified, wins.won, wins.winner,
        working_minute(created_at, created_on.minutes_before, created_on.is_working) as created_minute,
        working_minute(touches.second, touched_on.minutes_before, touched_on.is_working) as touched_minute
    from leads
    anti join repeats using (lead)
    left join chains on leads.lead = chains.head
    left join wins on leads.lead = wins.lead
    left join touches on leads.lead = touches.lead
    inner join clock as created_on on leads.created = created_on.day
    left join clock as touched_on on day_of(touches.second) = touched_on.day
)
select
    manager, channel, created, qualified, won, winner, won - created as way_days, cast(touched_minute - created_minute as smallint) as speed,
    touched_minute is not null or created_minute + 15 <= (select max(minutes_before + 540 * is_working) from clock) as is_sla_due
from timed;
"""

# the scope of a row: 0 the company, 1.. teams, 100.. managers, 200.. channels, 300.. products
COUNT = """
create macro scope_of(manager, team, channel, product) as coalesce(100 + manager, team, 200 + channel, 300 + product, 0);

create table cells as
select scope_of(manager, null, channel, product) as cell, opened as day, count(*) as opened, count(*) filter (is_won) as opened_won
from deals group by grouping sets ((opened, manager), (opened, channel), (opened, product))
union all by name
select
    scope_of(manager, null, channel, product) as cell, closed as day, count(*) as closed, count(*) filter (is_won) as won,
    sum(kopecks) filter (is_won) as revenue, sum(kopecks) as closed_amount, sum(cycle_days) as cycle_days, sum(way_days) as way_days
from deals where closed is not null group by grouping sets ((closed, manager), (closed, channel), (closed, product))
union all by name
select scope_of(win.manager, null, win.channel, win.product) as cell, win.closed as day, count(*) as customers
from (
    select arg_min({{manager: manager, channel: channel, product: product, closed: closed}}, (cast(closed_at as bigint) << 32) + deal) as win
    from deals where is_won group by customer
)
group by grouping sets ((win.closed, win.manager), (win.closed, win.channel), (win.closed, win.product))
union all by name
select
    scope_of(manager, null, channel, null) as cell, created as day, count(*) as leads, count(won) as converted,
    count(*) filter (way_days between 0 and 59) as in_window, count(*) filter (is_sla_due) as sla_due,
    count(*) filter (speed <= 15) as within_sla, count(speed) as answered, sum(speed) as speed_minutes
from lead_facts group by grouping sets ((created, manager), (created, channel))
union all by name
select scope_of(manager, null, channel, null) as cell, qualified as day, count(*) as qualified
from lead_facts where qualified is not null group by grouping sets ((lead_facts.qualified, manager), (lead_facts.qualified, channel))
union all by name
select scope_of(winner, null, channel, null) as cell, won as day, count(*) as lead_wins
from lead_facts where won is not null group by grouping sets ((won, winner), (won, channel))
union all by name
select
    scope_of(manager, null, channel, null) as cell, day, count(*) filter (kind = 'call') as calls, count(*) filter (is_connected) as connected_calls,
    count(*) filter (kind = 'meeting') as meetings, count(*) filter (kind = 'proposal') as proposals
from activities group by grouping sets ((day, manager), (day, channel));

create table named as
select 0 as scope, 'company' as scope_type, 'all' as scope_id union all select 0, 'strategy', 'mass'
union all select distinct team, 'team', team_id from teams
union all select 100 + manager, 'manager', 'crm:M' || manager from teams
union all select distinct cell, 'channel', 'channel ' || (cell - 200) from cells where cell between 200 and 299
union all select distinct cell, 'product', 'crm:P' || (cell - 300) from cells where cell >= 300;

create type kpi as enum ({codes});
create type grain as enum ('day', 'week', 'month', 'quarter', 'year');
create type scope_type as enum (select distinct scope_type from named);
create type scope_id as enum (select distinct scope_id from named);
create table scopes as select scope, cast(scope_type as scope_type) as scope_type, cast(scope_id as scope_id) as scope_id from named;

-- the share of wins within 180 days that shows after so many, of what was born 180 days to 24 months ago
create table ripening as
with ages as (
    select 'lead' as subject, greatest(way_days, 0) as age, count(*) as wins
    from lead_facts where created between to_day({as_of} - interval 24 month) and to_day({as_of}) - 180 and way_days <= 180 group by age
    union all
    select 'deal', cycle_days, count(*)
    from deals where opened between to_day({as_of} - interval 24 month) and to_day({as_of}) - 180 and cycle_days <= 180 group by cycle_days
)
select subject, cast(to_day({as_of}) - old.age as smallint) as day, sum(wins) filter (ages.age <= old.age) / sum(wins) as share
from ages cross join range(800) as old(age) group by subject, old.age;

create table grid as
with days as (select cast(day as smallint) as day from range((select min(day) - 1 from cells), to_day({as_of}) + 1) as every(day)),
cell_scopes as (
    select 100 + manager as cell, unnest([0, team, 100 + manager]) as scope from teams
    union all select distinct cell, cell from cells where cell >= 200
),
summed as (select scope, day, {summed} from cells inner join cell_scopes using (cell) group by scope, day)
select
    scope, days.day, {counts}, coalesce(summed.opened * deal.share, 0) as opened_ripeness, coalesce(summed.leads * lead.share, 0) as leads_ripeness
from (select distinct scope from scopes) cross join days
left join summed using (scope, day)
left join ripening as deal on deal.subject = 'deal' and days.day = deal.day
left join ripening as lead on lead.subject = 'lead' and days.day = lead.day;

create table running as
select scope, day, {running} from grid
window up_to_now as (partition by scope order by day rows unbounded preceding);
"""

WINDOWS = """
create table windows as
with spans as (
    select distinct
        grain, cast(date_trunc(grain, to_date(day)) as date) as start,
        case grain when 'week' then interval 7 day when 'month' then interval 1 month when 'quarter' then interval 3 month else interval 1 year end as span,
        case grain when 'week' then interval 364 day else interval 1 year end as year
    from range((select min(day) from cells), to_day({as_of}) + 1) as days(day)
    cross join unnest(['week', 'month', 'quarter', 'year']) as grains(grain)
),
numbered as (
    select
        *, cast(row_number() over (order by grain, start) as smallint) as number,
        to_day(start) as first_day, least(to_day(start + span) - 1, to_day({as_of})) as last_day
    from spans
),
-- a quarter or year of which the first month is missing is no base
bases as (
    select * from numbered where grain in ('week', 'month') or start + interval 1 month > to_date((select min(day) from cells))
),
-- an unfinished period is compared with as many days; as many working days end on the same dates
parts(number, grain, start, is_previous, is_year_ago, first_day, last_day) as (
    values
        (1001, 'week', date '2026-06-29', true, false, date '2026-06-22', date '2026-06-23'),
        (1002, 'week', date '2026-06-29', false, true, date '2025-06-30', date '2025-07-01'),
        (1003, 'year', date '2026-01-01', true, true, date '2025-01-01', date '2025-06-30')
)
select
    own.number, cast(own.grain as grain) as grain, own.start, own.first_day, own.last_day,
    previous.number as previous, year_ago.number as year_ago, previous_part.number as previous_to_date, year_ago_part.number as year_ago_to_date
from numbered as own
left join bases as previous on own.grain = previous.grain and own.start = previous.start + previous.span
left join bases as year_ago on own.grain = year_ago.grain and own.start = year_ago.start + year_ago.year
left join parts as previous_part on own.grain = previous_part.grain and own.start = previous_part.start and previous_part.is_previous
left join parts as year_ago_part on own.grain = year_ago_part.grain and own.start = year_ago_part.start and year_ago_part.is_year_ago
union all by name
select number, to_day(first_day) as first_day, to_day(last_day) as last_day from parts;

create table window_days as select number, cast(unnest(range(first_day, last_day + 1)) as smallint) as day from windows;
create table trailing_days as select last_day, cast(unnest(range(last_day - 89, last_day + 1)) as smallint) as day from windows where grain = 'month';

create table deal_medians as
select
    number, scope_of(manager, team, channel, product) as scope,
    quantile_cont(cycle_days, [0.5, 0.9]) as cycle, quantile_cont(way_days, 0.5) as way_median
from deals inner join teams using (manager) inner join window_days on deals.closed = window_days.day
where is_won group by grouping sets ((number), (number, manager), (number, team), (number, channel), (number, product));

create table trailing_medians as
select last_day, scope_of(manager, team, channel, product) as scope, quantile_cont(cycle_days, 0.5) as cycle_median
from deals inner join teams using (manager) inner join trailing_days on deals.closed = trailing_days.day
where is_won group by grouping sets ((last_day), (last_day, manager), (last_day, team), (last_day, channel), (last_day, product));

create table lead_medians as
select number, scope_of(manager, team, channel, null) as scope, quantile_cont(speed, 0.5) as speed_median
from lead_facts inner join teams using (manager) inner join window_days on lead_facts.created = window_days.day
where speed is not null group by grouping sets ((number), (number, manager), (number, team), (number, channel));
"""

WRITE = """
create table sums as
with begun as (select min(day) as day from grid)
select
    windows.*, now.scope, {differences}, now.opened - now.closed as open_deals,
    case when windows.last_day + 60 <= to_day({as_of}) + 1 then now.in_window - before.in_window end as seen_in_window,
    case when windows.last_day + 60 <= to_day({as_of}) + 1 then now.leads - before.leads end as seen_leads,
    cycle[1] as cycle_median, cycle[2] as cycle_p90, way_median, speed_median,
    (now.opened - now.closed) * (now.won - ago.won) / nullif(now.closed - ago.closed, 0)
        * (now.revenue - ago.revenue) / 100 / nullif(now.won - ago.won, 0) / nullif(trailing_medians.cycle_median, 0) as velocity
from windows cross join begun
inner join running as now on windows.last_day = now.day
inner join running as before on now.scope = before.scope and greatest(windows.first_day - 1, begun.day) = before.day
inner join running as ago on now.scope = ago.scope and greatest(windows.last_day - 90, begun.day) = ago.day
left join deal_medians on now.scope = deal_medians.scope and windows.number = deal_medians.number
left join lead_medians on now.scope = lead_medians.scope and windows.number = lead_medians.number
left join trailing_medians on now.scope = trailing_medians.scope and windows.last_day = trailing_medians.last_day;

-- a channel has rows from its first day on, a product where something happened
create table figures as
with channels as (select cell as scope, min(day) as first_day from cells where cell between 200 and 299 group by cell)
select sums.*, {values}
from sums left join channels using (scope)
where case when scope < 300 then last_day >= coalesce(channels.first_day, 0) else opened > 0 or closed > 0 or open_deals > 0 end;

create table periods as
select own.*, scope_type, scope_id, {compared}
from figures as own
inner join scopes using (scope)
left join figures as previous on own.scope = previous.scope and own.previous = previous.number
left join figures as year_ago on own.scope = year_ago.scope and own.year_ago = year_ago.number
left join figures as previous_to_date on own.scope = previous_to_date.scope and own.previous_to_date = previous_to_date.number
left join figures as year_ago_to_date on own.scope = year_ago_to_date.scope and own.year_ago_to_date = year_ago_to_date.number
where own.grain is not null;

create table days as
select
    scope, scope_type, scope_id, cast('day' as grain) as grain, to_date(grid.day) as start, grid.* exclude (scope, day),
    running.opened - running.closed as open_deals, case when grid.day + 60 <= to_day({as_of}) + 1 then grid.in_window end as seen_in_window,
    case when grid.day + 60 <= to_day({as_of}) + 1 then grid.leads end as seen_leads
from grid inner join running using (scope, day) inner join scopes using (scope);

copy (
{rows}
) to '{out}' (format parquet);
"""


def run(directory: Path, memory_limit: str | None = None) -> float:
    """Compute the figures of a workspace's CSVs into limit.parquet beside them; return seconds."""
    began = time.monotonic()
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"set temp_directory = '{directory / 'limit.tmp'}'")
        if memory_limit:
            connection.execute(f"set memory_limit = '{memory_limit}'")
        for statement in script(directory / "raw" / "crm", directory / "limit.parquet"):
            connection.execute(statement)
    return time.monotonic() - began


def script(raw: Path, out: Path) -> list[str]:
    """Return the statements in order, with the lists of columns written out."""
    counts = COUNTS.split()
    sums = [*counts, "opened_ripeness", "leads_ripeness"]
    summed = [*OF_DEALS, *OF_LEADS, *CREDITED, *FUNNEL]
    whole = [*DEAL_MEDIANS, *LEAD_MEDIANS, *VELOCITY]
    codes = [code for code, *_ in [*summed, *whole]]
    values = [f"{quotient(top, bottom)} as {code}_value" for code, top, bottom, _ in summed]
    values += [f"{value} as {code}_value" for code, _, value in whole]
    compared = [f"{base}.{code}_value as {code}_{base}" for code in codes for base in BASES]
    text = "".join((READ, FOLLOW_LEADS, COUNT, WINDOWS, WRITE)).format(
        raw=raw,
        out=out,
        as_of=f"date '{AS_OF}'",
        days_off=", ".join(f"date '{day}'" for day in DAYS_OFF.split()),
        codes=", ".join(f"'{code}'" for code in codes),
        summed=", ".join(f"sum(cast({name} as double)) as {name}" for name in counts),
        counts=", ".join(f"coalesce({name}, 0) as {name}" for name in counts),
        running=", ".join(f"sum({name}) over up_to_now as {name}" for name in sums),
        differences=", ".join(f"now.{name} - before.{name} as {name}" for name in sums),
        values=", ".join(values),
        compared=", ".join(compared),
        rows="\nunion all\n".join(rows()),
    )
    return [statement for statement in text.split(";\n") if statement.strip()]


def rows() -> list[str]:
    """Return a query per KPI and table, which lay the wide tables out long."""
    found = []
    for kpis, where, grains in KINDS:
        is_long = " and grain <> 'week'" if grains == "month and longer" else ""
        for code, top, *more in kpis:
            bottom, ripeness = more if len(more) > 1 else (None, None)
            keys = f"cast('{code}' as kpi) as kpi_code, scope_type, scope_id, grain as period_grain, start as period_start"
            parts = f"cast({top} as double) as numerator, cast({bottom or 'null'} as double) as denominator"
            ripe = f"{ripeness} / nullif({bottom}, 0)" if ripeness else "cast(null as double)"
            maturity = f"{ripe} as maturity"
            shown = [(base, base) for base in BASES]
            shown += [(f"{base}_working_day", base) for base in BASES if "to_date" in base]
            bases = ", ".join(f"{code}_{base} as value_{name}" for name, base in shown)
            nothing = ", ".join("cast(null as double)" for _ in shown)
            found.append(
                f"select {keys}, {parts}, {code}_value as value, {maturity}, {bases} from periods where {where}{is_long}"
            )
            if grains == "day and longer":
                happened = f"({top} <> 0 or {bottom} <> 0)" if bottom else f"{top} <> 0"
                found.append(
                    f"select {keys}, {parts}, {quotient(top, bottom)}, {maturity}, {nothing} from days where {where} and {happened}"
                )
    return found


def quotient(top: str, bottom: str | None) -> str:
    """Return the value that one or two sums make."""
    return f"({top}) / nullif({bottom}, 0)" if bottom else f"cast({top} as double)"


if __name__ == "__main__":
    print(run(Path(sys.argv[1])))
