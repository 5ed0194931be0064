-- An owner's change is written twice, by name and by id: the row of ids counts where the value is an id.
{%- set field = "case lower(replace(trim(field), ' ', '')) when 'stagename' then 'stage' when 'stage' then 'stage' when 'owner' then 'owner' when 'ownerid' then 'owner' when 'amount' then 'amount' when 'closedate' then 'planned_close_on' end" %}
{%- set mapped = {
    'deal_id': as_salesforce_id('opportunity_id'),
    'field': field,
    'old_value': as_salesforce_owner('old_value'),
    'new_value': as_salesforce_owner('new_value'),
    'changed_at': 'created_date',
    'basis': "'history'",
} %}
{{ stage_entity('deal_changes', [
    from_table('salesforce', 'opportunity_field_history', 'deal_changes', mapped, empties=['null'],
        left_out="case when " ~ field ~ " is null then 'other_field' when " ~ is_yes('is_deleted') ~ " then 'deleted' when " ~ field ~ " = 'owner' and not regexp_matches(coalesce(new_value, ''), '^00[5G]') then 'owner_by_name' end"),
]) }}
