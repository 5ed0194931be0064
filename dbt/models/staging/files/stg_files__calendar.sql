{{ config(pre_hook="{{ drop_withdrawn_files('calendar') }}") }}

{{ stage_entity('calendar', [
    ('day', 'date', true),
    ('is_working', 'boolean', true),
]) }}
