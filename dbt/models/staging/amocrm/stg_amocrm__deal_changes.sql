-- Owners and amounts from the events; stages stand in the history of stages.
{%- set field = "case trim(type) when 'entity_responsible_changed' then 'owner' when 'sale_field_changed' then 'amount' end" %}
{%- set value = "case trim(type) when 'entity_responsible_changed' then " %}
{%- set mapped = {
    'deal_id': 'entity_id',
    'field': field,
    'old_value': value ~ amocrm_id(amocrm_value('value_before', 'responsible_user.id')) ~ " else " ~ amocrm_value('value_before', 'sale_field_value.sale') ~ " end",
    'new_value': value ~ amocrm_id(amocrm_value('value_after', 'responsible_user.id')) ~ " else " ~ amocrm_value('value_after', 'sale_field_value.sale') ~ " end",
    'changed_at': 'created_at',
    'basis': "'history'",
} %}
{{ stage_entity('deal_changes', [from_table('amocrm', 'event', 'deal_changes', mapped,
    left_out="case when " ~ field ~ " is null then 'other_event' when not (entity_type is null or trim(entity_type) in ('lead', 'leads')) then 'other_entity' end")]) }}
