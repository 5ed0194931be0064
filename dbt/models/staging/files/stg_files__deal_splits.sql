{{ config(pre_hook="{{ drop_withdrawn_files('deal_splits') }}") }}

{{ stage_entity('deal_splits', [
    ('deal_id', 'reference', true),
    ('manager_id', 'reference', true),
    ('share', 'share', true),
]) }}
