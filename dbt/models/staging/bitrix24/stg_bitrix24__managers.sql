{{ config(materialized='table') }}
-- The team is the first department, by its name where departments are delivered; built whole, as they may come later.
-- Mail boxes, bots and connectors are users too, but nobody's colleagues.
{%- set department = "regexp_extract(raw_.uf_department, '[0-9]+')" %}
{%- set department_name = "(select max_by(departments.name, departments._observed_at) from " ~ source('raw', 'bitrix24__department') ~ " as departments where departments.source_name = raw_.source_name and departments.id = " ~ department ~ ")" %}
{{ stage_entity('managers', [from_table('bitrix24', 'user', 'managers', {
    'manager_id': 'id',
    'manager_name': bitrix24_person(),
    'team': "coalesce(" ~ department_name ~ ", nullif(trim(work_department), ''), nullif(" ~ department ~ ", ''))",
    'email': 'email',
    'role': 'work_position',
    'hired_on': ['left(trim(uf_employment_date), 10)', 'uf_employment_date'],
    'is_active': 'active',
}, left_out="case when lower(trim(user_type)) in ('email', 'bot', 'imconnector', 'replica', 'sale', 'shop') then 'no_person' end")]) }}
