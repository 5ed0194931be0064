{{ config(materialized='table') }}
-- Outcome by semantics alone. The close is the move into the last stage; CLOSEDATE is a plan, and stands for the
-- close only where the workspace says `won_date: crm_close` and the file has no time of the move. Built whole, as
-- the names of sources may come later.
{{ stage_entity('deals', [from_table('bitrix24', 'deal', 'deals', {
    'deal_id': 'id',
    'stage': 'coalesce(stage_id, stage_name)',
    'opened_at': 'date_create',
    'pipeline': "coalesce(" ~ bitrix24_pipeline('category_id', 'stage_id') ~ ", pipeline_name)",
    'deal_name': 'title',
    'closed_at': ["case when coalesce(" ~ bitrix24_outcome('stage_semantic_id') ~ ", 'unknown') <> 'open' then coalesce(nullif(trim(moved_time), ''), case when raw_._won_date = 'crm_close' then left(trim(close_date), 10) end) end", 'close_date'],
    'planned_close_on': ['left(trim(close_date), 10)', 'close_date'],
    'amount': 'opportunity',
    'currency': 'currency_id',
    'manager_id': bitrix24_link('assigned_by_id'),
    'manager_name': 'responsible_name',
    'customer_id': bitrix24_customer('company_id', 'contact_id'),
    'customer_name': "coalesce(nullif(trim(company_name), ''), contact_name)",
    'lead_id': bitrix24_link('lead_id'),
    'source': bitrix24_channel(),
    'campaign': 'utm_campaign',
    'probability': ["case when trim(probability) <> '' then replace(trim(probability), '%', '') || '%' end", none],
    'updated_at': 'date_modify',
    'system_outcome': bitrix24_outcome('stage_semantic_id'),
}, left_out="case when " ~ is_yes('is_recurring') ~ " then 'recurring_template' else " ~ bitrix24_no_record(2, 'stage_id') ~ " end")]) }}
