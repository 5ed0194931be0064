{{ config(meta={'empty_without': ['int_deals__milestones', 'int_leads__status_entries']}) }}
-- An entry says nothing that an activity of the deal or lead says by that day: it counts where no meeting is told, and
-- where it is the deal's first proposal.
with

deals as (select deal_id, lead_id, manager_now_id, channel_id from {{ ref('int_deals__attributed') }}),

owners as (select * from {{ ref('int_deals__owners') }}),

entries as (
    select
        'deal' as of_record, milestones.deal_id as record_id, milestones.deal_id, deals.lead_id, milestones.event,
        milestones.occurred_at, milestones.occurred_on, coalesce(owners.manager_id, deals.manager_now_id) as manager_id, deals.channel_id,
        milestones._source_file, milestones._source_row
    from {{ ref('int_deals__milestones') }} as milestones
    inner join deals on milestones.deal_id = deals.deal_id
    left join owners on milestones.deal_id = owners.deal_id and milestones.event = owners.moment
    where milestones.event in ('meeting', 'proposal')
    union all
    select
        'lead', lead_id, cast(null as {{ dbt.type_string() }}), head_lead_id, event, occurred_at, occurred_on, manager_id, channel_id,
        _source_file, _source_row
    from {{ ref('int_leads__status_entries') }} where event in ('meeting', 'proposal')
),

activities as (
    select kind, deal_id, lead_id, occurred_on from {{ ref('int_activities__attributed') }} where is_done and kind in ('meeting', 'proposal')
),

told as (
    {%- for record in ['deal', 'lead'] %}
    select entries.of_record, entries.record_id, entries.event
    from activities
    inner join entries
        on activities.{{ record }}_id = entries.{{ record }}_id and activities.kind = entries.event
        and activities.occurred_on <= entries.occurred_on and entries.of_record = '{{ record }}'
    {{ 'union' if not loop.last }}
    {%- endfor %}
)

select
    concat(entries.record_id, ':', entries.event) as milestone_id, entries.event, entries.occurred_at, entries.occurred_on,
    entries.deal_id, entries.lead_id, entries.manager_id, versions.team_id, versions.strategy, entries.channel_id,
    entries._source_file, entries._source_row
from entries
left join told on entries.of_record = told.of_record and entries.record_id = told.record_id and entries.event = told.event
left join {{ ref('int_managers__versions') }} as versions
    on entries.manager_id = versions.manager_id and entries.occurred_on >= versions.valid_from and entries.occurred_on < versions.valid_to
where told.record_id is null
