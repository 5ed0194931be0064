{{ config(materialized='table') }}
-- Companies and contacts; built whole, as their tax numbers may come later.
{%- set reached = {'phone': bitrix24_first('phone'), 'email': bitrix24_first('email'), 'created_at': 'date_create', 'updated_at': 'date_modify'} %}
{{ stage_entity('customers', [
    from_table('bitrix24', 'company', 'customers', dict(reached,
        customer_id=bitrix24_customer('id', 'null'), customer_name='title', segment='industry', region='address_city',
        tax_id=bitrix24_tax_id(4), kind="'company'"),
        left_out="case when " ~ is_yes('is_my_company') ~ " then 'own_company' else " ~ bitrix24_no_record(4, 'null') ~ " end"),
    from_table('bitrix24', 'contact', 'customers', dict(reached,
        customer_id=bitrix24_customer('null', 'id'), customer_name=bitrix24_person(), tax_id=bitrix24_tax_id(3), kind="'person'"),
        left_out=bitrix24_no_record(3, 'null')),
]) }}
