{{ config(materialized='table') }}
-- Moves from the events; before the first of them the stage that it names, since the record was created (a closed one:
-- since its close); and, where a record is newer than its events and stands elsewhere, the stage it stands in.
-- Moves of one second, such as a robot makes them, keep the order of their events by a millisecond each.
{%- set place = "dense_rank() over (partition by raw_.source_name, entity_id, created_at, type order by id)" %}
{%- set of_lead = "entity_type is null or trim(entity_type) in ('lead', 'leads')" %}
{%- set moved = {
    'deal_id': 'entity_id',
    'stage': amocrm_value('value_after', 'lead_status.id'),
    'entered_at': ["case when " ~ place ~ " > 1 and " ~ amocrm_seconds('created_at') ~ " is not null then trim(created_at) || '.' || lpad(cast(" ~ place ~ " - 1 as " ~ dbt.type_string() ~ "), 3, '0') else created_at end", 'created_at'],
    'pipeline': amocrm_value('value_after', 'lead_status.pipeline_id'),
    'system_outcome': "case " ~ amocrm_value('value_after', 'lead_status.id') ~ " when '142' then 'won' when '143' then 'lost' else 'open' end",
} %}
{%- set first = {
    'deal_id': 'id',
    'stage': 'told_first_status',
    'entered_at': "case when told_first_status in ('142', '143') then closed_at else created_at end",
    'pipeline': 'told_first_pipeline',
    'system_outcome': "case told_first_status when '142' then 'won' when '143' then 'lost' else 'open' end",
} %}
{%- set last = {
    'deal_id': 'id',
    'stage': 'trim(status_id)',
    'entered_at': "case when trim(status_id) in ('142', '143') and " ~ amocrm_seconds('closed_at') ~ " > told_last_move then closed_at else updated_at end",
    'pipeline': 'trim(pipeline_id)',
    'system_outcome': amocrm_outcome(),
} %}
{{ stage_entity('deal_stages', [
    from_table('amocrm', 'event', 'deal_stages', moved,
        left_out="case when trim(type) <> 'lead_status_changed' then 'other_event' when not (" ~ of_lead ~ ") then 'other_entity' end"),
    from_table('amocrm', 'lead', 'deal_stages', first, joined=amocrm_known_of_leads()
            ~ " left join (" ~ amocrm_inbox() | replace('inbox_', 'first_inbox_') ~ ") as first_inbox on raw_.source_name = first_inbox_source and told_first_status = first_inbox_id",
        only="told_first_status is not null and first_inbox_id is null and not (" ~ is_amocrm_mark() ~ ") and "
            ~ amocrm_seconds("case when told_first_status in ('142', '143') then closed_at else created_at end") ~ " < told_first_move"),
    from_table('amocrm', 'lead', 'deal_stages', last, joined=amocrm_known_of_leads(),
        only="told_moves > 0 and nullif(trim(status_id), '') <> told_last_status and " ~ amocrm_seconds('updated_at') ~ " > told_last_move"),
]) }}
