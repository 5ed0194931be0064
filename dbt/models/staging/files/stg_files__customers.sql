{{ config(pre_hook="{{ drop_withdrawn_files('customers') }}") }}

{{ stage_entity('customers', [
    ('customer_id', 'key', true),
    ('customer_name', 'text', false),
    ('segment', 'text', false),
    ('region', 'text', false),
    ('created_at', 'instant', false),
    ('phone', 'phone', false),
    ('email', 'email', false),
    ('tax_id', 'text', false),
    ('kind', 'text', false),
    ('merged_into', 'reference', false),
    ('updated_at', 'instant', false),
    ('is_deleted', 'boolean', false),
]) }}
