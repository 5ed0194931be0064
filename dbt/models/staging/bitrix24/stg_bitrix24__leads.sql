{{ config(materialized='table') }}
-- A good lead (semantics S) is turned into a deal: qualified then, not won. Built whole, as the names of sources may
-- come later.
{%- set semantics = "coalesce(nullif(trim(status_semantic_id), ''), case trim(status_id) when 'CONVERTED' then 'S' when 'JUNK' then 'F' end)" %}
{%- set closed = ["case when " ~ semantics ~ " = 'S' then coalesce(nullif(trim(date_closed), ''), moved_time) end", 'date_closed'] %}
{{ stage_entity('leads', [from_table('bitrix24', 'lead', 'leads', {
    'lead_id': 'id',
    'created_at': 'date_create',
    'manager_id': bitrix24_link('assigned_by_id'),
    'manager_name': 'responsible_name',
    'source': bitrix24_channel(),
    'campaign': 'utm_campaign',
    'status': 'coalesce(status_id, stage_id, status_name)',
    'qualified_at': closed,
    'converted_at': closed,
    'customer_id': bitrix24_customer('company_id', 'contact_id'),
    'phone': bitrix24_first('phone'),
    'email': bitrix24_first('email'),
    'updated_at': 'date_modify',
    'system_outcome': "case " ~ semantics ~ " when 'S' then 'converted' when 'F' then 'junk' when 'P' then 'working' end",
}, left_out=bitrix24_no_record(1, 'stage_id'))]) }}
