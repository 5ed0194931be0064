{{ config(materialized='table') }}
-- A contact is a lead where its stage of life is one of sales or a lead status is set: subscribers, evangelists, others and
-- contacts that nobody placed are people, not leads. Sales-qualified and later is qualified; a deal for it converts it.
{%- set life = hubspot_stage_of_life() %}
{%- set turns = "select source_name as turned_source, trim(id) as turned_id, min(case when stage_of_life in ('salesqualifiedlead', 'opportunity', 'customer') then turned_at end) as turned_qualified, min(case when stage_of_life in ('opportunity', 'customer') then turned_at end) as turned_converted from (select source_name, id, " ~ json_text('entry', '$.value') ~ " as stage_of_life, " ~ json_text('entry', '$.timestamp') ~ " as turned_at from (select source_name, id, " ~ each_json_item('lifecyclestage_history') ~ " as entry from " ~ source('raw', 'hubspot__contact') ~ " where lifecyclestage_history is not null) as entries) as entries group by 1, 2" %}
{{ stage_entity('leads', [from_table('hubspot', 'contact', 'leads', {
    'lead_id': 'id',
    'created_at': 'createdate',
    'manager_id': 'owner_id',
    'manager_name': "case when owner_id is null then owner_name end",
    'source': 'analytics_source',
    'campaign': "case when lower(analytics_source) like 'paid%' then analytics_source_data_1 end",
    'status': "case when " ~ hubspot_lead_status() ~ " = 'unqualified' then 'unqualified' when " ~ life ~ " in ('salesqualifiedlead', 'opportunity', 'customer') then " ~ life ~ " else coalesce(" ~ hubspot_lead_status() ~ ", " ~ life ~ ") end",
    'qualified_at': ['coalesce(turned_qualified, qualified_date, opportunity_date)', ['qualified_date', 'opportunity_date']],
    'converted_at': ['coalesce(turned_converted, opportunity_date)', 'opportunity_date'],
    'deal_id': "coalesce(" ~ hubspot_linked('linked_deals') ~ ", " ~ hubspot_first('deal_ids') ~ ")",
    'customer_id': "coalesce(" ~ hubspot_linked_company('linked_companies', 'contact') ~ ", " ~ hubspot_first('company_ids') ~ ", " ~ hubspot_contact_id('id') ~ ")",
    'phone': 'coalesce(phone, mobilephone)',
    'email': 'email',
    'updated_at': [hubspot_updated_at(), ['updated_at', 'lastmodifieddate']],
    'is_deleted': "case when " ~ is_hubspot_gone() ~ " then 'true' end",
    'merged_into': 'survivor_id',
},
    left_out="case when " ~ life ~ " in ('subscriber', 'evangelist', 'other') then 'no_lead' when nullif(" ~ life ~ ", '') is null and " ~ hubspot_lead_status() ~ " is null and not " ~ is_hubspot_gone() ~ " then 'no_lead' end",
    joined=hubspot_merges('contact', 'canonical_vid', 'vid_to_merge')
        ~ " left join (" ~ turns ~ ") as turns on raw_.source_name = turned_source and trim(raw_.id) = turned_id",
)]) }}
