{{ config(materialized='table') }}
-- A record is a deal unless it never left the unsorted inbox. Built whole, as events and statuses come in files of their own.
{%- set reasons = "select source_name as reason_source, trim(id) as reason_id, max_by(record_name, _observed_at) as reason_name from " ~ source('raw', 'amocrm__loss_reason') ~ " group by 1, 2" %}
{%- set sources = "select source_name as origin_source, trim(id) as origin_id, max_by(record_name, _observed_at) as origin_name from " ~ source('raw', 'amocrm__source') ~ " group by 1, 2" %}
{%- set no_id = "nullif(trim(responsible_user_id), '') is null" %}
{{ stage_entity('deals', [from_table('amocrm', 'lead', 'deals', {
    'deal_id': 'id',
    'stage': "coalesce(nullif(trim(status_id), ''), stage_name)",
    'opened_at': ["coalesce(cast(told_exit as " ~ dbt.type_string() ~ "), created_at)", 'created_at'],
    'pipeline': "coalesce(nullif(trim(pipeline_id), ''), pipeline_name)",
    'deal_name': 'record_name',
    'closed_at': [amocrm_closed_at(), 'closed_at'],
    'amount': [amocrm_amount(), ['price_with_minor_units', 'price']],
    'currency': amocrm_currency('currency'),
    'manager_id': amocrm_id('responsible_user_id'),
    'manager_name': "case when " ~ no_id ~ " then responsible_name end",
    'customer_id': "coalesce(" ~ json_text('embedded_companies', '$[0].id') ~ ", " ~ amocrm_contact_id(amocrm_main_contact('embedded_contacts')) ~ ")",
    'customer_name': "case when nullif(trim(status_id), '') is null then coalesce(company_name, contact_company, contact_name) end",
    'source': 'coalesce(source_field, source_field_2, utm_source, origin_name)',
    'campaign': 'utm_campaign',
    'loss_reason': "case when " ~ amocrm_outcome() ~ " is distinct from 'won' then coalesce(" ~ json_text('embedded_loss_reason', '$[0].name') ~ ", loss_reason, reason_name, " ~ amocrm_id('loss_reason_id') ~ ") end",
    'updated_at': [amocrm_updated_at(), 'updated_at'],
    'is_deleted': "case when " ~ is_amocrm_gone() ~ " then 'true' end",
    'system_outcome': amocrm_outcome(),
},
    left_out="case when " ~ is_amocrm_mark() ~ " then 'deletion_mark' else " ~ amocrm_only_a_lead() ~ " end",
    joined=amocrm_known_of_leads()
        ~ " left join (" ~ reasons ~ ") as reasons on raw_.source_name = reason_source and trim(raw_.loss_reason_id) = reason_id"
        ~ " left join (" ~ sources ~ ") as origins on raw_.source_name = origin_source and trim(raw_.source_id) = origin_id",
)]) }}
