{{ config(pre_hook="{{ drop_withdrawn_files('spend') }}") }}

{{ stage_entity('spend', [
    ('spent_on', 'date', true),
    ('source', 'text', false),
    ('amount', 'money', true),
    ('currency', 'text', false),
    ('campaign', 'text', false),
    ('kind', 'text', false),
    ('impressions', 'integer', false),
    ('clicks', 'integer', false),
    ('region', 'text', false),
]) }}
