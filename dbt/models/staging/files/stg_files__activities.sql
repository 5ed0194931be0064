{{ config(pre_hook="{{ drop_withdrawn_files('activities') }}") }}

{{ stage_entity('activities', [
    ('activity_id', 'key', true),
    ('kind', 'text', true),
    ('occurred_at', 'instant', true),
    ('manager_id', 'reference', false),
    ('manager_name', 'text', false),
    ('status', 'text', false),
    ('direction', 'text', false),
    ('duration_seconds', 'integer', false),
    ('deal_id', 'reference', false),
    ('lead_id', 'reference', false),
]) }}
