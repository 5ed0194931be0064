{{ config(meta={'empty_without': ['fct_deal_splits']}) }}
select
    events.deal_id, events.event, events.occurred_on, events.spell_number, splits.manager_id, versions.team_id, versions.strategy,
    splits.share,
    {{ part_of('events.amount', 'splits.share', 'decimal(28, 10)', 10) }} as amount,
    {{ part_of('events.margin', 'splits.share', 'decimal(28, 10)', 10) }} as margin,
    events.channel_id, events.partner_id, splits._source_file, splits._source_row
from {{ ref('fct_deal_events') }} as events
inner join {{ ref('fct_deal_splits') }} as splits on events.deal_id = splits.deal_id and not splits.is_rejected
left join {{ ref('int_managers__versions') }} as versions
    on splits.manager_id = versions.manager_id and events.attributed_on >= versions.valid_from and events.attributed_on < versions.valid_to
where events.event in ('won', 'reversed')
