{{ config(materialized='table') }}
-- The team is the name of the role, from the user's own row or from the roles; built whole, as roles may come later.
{%- set role_name = "coalesce(user_role_name, (select max(roles.record_name) from " ~ source('raw', 'salesforce__user_role') ~ " as roles where roles.source_name = raw_.source_name and left(roles.id, 15) = left(raw_.user_role_id, 15)))" %}
{{ stage_entity('managers', [from_table('salesforce', 'user', 'managers', {
    'manager_id': as_salesforce_id('id'),
    'manager_name': "coalesce(record_name, nullif(trim(concat_ws(' ', first_name, last_name)), ''))",
    'team': role_name,
    'email': 'email',
    'role': 'title',
    'is_active': 'is_active',
}, empties=['null'])]) }}
