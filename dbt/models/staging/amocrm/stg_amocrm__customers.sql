-- Of several phones or addresses the first counts.
{%- set shared = {
    'customer_name': 'record_name',
    'created_at': 'created_at',
    'phone': amocrm_first('phone'),
    'email': amocrm_first('email'),
    'updated_at': 'updated_at',
    'is_deleted': 'is_deleted',
} %}
{{ stage_entity('customers', [
    from_table('amocrm', 'company', 'customers', dict(shared, customer_id='id', kind="'company'", tax_id='tax_id')),
    from_table('amocrm', 'contact', 'customers', dict(shared, customer_id=amocrm_contact_id('id'), kind="'person'",
        customer_name="coalesce(record_name, nullif(trim(concat_ws(' ', first_name, last_name)), ''))")),
]) }}
