-- Converting makes an account and, where wanted, an opportunity: a converted lead was qualified, not won.
-- A queue (00G) owns nothing as a person does.
{%- set converted = "case when " ~ is_yes('is_converted') ~ " or is_converted is null then converted_date end" %}
{{ stage_entity('leads', [from_table('salesforce', 'lead', 'leads', {
    'lead_id': as_salesforce_id('id'),
    'created_at': 'created_date',
    'manager_id': "case when owner_id not like '00G%' then " ~ as_salesforce_id('owner_id') ~ " end",
    'manager_name': "case when coalesce(owner_id, '') not like '00G%' then owner_name end",
    'source': 'lead_source',
    'campaign': 'campaign',
    'status': 'status',
    'qualified_at': [converted, 'converted_date'],
    'converted_at': [converted, 'converted_date'],
    'deal_id': as_salesforce_id('converted_opportunity_id'),
    'customer_id': as_salesforce_id('converted_account_id'),
    'phone': 'coalesce(phone, mobile_phone)',
    'email': 'email',
    'updated_at': ['coalesce(last_modified_date, system_modstamp, fivetran_synced)', 'last_modified_date'],
    'is_deleted': "case when " ~ is_yes('is_deleted') ~ " or " ~ is_yes('fivetran_deleted') ~ " then 'true' end",
    'merged_into': as_salesforce_id('master_record_id'),
}, empties=['null'])]) }}
