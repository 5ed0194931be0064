{{ stage_entity('customers', [from_table('salesforce', 'account', 'customers', {
    'customer_id': as_salesforce_id('id'),
    'customer_name': 'record_name',
    'segment': 'industry',
    'region': 'coalesce(billing_state, billing_country)',
    'created_at': 'created_date',
    'phone': 'phone',
    'kind': "case when " ~ is_yes('is_person_account') ~ " then 'person' else 'company' end",
    'merged_into': as_salesforce_id('master_record_id'),
    'updated_at': ['coalesce(fivetran_start, last_modified_date, system_modstamp, fivetran_synced)', 'last_modified_date'],
    'is_deleted': "case when " ~ is_yes('is_deleted') ~ " or " ~ is_yes('fivetran_deleted') ~ " then 'true' end",
}, empties=['null'])]) }}
