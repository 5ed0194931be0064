{{ config(pre_hook="{{ drop_withdrawn_files('deal_changes') }}") }}

{{ stage_entity('deal_changes', [
    ('deal_id', 'reference', true),
    ('field', 'text', true),
    ('old_value', 'text', false),
    ('new_value', 'text', false),
    ('changed_at', 'instant', true),
    ('basis', 'text', false),
]) }}
