{{ config(pre_hook="{{ drop_withdrawn_files('partners') }}") }}

{{ stage_entity('partners', [
    ('partner_id', 'key', true),
    ('partner_name', 'text', true),
    ('manager_id', 'reference', false),
    ('joined_on', 'date', false),
    ('left_on', 'date', false),
    ('tier', 'text', false),
    ('fee_share', 'share', false),
]) }}
