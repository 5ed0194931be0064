{{ config(meta={'empty_without': ['int_leads__attributed']}) }}
with

leads as (select * from {{ ref('int_leads__attributed') }}),

settings as (select * from {{ ref('int_settings') }}),

versions as (select * from {{ ref('int_managers__versions') }}),

channels as (select channel_id, min(channel_name) as channel_name from {{ ref('int_channels__crosswalk') }} group by channel_id),

ripening as (select * from {{ ref('int_leads__ripening') }} where subject = 'lead')

select
    leads.lead_id, leads.created_at, leads.created_on, leads.manager_id, versions.team_id, versions.strategy,
    leads.channel_id, coalesce(channels.channel_name, 'not given') as channel_name, leads.campaign,
    leads.is_duplicate, leads.status_outcome, leads.qualified_on, qualifying.team_id as qualified_team_id, qualifying.strategy as qualified_strategy,
    leads.won_on, leads.won_manager_id, winning.team_id as won_team_id, winning.strategy as won_strategy,
    leads.deal_id, leads.customer_id, leads.partner_id,
    leads.first_touch_at, leads.speed_to_lead_minutes, leads.is_within_sla, leads.is_sla_due, leads.is_won_in_window,
    ripening.visible_share as ripeness,
    {{ days_between('leads.created_on', 'settings.as_of') }} >= settings.maturity_horizon_days as is_ripe,
    leads._source_file, leads._source_row
from leads
cross join settings
left join versions
    on leads.manager_id = versions.manager_id and leads.created_on >= versions.valid_from and leads.created_on < versions.valid_to
left join versions as qualifying
    on leads.manager_id = qualifying.manager_id and leads.qualified_on >= qualifying.valid_from and leads.qualified_on < qualifying.valid_to
left join versions as winning
    on leads.won_manager_id = winning.manager_id and leads.won_on >= winning.valid_from and leads.won_on < winning.valid_to
left join channels on leads.channel_id = channels.channel_id
left join ripening on least({{ days_between('leads.created_on', 'settings.as_of') }}, settings.maturity_horizon_days) = ripening.age
