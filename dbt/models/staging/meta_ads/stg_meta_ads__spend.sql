{{ config(materialized='table') }}
-- An ad leads to its campaign by the list of ads, which may come later: built whole.
{%- set report_cut = ['set_title', 'set_number', 'ad_title', 'ad_number', 'age_band', 'sex', 'country_at', 'region_at', 'platform_at', 'placement_at', 'device_at'] %}
{%- set insights_cut = ['ad_set_id', 'ad_set_name', 'ad_id', 'ad_name', 'country', 'region_at', 'age', 'gender', 'platform', 'position', 'device'] %}
{%- set report = {
    'spent_on': ["case when " ~ has_column('day_of') ~ " then day_of else period_start end", 'day_of'],
    'period_end': ["case when not (" ~ has_column('day_of') ~ ") then period_end end", 'period_end'],
    'source': "'Meta Ads'",
    'amount': [ads_money('money_spent'), 'money_spent'],
    'currency': 'money_code',
    'campaign': 'campaign_title',
    'campaign_id': 'campaign_number',
    'impressions': 'shown',
    'clicks': 'hits',
    'region': 'region_at',
    'account': 'coalesce(account_number, account_title)',
    'cut': ads_cut('report', report_cut),
    'detail': ads_detail(report_cut),
} %}
{%- set campaign_id = 'coalesce(raw_.campaign_id, ' ~ newest_told('meta_ads', 'ad', 'campaign_id', 'raw_.ad_id', 'updated_time') ~ ', '
    ~ newest_told('meta_ads', 'ad_set', 'campaign_id', 'raw_.ad_set_id', 'updated_time') ~ ')' %}
{%- set insights = {
    'spent_on': 'date',
    'period_end': "case when date_stop > date then date_stop end",
    'source': "'Meta Ads'",
    'amount': 'spend',
    'currency': 'coalesce(account_currency, ' ~ newest_told('meta_ads', 'account', 'currency', 'raw_.account_id') ~ ')',
    'campaign': 'coalesce(campaign_name, ' ~ newest_told('meta_ads', 'campaign', 'record_name', campaign_id, 'updated_time') ~ ')',
    'campaign_id': campaign_id,
    'impressions': 'impressions',
    'clicks': 'clicks',
    'region': 'coalesce(region_at, country)',
    'account': 'account_id',
    'cut': ads_cut('insights', insights_cut),
    'detail': ads_detail(insights_cut),
} %}
{{ stage_entity('spend', [
    from_table('meta_ads', 'report', 'spend', report, empties=['-', '--']),
    from_table('meta_ads', 'insights', 'spend', insights),
]) }}
