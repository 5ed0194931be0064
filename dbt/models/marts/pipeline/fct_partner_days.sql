{{ config(meta={'empty_without': ['fct_deals']}) }}
with

days as (
    select deal_id, partner_id, opened_manager_id as manager_id, opened_on as day, 'registered' as event, channel_id, _source_file, _source_row
    from {{ ref('fct_deals') }} where partner_id is not null and opened_on is not null
    union all
    select deal_id, partner_id, manager_id, won_on, 'won', channel_id, _source_file, _source_row
    from {{ ref('fct_deals') }} where partner_id is not null and won_on is not null
)

select days.deal_id, days.partner_id, days.event, days.day, days.manager_id, versions.team_id, versions.strategy, days.channel_id,
    days._source_file, days._source_row
from days
left join {{ ref('int_managers__versions') }} as versions
    on days.manager_id = versions.manager_id and days.day >= versions.valid_from and days.day < versions.valid_to
