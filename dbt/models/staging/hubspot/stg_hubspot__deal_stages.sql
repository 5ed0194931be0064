{{ config(materialized='table') }}
-- From the history inside deals, from the log of properties, and from a connector's table of stages. The pipeline of a
-- past stage is the one that defines it. Built whole, as pipelines come in files of their own.
{%- set told = {
    'deal_id': 'id',
    'stage': 'told_value',
    'entered_at': ['told_at', none],
    'pipeline': 'placed_pipeline',
    'system_outcome': hubspot_known_outcome('told_value'),
} %}
{%- set logged = {
    'deal_id': 'deal_id',
    'stage': 'value',
    'entered_at': 'changed_at',
    'pipeline': 'placed_pipeline',
    'system_outcome': hubspot_known_outcome('value'),
} %}
{%- set entered = dict(logged, entered_at='date_entered') %}
{{ stage_entity('deal_stages', [
    from_table('hubspot', 'deal', 'deal_stages', told,
        joined=hubspot_history('deal', 'dealstage') ~ hubspot_pipeline_of('told_value'), only="nullif(trim(told_value), '') is not null"),
    from_table('hubspot', 'property_history', 'deal_stages', logged,
        joined=hubspot_pipeline_of('raw_.value'), only="lower(trim(name)) = 'dealstage' and nullif(trim(raw_.value), '') is not null"),
    from_table('hubspot', 'deal_stage', 'deal_stages', entered, joined=hubspot_pipeline_of('raw_.value')),
]) }}
