{{ stage_entity('customers', [from_table('recurly', 'account', 'customers', {
    'customer_id': 'id',
    'customer_name': "coalesce(company, nullif(trim(concat_ws(' ', first_name, last_name)), ''), code)",
    'region': 'country',
    'created_at': 'created_on',
    'email': 'mail',
    'tax_id': 'vat_number',
    'updated_at': 'modified_at',
    'is_deleted': "case when deleted_at is not null then 'true' end",
})]) }}
