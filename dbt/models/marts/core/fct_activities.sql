{{ config(meta={'empty_without': ['int_activities__attributed']}) }}
select
    activities.activity_id, activities.kind, activities.occurred_at, activities.occurred_on, activities.is_done, activities.is_connected,
    activities.is_first_proposal, activities.direction, activities.duration_seconds,
    activities.manager_id, versions.team_id, versions.strategy, activities.deal_id, activities.lead_id, activities.channel_id,
    activities._source_file, activities._source_row
from {{ ref('int_activities__attributed') }} as activities
left join {{ ref('int_managers__versions') }} as versions
    on activities.manager_id = versions.manager_id
    and activities.occurred_on >= versions.valid_from and activities.occurred_on < versions.valid_to
