{{ config(pre_hook="{{ drop_withdrawn_files('deal_stages') }}") }}

{{ stage_entity('deal_stages', [
    ('deal_id', 'reference', true),
    ('stage', 'text', true),
    ('entered_at', 'instant', true),
    ('pipeline', 'text', false),
    ('manager_id', 'reference', false),
]) }}
