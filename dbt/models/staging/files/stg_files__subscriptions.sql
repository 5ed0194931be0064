{{ config(pre_hook="{{ drop_withdrawn_files('subscriptions') }}") }}

{{ stage_entity('subscriptions', [
    ('subscription_id', 'key', true),
    ('customer_id', 'reference', true),
    ('started_on', 'date', true),
    ('ended_on', 'date', false),
    ('amount', 'money', true),
    ('billing_months', 'integer', false),
    ('currency', 'text', false),
    ('manager_id', 'reference', false),
    ('product_id', 'reference', false),
    ('updated_at', 'instant', false),
    ('is_deleted', 'boolean', false),
]) }}
