{{ config(meta={'empty_without': ['int_activities__attributed', 'int_leads__attributed']}) }}
-- One row per open deal x span of days on which its last touch is less than 14 days old. A touch is a done outbound call,
-- meeting or e-mail with a manager, on the deal or its lead, else the lead's first response.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

deals as (select distinct deal_id, lead_id from {{ ref('int_deals__open_spans') }}),

touches as (
    select deal_id, lead_id, occurred_on from {{ ref('int_activities__attributed') }}
    where is_done and manager_id <> 'not_given' and kind in ('call', 'meeting', 'email') and coalesce(direction, 'out') = 'out'
),

days as (
    select deals.deal_id, touches.occurred_on as day
    from touches inner join deals on touches.deal_id = deals.deal_id
    union
    select deals.deal_id, touches.occurred_on
    from touches inner join deals on touches.lead_id = deals.lead_id
    where touches.deal_id is null
    union
    select deals.deal_id, cast({{ utc_to_local('leads.first_touch_at', 'settings.timezone', 'settings.utc_offset_seconds', 'settings.offset_valid_from') }} as date)
    from {{ ref('int_leads__attributed') }} as leads
    cross join settings
    inner join deals on leads.lead_id = deals.lead_id
    where leads.first_touch_at is not null
),

islands as (
    select deal_id, day, sum(is_start) over (partition by deal_id order by day rows between unbounded preceding and current row) as island
    from (
        select deal_id, day, case when {{ days_between('lag(day) over (partition by deal_id order by day)', 'day') }} <= 14 then 0 else 1 end as is_start
        from days
    ) as started
)

select deal_id, min(day) as from_on, {{ add_days('max(day)', 14) }} as to_on
from islands group by deal_id, island
