{{ config(materialized='table') }}
-- Statistics name a plan, a group or a banner alike: lists of them, where delivered, lead to the plan. What
-- a file's own name calls banners or groups, and no list leads on, stands for the account.
{%- set group_id = 'coalesce(' ~ newest_told('vk_ads', 'banner', 'ad_group_id', 'raw_.object_id') ~ ', raw_.object_id)' %}
{%- set plan_id = newest_told('vk_ads', 'ad_group', 'ad_plan_id', group_id) %}
{%- set is_below = "regexp_matches(lower(raw_._source_file), '(banner|ad_?group)[^/]*$')" %}
{%- set campaign_id = 'coalesce(' ~ plan_id ~ ", case when not " ~ is_below ~ " and " ~ newest_told('vk_ads', 'banner', 'id', 'raw_.object_id') ~ " is null then raw_.object_id end)" %}
{%- set statistics = {
    'spent_on': 'date',
    'source': "'VK Реклама'",
    'amount': 'spent',
    'campaign': newest_told('vk_ads', 'ad_plan', 'record_name', campaign_id),
    'campaign_id': campaign_id,
    'impressions': 'shows',
    'clicks': 'clicks',
    'cut': "concat_ws('+', 'statistics', case when " ~ campaign_id ~ " is distinct from raw_.object_id then 'below' end)",
    'detail': 'raw_.object_id',
} %}
{%- set is_campaign = "coalesce(raw_.object_type, 'campaign') = 'campaign'" %}
{%- set old_statistics = {
    'spent_on': ["coalesce(day, " ~ segment_start('cast(null as varchar)', 'month', 'cast(null as varchar)') ~ ")", 'day'],
    'period_end': ["case when day is null then " ~ segment_end('cast(null as varchar)', 'month', 'cast(null as varchar)') ~ " end", none],
    'source': "'VK Реклама'",
    'amount': 'spent',
    'campaign_id': "case when " ~ is_campaign ~ " then raw_.object_id end",
    'impressions': 'impressions',
    'clicks': 'clicks',
    'cut': "concat_ws('+', 'old_statistics', case when not " ~ is_campaign ~ " then raw_.object_type end)",
    'detail': 'raw_.object_id',
} %}
{%- set report_cut = ['group_title', 'group_number', 'ad_title', 'ad_number'] %}
{%- set report = {
    'spent_on': ["case when " ~ has_column('day') ~ " then day else period_start end", 'day'],
    'period_end': ["case when not (" ~ has_column('day') ~ ") then period_end end", 'period_end'],
    'source': "'VK Реклама'",
    'amount': [ads_money('expense'), 'expense'],
    'currency': as_currency_code('money_sign'),
    'campaign': 'campaign_title',
    'campaign_id': 'campaign_number',
    'impressions': 'views',
    'clicks': 'hits',
    'cut': ads_cut('report', report_cut),
    'detail': ads_detail(report_cut),
} %}
{{ stage_entity('spend', [
    from_table('vk_ads', 'statistics', 'spend', statistics),
    from_table('vk_ads', 'old_statistics', 'spend', old_statistics),
    from_table('vk_ads', 'report', 'spend', report, empties=['-', '--']),
]) }}
