{{ config(materialized='table') }}
-- Every record is one lead, from the moment it was created; what became of it says the status.
{%- set contact = amocrm_contact_id(amocrm_main_contact('embedded_contacts')) %}
{%- set people = "select source_name as person_source, 'contact_' || trim(id) as person_id, max_by(" ~ amocrm_first('phone') ~ ", " ~ amocrm_seconds('updated_at') ~ ") as person_phone, max_by(" ~ amocrm_first('email') ~ ", " ~ amocrm_seconds('updated_at') ~ ") as person_email from " ~ source('raw', 'amocrm__contact') ~ " group by 1, 2" %}
{%- set origins = "select source_name as origin_source, trim(id) as origin_id, max_by(record_name, _observed_at) as origin_name from " ~ source('raw', 'amocrm__source') ~ " group by 1, 2" %}
{{ stage_entity('leads', [from_table('amocrm', 'lead', 'leads', {
    'lead_id': 'id',
    'created_at': 'created_at',
    'manager_id': amocrm_id('responsible_user_id'),
    'manager_name': "case when nullif(trim(responsible_user_id), '') is null then responsible_name end",
    'source': 'coalesce(source_field, source_field_2, utm_source, origin_name)',
    'campaign': 'utm_campaign',
    'status': "case " ~ amocrm_only_a_lead() ~ " when 'unsorted' then 'unsorted' when 'declined_from_unsorted' then 'declined' else 'accepted' end",
    'deal_id': "case when " ~ amocrm_only_a_lead() ~ " is null then id end",
    'customer_id': "coalesce(" ~ json_text('embedded_companies', '$[0].id') ~ ", " ~ contact ~ ")",
    'phone': "coalesce(person_phone, " ~ amocrm_first('coalesce(work_phone, mobile_phone, direct_phone, home_phone, other_phone)') ~ ")",
    'email': "coalesce(person_email, " ~ amocrm_first('coalesce(work_email, private_email, other_email)') ~ ")",
    'updated_at': [amocrm_updated_at(), 'updated_at'],
    'is_deleted': "case when " ~ is_amocrm_gone() ~ " then 'true' end",
},
    left_out="case when " ~ is_amocrm_mark() ~ " then 'deletion_mark' when not wanted_leads then 'leads_not_wanted' end",
    joined=amocrm_known_of_leads()
        ~ " left join (" ~ people ~ ") as people on raw_.source_name = person_source and " ~ contact ~ " = person_id"
        ~ " left join (" ~ origins ~ ") as origins on raw_.source_name = origin_source and trim(raw_.source_id) = origin_id"
        ~ " left join (select source_name as wanted_source, leads_from_deals as wanted_leads from " ~ source('raw', 'workspace__sources') ~ ") as wanted on raw_.source_name = wanted_source",
)]) }}
