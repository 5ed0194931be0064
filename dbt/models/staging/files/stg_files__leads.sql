{{ config(pre_hook="{{ drop_withdrawn_files('leads') }}") }}

{{ stage_entity('leads', [
    ('lead_id', 'key', true),
    ('created_at', 'instant', true),
    ('manager_id', 'reference', false),
    ('manager_name', 'text', false),
    ('source', 'text', false),
    ('campaign', 'text', false),
    ('status', 'text', false),
    ('qualified_at', 'instant', false),
    ('converted_at', 'instant', false),
    ('deal_id', 'reference', false),
    ('customer_id', 'reference', false),
    ('partner_id', 'reference', false),
    ('first_response_at', 'instant', false),
    ('phone', 'phone', false),
    ('email', 'email', false),
    ('updated_at', 'instant', false),
    ('is_deleted', 'boolean', false),
    ('merged_into', 'reference', false),
]) }}
