{{ config(meta={'empty_without': ['int_deals__events']}) }}
select
    events.deal_id, events.event, events.occurred_on, events.occurred_at, events.attributed_on, events.spell_number, events.sign,
    events.amount, events.cost, events.margin, events.partner_fee, events.is_eligible_close,
    events.manager_id, versions.team_id, versions.strategy, events.channel_id, events.product_id, events.partner_id, events.partner_role,
    events._source_file, events._source_row
from {{ ref('int_deals__events') }} as events
left join {{ ref('int_managers__versions') }} as versions
    on events.manager_id = versions.manager_id and events.attributed_on >= versions.valid_from and events.attributed_on < versions.valid_to
