{{ config(materialized='table') }}
-- Stages of deals among the dictionaries. A list that names no dictionary is one of stages where it has the stage that
-- every funnel has (WON); its outcomes are known only where the list tells semantics. Built whole, as funnels' names
-- may come later.
{%- set one_list = "over (partition by raw_._landing_key, coalesce(raw_.entity_id, raw_.command))" %}
{%- set pipeline = "coalesce(case when entity_id like 'DEAL_STAGE_%' then replace(entity_id, 'DEAL_STAGE_', '') end, " ~ bitrix24_pipeline('null', 'status_id') ~ ")" %}
{%- set semantics = "coalesce(nullif(trim(semantics), ''), nullif(trim(extra_semantics), ''))" %}
{{ stage_entity('stages', [from_table('bitrix24', 'status', 'stages', {
    'stage': 'status_id',
    'stage_name': 'name',
    'pipeline': pipeline,
    'pipeline_name': "(select max_by(funnels.name, funnels._observed_at) from " ~ source('raw', 'bitrix24__category') ~ " as funnels where funnels.source_name = raw_.source_name and funnels.id = " ~ pipeline ~ " and coalesce(funnels.entity_type_id, '2') = '2')",
    'outcome': "case when max(" ~ semantics ~ ") " ~ one_list ~ " is not null then coalesce(" ~ bitrix24_outcome(semantics) ~ ", 'open') end",
    'position': 'sort',
}, left_out="case when entity_id is not null and not regexp_matches(entity_id, '^DEAL_STAGE(_[0-9]+)?$') then 'other_dictionary' when entity_id is null and coalesce(max(case when regexp_matches(status_id, '^(C[0-9]+:)?WON$') then 1 end) " ~ one_list ~ ", 0) = 0 then 'other_dictionary' end")]) }}
