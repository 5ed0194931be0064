{{ config(meta={'empty_without': ['int_deals__current']}) }}
-- One row per deal with everything that KPIs ask of it; money in the reporting currency beside the native.
-- Rate of: the win's day, the loss's day, else the run's day. No rate: the amount is NULL.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

deals as (select * from {{ ref('int_deals__current') }}),

outcomes as (select * from {{ ref('int_deals__outcomes') }}),

leads as (select * from {{ ref('int_leads__current') }}),

-- the first lead of a chain counts; where it names no customer, the one behind the deal does
heads as (
    select leads.lead_id, head.lead_id as head_lead_id, head.channel_id, head.created_on,
        coalesce(head.customer_id, leads.customer_id) as customer_id
    from leads
    inner join leads as head on leads.head_lead_id = head.lead_id
),

-- a lead may name its deal where the deal does not name its lead
named_by_lead as (
    select deal_id, min(lead_id) as lead_id from leads where deal_id is not null group by deal_id
),

rates as (select * from {{ ref('int_fx__daily') }}),

owners as (select * from {{ ref('int_deals__owners') }} where moment = 'close'),

openers as (select * from {{ ref('int_deals__owners') }} where moment = 'opening'),

joined as (
    select
        deals.*,
        outcomes.outcome, outcomes.stage_name as stage_by_then, outcomes.won_at, outcomes.won_on, outcomes.lost_on,
        outcomes.is_eligible_close, outcomes.is_reversed,
        coalesce(outcomes.won_on, outcomes.lost_on, settings.as_of) as rate_on,
        coalesce(owners.manager_id, deals.manager_now_id) as manager_id,
        coalesce(owners.owner_basis, 'current') as owner_basis,
        coalesce(openers.manager_id, deals.manager_now_id) as opened_manager_id,
        coalesce(heads.head_lead_id, named_head.head_lead_id) as linked_lead_id,
        coalesce(heads.created_on, named_head.created_on) as lead_created_on,
        coalesce(deals.own_customer_id, heads.customer_id, named_head.customer_id) as customer_id,
        coalesce(nullif(heads.channel_id, 'not_given'), nullif(named_head.channel_id, 'not_given'), deals.own_channel_id, 'not_given') as channel_id,
        settings.reporting_currency
    from deals
    cross join settings
    inner join outcomes on deals.deal_id = outcomes.deal_id
    left join heads on deals.lead_id = heads.lead_id
    left join named_by_lead on deals.deal_id = named_by_lead.deal_id
    left join heads as named_head on named_by_lead.lead_id = named_head.lead_id
    left join owners on deals.deal_id = owners.deal_id
    left join openers on deals.deal_id = openers.deal_id
),

rated as (
    select
        joined.*,
        case when joined.currency = joined.reporting_currency then cast(1 as decimal(18, 8)) else rates.rate end as rate
    from joined
    left join rates on joined.currency = rates.currency and joined.rate_on = rates.day
),

priced as (select rated.*, {{ to_reporting('rated.amount_native', 'rated.rate') }} as amount from rated),

{{ costs_of('priced', ['deal_id'], 'rate_on') }}

costed as (
    select priced.*, costs.cost
    from priced
    left join costs on priced.deal_id = costs.deal_id
),

first_wins as (
    select deal_id from (
        select deal_id, row_number() over (partition by customer_id order by won_on, won_at, deal_id) as win_number
        from costed where won_on is not null and customer_id is not null
    ) as numbered where win_number = 1
)

select
    costed.deal_id, costed.deal_name, costed.source_name, costed.pipeline,
    costed.stage_by_then as stage_name, costed.outcome, costed.is_eligible_close,
    costed.opened_at, costed.opened_on, costed.won_at, costed.won_on, costed.lost_on,
    coalesce(costed.won_on, costed.lost_on) as closed_on,
    costed.planned_close_on,
    cast(costed.amount_native as decimal(18, 4)) as amount_native,
    costed.currency, costed.rate, costed.amount,
    costed.cost,
    cast(costed.amount - costed.cost as decimal(18, 4)) as margin,
    costed.manager_id, costed.manager_now_id, costed.owner_basis, costed.opened_manager_id,
    costed.customer_id,
    first_wins.deal_id is not null as is_first_win,
    costed.linked_lead_id as lead_id,
    costed.channel_id, costed.campaign, costed.product_id,
    costed.partner_id, costed.partner_role, costed.loss_reason,
    case when costed.won_on >= costed.opened_on then {{ days_between('costed.opened_on', 'costed.won_on') }} end as cycle_days,
    case when costed.won_on >= costed.lead_created_on then {{ days_between('costed.lead_created_on', 'costed.won_on') }} end as lead_to_win_days,
    costed.lead_created_on,
    costed.is_reversed,
    costed._source_file, costed._source_row
from costed
left join first_wins on costed.deal_id = first_wins.deal_id
