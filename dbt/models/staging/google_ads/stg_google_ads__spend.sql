{{ config(materialized='table') }}
-- Names and currencies of campaigns and accounts may come later than their figures: built whole.
{%- set report_cut = ['group_title', 'keyword', 'search_term', 'ad_number', 'place', 'device', 'network'] %}
{%- set stats_cut = ['ad_group_id', 'base_ad_group', 'ad_id', 'criterion_id', 'search_term', 'device', 'ad_network_type'] %}
{%- set has_segment = '(' ~ has_column('week_of') ~ ' or ' ~ has_column('month_of') ~ ')' %}
{%- set report = {
    'spent_on': ["case when " ~ has_column('day_of') ~ " then day_of when " ~ has_segment ~ " then " ~ segment_start('week_of', 'month_of', 'period_start') ~ " else period_start end", 'day_of'],
    'period_end': ["case when " ~ has_column('day_of') ~ " then null when " ~ has_segment ~ " then " ~ segment_end('week_of', 'month_of', 'period_end') ~ " else period_end end", 'period_end'],
    'source': "'Google Ads'",
    'amount': [ads_money('cost_shown'), 'cost_shown'],
    'currency': 'currency_code',
    'campaign': 'campaign_title',
    'campaign_id': 'campaign_number',
    'impressions': 'shown',
    'clicks': 'hits',
    'region': 'place',
    'account': "coalesce(replace(customer, '-', ''), account_title)",
    'cut': ads_cut('report', report_cut),
    'detail': ads_detail(report_cut),
} %}
{#- a campaign's own table calls it id, tables below it name the campaign beside -#}
{%- set campaign_id = "coalesce(campaign_id, case when base_campaign like '%/campaigns/%' then regexp_extract(base_campaign, '/campaigns/([0-9]+)', 1) end, "
    ~ newest_told('google_ads', 'campaign', 'id', 'raw_.id') ~ ")" %}
{%- set stats = {
    'spent_on': 'date',
    'source': "'Google Ads'",
    'amount': 'cost_micros',
    'currency': 'coalesce(customer_currency, ' ~ newest_told('google_ads', 'account', 'currency_code', 'raw_.customer_id', 'updated_at') ~ ')',
    'campaign': 'coalesce(campaign_name, ' ~ newest_told('google_ads', 'campaign', 'record_name', campaign_id, 'updated_at') ~ ')',
    'campaign_id': campaign_id,
    'impressions': 'impressions',
    'clicks': 'clicks',
    'account': 'customer_id',
    'cut': ads_cut('stats', stats_cut),
    'detail': ads_detail(stats_cut),
} %}
{{ stage_entity('spend', [
    from_table('google_ads', 'report', 'spend', report, empties=['--', '-']),
    from_table('google_ads', 'stats', 'spend', stats),
]) }}
