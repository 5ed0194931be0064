{{ config(meta={'empty_without': ['int_spend__keyed']}) }}
-- One row per delivered cut of spend x day that it puts money on, with a verdict: `counts`; `replaced` by a
-- later delivery of the same cut; `superseded_cut`, the same money cut otherwise or told by day.
-- One grain per account, campaign and day: days beat a period, a shorter period a longer one (which keeps
-- what the shorter ones leave of it, on the days they leave); of several cuts of the same days the
-- greatest total counts. A period is spread over its days to the kopeck, what remains on the last one.
with

cuts as (
    select
        slot, account_slot, source_name, campaign_key, unit, cut, spent_on, last_on,
        case when cut is null and last_on > spent_on then _source_row end as row_key,
        {{ days_between('spent_on', 'last_on') }} + 1 as day_count,
        cast(sum(amount) as decimal(38, 4)) as total, count(*) as row_count, max(_observed_at) as observed_at,
        cast(sum(impressions) as bigint) as impressions, cast(sum(clicks) as bigint) as clicks,
        min(_source_file) as _source_file, min(_source_row) as _source_row
    from {{ ref('int_spend__keyed') }}
    where is_kept
    group by slot, account_slot, source_name, campaign_key, unit, cut, spent_on, last_on, case when cut is null and last_on > spent_on then _source_row end
),

delivered as (
    select *, first_value(unit) over (partition by slot, spent_on, last_on, cut order by observed_at desc nulls last, unit desc) = unit as is_newest
    from cuts
),

compared as (
    select *, cut is null or row_number() over (partition by slot, spent_on, last_on, is_newest order by total desc, observed_at desc nulls last, unit desc) = 1 as is_greatest
    from delivered
),

winners as (select * from compared where is_newest and is_greatest),

periods as (select * from winners where day_count > 1),

-- files that tell by day cover every day between their first and last, also of campaigns that rest
daily_units as (
    select account_slot, unit, min(spent_on) as first_day, max(spent_on) as last_day, max(case when campaign_key <> '' then 1 else 0 end) as has_campaigns
    from winners where day_count = 1 and cut is not null group by account_slot, unit
),

told_by_day as (
    select distinct winners.slot, daily_units.first_day, daily_units.last_day
    from winners
    inner join daily_units on winners.account_slot = daily_units.account_slot and winners.unit = daily_units.unit
    where winners.day_count = 1 and winners.slot in (select periods.slot from periods)
),

-- each span within the shortest period around it
within as (
    select slot, parent_unit, parent_spent_on, parent_last_on, cast(sum(total) as decimal(38, 4)) as total from (
        select winners.slot, winners.total, periods.unit as parent_unit, periods.spent_on as parent_spent_on, periods.last_on as parent_last_on,
            row_number() over (
                partition by winners.slot, winners.unit, winners.spent_on, winners.last_on
                order by periods.day_count, periods.observed_at desc nulls last, periods.unit) as place
        from winners
        inner join periods on winners.slot = periods.slot and periods.cut is not null and winners.cut is not null
            and periods.spent_on <= winners.spent_on and periods.last_on >= winners.last_on and periods.day_count > winners.day_count
    ) as placed where place = 1
    group by slot, parent_unit, parent_spent_on, parent_last_on
),

period_days as (
    select periods.*, cast(days.day as date) as day
    from periods
    inner join (
        select distinct spent_on, last_on, {{ each_day('spent_on', 'last_on') }} as day from (select distinct spent_on, last_on from periods) as spans
    ) as days on periods.spent_on = days.spent_on and periods.last_on = days.last_on
),

inner_days as (
    select distinct period_days.slot, period_days.unit, period_days.spent_on, period_days.last_on, period_days.day
    from period_days
    inner join told_by_day on period_days.slot = told_by_day.slot and period_days.cut is not null
        and period_days.day >= told_by_day.first_day and period_days.day <= told_by_day.last_day
    union
    select distinct period_days.slot, period_days.unit, period_days.spent_on, period_days.last_on, period_days.day
    from period_days
    inner join periods as shorter on period_days.slot = shorter.slot and period_days.cut is not null and shorter.cut is not null
        and shorter.day_count < period_days.day_count and shorter.spent_on >= period_days.spent_on and shorter.last_on <= period_days.last_on
        and period_days.day >= shorter.spent_on and period_days.day <= shorter.last_on
),

-- a period that only overlaps another gives the common days to the shorter, else to the later seen
lost_days as (
    select distinct period_days.slot, period_days.unit, period_days.spent_on, period_days.last_on, period_days.day
    from period_days
    inner join periods as other on period_days.slot = other.slot and period_days.cut is not null and other.cut is not null
        and period_days.day >= other.spent_on and period_days.day <= other.last_on
        and (other.spent_on < period_days.spent_on or other.last_on > period_days.last_on)
        and (period_days.spent_on < other.spent_on or period_days.last_on > other.last_on)
        and (
            other.day_count < period_days.day_count
            or (other.day_count = period_days.day_count and (
                other.observed_at > period_days.observed_at
                or (other.observed_at = period_days.observed_at and other.spent_on > period_days.spent_on)))
        )
),

left_days as (
    select
        period_days.*,
        coalesce(within.total, 0) as inner_total,
        count(*) over (partition by period_days.slot, period_days.unit, period_days.spent_on, period_days.last_on, period_days.row_key) as days_left,
        row_number() over (
            partition by period_days.slot, period_days.unit, period_days.spent_on, period_days.last_on, period_days.row_key order by period_days.day desc) as days_to_end
    from period_days
    left join inner_days on period_days.slot = inner_days.slot and period_days.unit = inner_days.unit and period_days.spent_on = inner_days.spent_on
        and period_days.last_on = inner_days.last_on and period_days.day = inner_days.day
    left join within on period_days.slot = within.slot and period_days.unit = within.parent_unit and period_days.spent_on = within.parent_spent_on
        and period_days.last_on = within.parent_last_on
    where inner_days.day is null
),

owed as (
    select
        *,
        cast(case when total >= 0 then greatest(total - inner_total, 0) else total - inner_total end as decimal(38, 4)) as owed_total
    from left_days
),

spread as (
    select
        *,
        {{ share_of_days('cast(floor(owed_total * 100) as bigint)') }} as kopecks,
        {{ share_of_days('impressions') }} as impressions_a_day, {{ share_of_days('clicks') }} as clicks_a_day
    from owed
),

spread_days as (
    select
        spread.slot, spread.account_slot, spread.campaign_key, spread.unit, spread.cut, spread.spent_on, spread.last_on, spread.row_key, spread.day,
        cast(case when days_to_end = 1 then owed_total - cast(kopecks * (days_left - 1) as decimal(28, 0)) * cast(0.01 as decimal(4, 2))
            else cast(kopecks as decimal(28, 0)) * cast(0.01 as decimal(4, 2)) end as decimal(38, 4)) as amount,
        case when days_to_end = 1 then impressions - impressions_a_day * (days_left - 1) else impressions_a_day end as impressions,
        case when days_to_end = 1 then clicks - clicks_a_day * (days_left - 1) else clicks_a_day end as clicks
    from spread
    left join lost_days on spread.slot = lost_days.slot and spread.unit = lost_days.unit and spread.spent_on = lost_days.spent_on
        and spread.last_on = lost_days.last_on and spread.day = lost_days.day
    where lost_days.day is null
),

placed as (
    select slot, account_slot, campaign_key, unit, cut, spent_on, last_on, row_key, spent_on as day, total as amount, impressions, clicks, false as is_spread
    from winners where day_count = 1
    union all
    select slot, account_slot, campaign_key, unit, cut, spent_on, last_on, row_key, day, amount, impressions, clicks, true from spread_days
),

-- a report of the whole account beside reports by campaign is one more cut of the same money
whole as (
    select
        account_slot, day,
        sum(case when campaign_key = '' then amount end) as whole_amount,
        min(case when campaign_key = '' then case when is_spread then 1 else 0 end end) as whole_spread,
        coalesce(sum(case when campaign_key <> '' then amount end), 0) as parts_amount,
        min(case when campaign_key <> '' then case when is_spread then 1 else 0 end end) as parts_spread
    from placed
    where cut is not null and account_slot in (select wholes.account_slot from placed as wholes where wholes.campaign_key = '' and wholes.cut is not null)
    group by account_slot, day
),

-- days of which files by campaign tell that nothing, or this, was spent
whole_days as (
    select
        whole.account_slot, whole.day, whole.whole_amount, whole.parts_amount, whole.whole_spread,
        min(case when daily_units.unit is not null then 0 else whole.parts_spread end) as parts_spread
    from whole
    left join daily_units on whole.account_slot = daily_units.account_slot and daily_units.has_campaigns = 1 and whole.whole_spread = 1
        and whole.day >= daily_units.first_day and whole.day <= daily_units.last_day
    group by whole.account_slot, whole.day, whole.whole_amount, whole.parts_amount, whole.whole_spread
),

judged as (
    select
        placed.*,
        case
            when placed.cut is null or whole_days.day is null or whole_days.whole_spread is null or whole_days.parts_spread is null then true
            when whole_days.whole_spread <> whole_days.parts_spread then (whole_days.whole_spread < whole_days.parts_spread) = (placed.campaign_key = '')
            else (whole_days.whole_amount > whole_days.parts_amount) = (placed.campaign_key = '')
        end as is_counted
    from placed
    left join whole_days on placed.account_slot = whole_days.account_slot and placed.day = whole_days.day
)

select
    compared.source_name, compared.slot, compared.unit, compared.cut, compared.spent_on, compared.last_on, compared.row_key,
    judged.day, coalesce(judged.is_spread, compared.day_count > 1) as is_spread,
    case
        when not compared.is_newest then 'replaced'
        when not compared.is_greatest or judged.day is null or not judged.is_counted then 'superseded_cut'
        else 'counts'
    end as verdict,
    compared.total, compared.row_count, judged.amount, cast(judged.impressions as bigint) as impressions, cast(judged.clicks as bigint) as clicks,
    compared._source_file, compared._source_row
from compared
left join judged on compared.slot = judged.slot and compared.unit = judged.unit and compared.spent_on = judged.spent_on and compared.last_on = judged.last_on
    and compared.row_key is not distinct from judged.row_key and compared.cut is not distinct from judged.cut and compared.is_newest and compared.is_greatest
