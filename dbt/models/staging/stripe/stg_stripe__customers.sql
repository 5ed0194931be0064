{{ stage_entity('customers', [from_table('stripe', 'customer', 'customers', {
    'customer_id': 'id',
    'customer_name': 'record_name',
    'region': 'coalesce(address_state, address_country)',
    'created_at': 'created',
    'phone': 'call_number',
    'email': 'mail',
    'tax_id': 'tax_number',
    'updated_at': 'fivetran_synced',
    'is_deleted': "case when " ~ is_yes('deleted') ~ " then 'true' end",
})]) }}
