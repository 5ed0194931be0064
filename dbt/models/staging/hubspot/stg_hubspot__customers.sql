{{ config(materialized='table') }}
-- Companies and contacts. Built whole, as a merge is told by another record.
{%- set shared = {
    'created_at': 'createdate',
    'updated_at': [hubspot_updated_at(), ['updated_at', 'lastmodifieddate']],
    'is_deleted': "case when " ~ is_hubspot_gone() ~ " then 'true' end",
} %}
{{ stage_entity('customers', [
    from_table('hubspot', 'company', 'customers', dict(shared,
        customer_id='id', kind="'company'", customer_name='coalesce(record_name, domain)', segment='industry',
        region='coalesce(state, country)', phone='phone', merged_into='survivor_id'),
        joined=hubspot_merges('company', 'cast(null as ' ~ dbt.type_string() ~ ')', 'cast(null as ' ~ dbt.type_string() ~ ')')),
    from_table('hubspot', 'contact', 'customers', dict(shared,
        customer_id=hubspot_contact_id('id'), kind="'person'",
        customer_name="coalesce(nullif(trim(concat_ws(' ', firstname, lastname)), ''), company)",
        phone='coalesce(phone, mobilephone)', email='email', merged_into=hubspot_contact_id('survivor_id')),
        joined=hubspot_merges('contact', 'canonical_vid', 'vid_to_merge')),
]) }}
