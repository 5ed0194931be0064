{{ config(meta={'empty_without': ['int_leads__current']}) }}
-- One row per lead: the first of a chain carries touches, qualification and wins of the rest.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

leads as (select * from {{ ref('int_leads__current') }}),

deals as (select * from {{ ref('int_deals__attributed') }}),

activities as (select * from {{ ref('int_activities__attributed') }}),

working_time as (select * from {{ ref('int_working_time__daily') }}),

wins as (
    select lead_id, deal_id, won_on, manager_id from (
        select lead_id, deal_id, won_on, manager_id, row_number() over (partition by lead_id order by won_on, won_at, deal_id) as win_number
        from deals where lead_id is not null and won_on is not null
    ) as numbered where win_number = 1
),

chains as (
    select
        head_lead_id,
        min(qualified_on) as qualified_on, min(converted_won_on) as converted_won_on,
        min(deal_id) as deal_id
    from leads group by head_lead_id
),

-- by a stage of a deal of the lead, or by the status that a later delivery brought
qualifications as (
    select lead_id, min(qualified_on) as qualified_on
    from (
        select deals.lead_id, milestones.occurred_on as qualified_on
        from {{ ref('int_deals__milestones') }} as milestones
        inner join deals on milestones.deal_id = deals.deal_id
        where milestones.event = 'qualified' and deals.lead_id is not null
        union all
        select head_lead_id, occurred_on from {{ ref('int_leads__status_entries') }} where event = 'qualified'
    ) as told
    group by lead_id
),

-- what lies before the lead was created is no answer to it, and does not hide one that came after
responses as (
    select rest.head_lead_id as lead_id, min(rest.first_response_at) as responded_at, min(rest.first_response_on) as responded_on
    from leads as rest
    cross join settings
    inner join leads as head on rest.head_lead_id = head.lead_id
    where rest.first_response_at >= head.created_at and rest.first_response_on <= settings.as_of
    group by rest.head_lead_id
),

touches as (
    select activities.lead_id, min(activities.occurred_at) as touched_at, min(activities.occurred_on) as touched_on
    from activities
    inner join leads on activities.lead_id = leads.lead_id
    where activities.is_done and activities.manager_id <> 'not_given' and activities.kind in ('call', 'meeting', 'email')
        and coalesce(activities.direction, 'out') = 'out' and activities.occurred_at >= leads.created_at
    group by activities.lead_id
),

joined as (
    select
        leads.lead_id, leads.created_at, leads.created_on, leads.manager_id, leads.channel_id, leads.campaign,
        leads.lead_id <> leads.head_lead_id as is_duplicate,
        leads.status_outcome,
        case when leads.lead_id = leads.head_lead_id
            then least(coalesce(chains.qualified_on, qualifications.qualified_on), coalesce(qualifications.qualified_on, chains.qualified_on)) end as qualified_on,
        case when leads.lead_id = leads.head_lead_id then coalesce(wins.won_on, chains.converted_won_on) end as won_on,
        case when leads.lead_id = leads.head_lead_id then coalesce(wins.deal_id, chains.deal_id) end as deal_id,
        case when leads.lead_id = leads.head_lead_id and coalesce(wins.won_on, chains.converted_won_on) is not null
            then coalesce(wins.manager_id, leads.manager_id) end as won_manager_id,
        leads.customer_id, leads.partner_id,
        case when leads.lead_id = leads.head_lead_id then coalesce(touches.touched_at, responses.responded_at) end as first_touch_at,
        case when leads.lead_id = leads.head_lead_id then coalesce(touches.touched_on, responses.responded_on) end as first_touch_on,
        settings.sla_minutes, settings.conversion_window_days, settings.as_of,
        leads._source_file, leads._source_row
    from leads
    cross join settings
    left join chains on leads.lead_id = chains.head_lead_id
    left join wins on leads.lead_id = wins.lead_id
    left join qualifications on leads.lead_id = qualifications.lead_id
    left join touches on leads.lead_id = touches.lead_id
    left join responses on leads.lead_id = responses.lead_id
),

clocked as (
    select
        joined.*,
        {{ working_minute('joined.created_at', 'created_day') }} as created_minute,
        {{ working_minute('joined.first_touch_at', 'touched_day') }} as touched_minute,
        last_day.minutes_before + last_day.work_minutes as last_minute
    from joined
    left join working_time as created_day on joined.created_on = created_day.day
    left join working_time as touched_day on joined.first_touch_on = touched_day.day
    left join working_time as last_day on joined.as_of = last_day.day
)

select
    lead_id, created_at, created_on, manager_id, channel_id, campaign, is_duplicate, status_outcome, qualified_on, won_on,
    deal_id, won_manager_id, customer_id, partner_id, first_touch_at,
    cast(case when touched_minute >= created_minute then touched_minute - created_minute end as integer) as speed_to_lead_minutes,
    coalesce(touched_minute - created_minute <= sla_minutes, false) as is_within_sla,
    touched_minute is not null or last_minute - created_minute >= sla_minutes as is_sla_due,
    won_on >= created_on and {{ days_between('created_on', 'won_on') }} < conversion_window_days as is_won_in_window,
    _source_file, _source_row
from clocked
