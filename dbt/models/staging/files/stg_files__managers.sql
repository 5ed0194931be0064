{{ config(pre_hook="{{ drop_withdrawn_files('managers') }}") }}

{{ stage_entity('managers', [
    ('manager_id', 'reference', false),
    ('manager_name', 'text', false),
    ('team', 'text', false),
    ('region', 'text', false),
    ('email', 'email', false),
    ('role', 'text', false),
    ('hired_on', 'date', false),
    ('left_on', 'date', false),
    ('strategy', 'text', false),
    ('valid_from', 'date', false),
], required_any=['manager_id', 'manager_name']) }}
