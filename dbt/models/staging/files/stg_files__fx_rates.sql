{{ config(pre_hook="{{ drop_withdrawn_files('fx_rates') }}") }}

{{ stage_entity('fx_rates', [
    ('rate_on', 'date', true),
    ('currency', 'text', true),
    ('rate', 'number', true),
]) }}
