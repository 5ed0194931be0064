{{ config(pre_hook="{{ drop_withdrawn_files('payments') }}") }}

{{ stage_entity('payments', [
    ('payment_id', 'key', true),
    ('paid_at', 'instant', true),
    ('amount', 'money', true),
    ('currency', 'text', false),
    ('deal_id', 'reference', false),
    ('subscription_id', 'reference', false),
    ('customer_id', 'reference', false),
    ('kind', 'text', false),
]) }}
