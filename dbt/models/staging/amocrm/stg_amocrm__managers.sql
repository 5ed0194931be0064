{{ config(materialized='table') }}
-- The team is the group of the user, by name from the user's own record or from the account's groups; built whole, as groups may come later.
{%- set groups = "select source_name as group_source, trim(id) as group_key, max_by(record_name, _observed_at) as group_name from " ~ source('raw', 'amocrm__group') ~ " group by 1, 2" %}
{{ stage_entity('managers', [from_table('amocrm', 'user', 'managers', {
    'manager_id': 'id',
    'manager_name': 'record_name',
    'team': "coalesce(" ~ json_text('embedded_groups', '$[0].name') ~ ", group_name)",
    'email': 'email',
    'role': json_text('embedded_roles', '$[0].name'),
    'is_active': 'is_active',
}, joined="left join (" ~ groups ~ ") as groups_ on raw_.source_name = group_source and trim(raw_.group_id) = group_key")]) }}
