{{ config(materialized='table') }}
-- Built whole: what a deal was merged into, and whom it belongs to, other files tell.
{%- set companies = "select source_name as linked_source, trim(deal_id) as linked_deal, substr(min(case when company_id is not null then case when type_id = '5' then '0' else '1' end || company_id end), 2) as linked_company, min(contact_id) as linked_contact from " ~ source('raw', 'hubspot__link') ~ " where deal_id is not null and engagement_id is null group by 1, 2" %}
{%- set owners = "select source_name as mailed_source, lower(trim(email)) as mailed_email, max(id) as mailed_owner from " ~ source('raw', 'hubspot__owner') ~ " where email is not null group by 1, 2 having count(distinct id) = 1" %}
{%- set contact = "coalesce(" ~ hubspot_linked('linked_contacts') ~ ", " ~ hubspot_first('contact_ids') ~ ", linked_contact)" %}
{%- set company = "coalesce(primary_company, " ~ hubspot_linked_company('linked_companies', 'deal') ~ ", " ~ hubspot_first('company_ids') ~ ", linked_company)" %}
{{ stage_entity('deals', [from_table('hubspot', 'deal', 'deals', {
    'deal_id': 'id',
    'stage': hubspot_stage(),
    'opened_at': 'createdate',
    'pipeline': 'pipeline',
    'deal_name': 'dealname',
    'closed_at': 'closedate',
    'planned_close_on': [hubspot_day('closedate'), 'closedate'],
    'amount': 'amount',
    'currency': 'deal_currency_code',
    'manager_id': 'coalesce(owner_id, mailed_owner)',
    'manager_name': 'case when owner_id is null and mailed_owner is null then owner_name end',
    'customer_id': "coalesce(" ~ company ~ ", " ~ hubspot_contact_id(contact) ~ ")",
    'customer_name': "case when coalesce(" ~ company ~ ", " ~ contact ~ ") is null then coalesce(company_name, contact_name) end",
    'lead_id': contact,
    'source': 'analytics_source',
    'campaign': "case when lower(analytics_source) like 'paid%' then analytics_source_data_1 end",
    'loss_reason': 'closed_lost_reason',
    'probability': 'stage_probability',
    'updated_at': [hubspot_updated_at(), ['updated_at', 'lastmodifieddate']],
    'is_deleted': "case when " ~ is_hubspot_gone() ~ " then 'true' end",
    'merged_into': 'survivor_id',
    'system_outcome': "coalesce(" ~ outcome_of('is_closed_won', 'is_closed') ~ ", " ~ hubspot_known_outcome(hubspot_stage()) ~ ")",
},
    joined=hubspot_merges('deal', 'deal_id', 'merged_deal_id')
        ~ " left join (" ~ companies ~ ") as links on raw_.source_name = linked_source and trim(raw_.id) = linked_deal"
        ~ " left join (" ~ owners ~ ") as mailed on raw_.source_name = mailed_source and lower(trim(raw_.owner_name)) = mailed_email",
)]) }}
