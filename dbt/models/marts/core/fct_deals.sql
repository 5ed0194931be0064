{{ config(meta={'empty_without': ['int_deals__attributed']}) }}
with

deals as (select * from {{ ref('int_deals__attributed') }}),

settings as (select * from {{ ref('int_settings') }}),

versions as (select * from {{ ref('int_managers__versions') }}),

channels as (select channel_id, min(channel_name) as channel_name from {{ ref('int_channels__crosswalk') }} group by channel_id),

products as (select * from {{ ref('int_products__described') }})

select
    deals.deal_id, deals.deal_name, deals.source_name, deals.pipeline, deals.stage_name, deals.outcome, deals.is_eligible_close,
    deals.opened_at, deals.opened_on, deals.won_at, deals.won_on, deals.lost_on, deals.closed_on, deals.planned_close_on,
    deals.amount_native, deals.currency, deals.amount, deals.cost, deals.margin,
    deals.manager_id, deals.manager_now_id, deals.owner_basis, versions.team_id, versions.strategy,
    deals.opened_manager_id, opening.team_id as opened_team_id, opening.strategy as opened_strategy,
    deals.customer_id, deals.is_first_win, deals.lead_id,
    deals.channel_id, coalesce(channels.channel_name, 'not given') as channel_name, deals.campaign,
    deals.product_id, products.product_name, deals.partner_id, deals.partner_role, deals.loss_reason,
    deals.cycle_days, deals.lead_to_win_days, deals.is_reversed,
    ripening.visible_share as opened_ripeness,
    {{ days_between('deals.opened_on', 'settings.as_of') }} >= settings.maturity_horizon_days as is_opened_ripe,
    deals._source_file, deals._source_row
from deals
cross join settings
left join versions
    on deals.manager_id = versions.manager_id
    and coalesce(deals.won_on, deals.lost_on, deals.opened_on, settings.as_of) >= versions.valid_from
    and coalesce(deals.won_on, deals.lost_on, deals.opened_on, settings.as_of) < versions.valid_to
left join versions as opening
    on deals.opened_manager_id = opening.manager_id and deals.opened_on >= opening.valid_from and deals.opened_on < opening.valid_to
left join channels on deals.channel_id = channels.channel_id
left join products on deals.product_id = products.product_id
left join {{ ref('int_leads__ripening') }} as ripening
    on ripening.subject = 'deal'
    and least({{ days_between('deals.opened_on', 'settings.as_of') }}, settings.maturity_horizon_days) = ripening.age
