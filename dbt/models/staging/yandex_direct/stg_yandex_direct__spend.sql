-- A file without days stands for the period above its header.
{%- set report_cut = ['group_title', 'group_number', 'ad_number', 'ad_title', 'criterion', 'criterion_number', 'criterion_type', 'query', 'site', 'site_type',
    'region_at', 'region_number', 'device', 'sex', 'age'] %}
{%- set api_cut = ['ad_group_id', 'ad_group_name', 'ad_id', 'ad_network_type', 'criterion', 'criterion_id', 'query', 'placement', 'device', 'gender', 'age', 'location'] %}
{%- set has_segment = '(' ~ has_column('week') ~ ' or ' ~ has_column('month') ~ ')' %}
{%- set report = {
    'spent_on': ["case when " ~ has_column('day') ~ " then day else period_start end", 'day'],
    'period_end': ["case when not (" ~ has_column('day') ~ ") then period_end end", 'period_end'],
    'source': "'Яндекс Директ'",
    'amount': [ads_money('expense'), 'expense'],
    'currency': as_currency_code('money_sign'),
    'campaign': 'campaign_title',
    'campaign_id': 'campaign_number',
    'impressions': 'views',
    'clicks': 'hits',
    'region': 'region_at',
    'account': 'client',
    'cut': ads_cut('report', report_cut),
    'detail': ads_detail(report_cut),
    'includes_vat': "case when lower(trim(vat)) like 'без%' then 'false' when lower(trim(vat)) like 'с%' then 'true' end",
} %}
{%- set api = dict(report,
    spent_on=["case when " ~ has_column('day') ~ " then day when " ~ has_segment ~ " then " ~ segment_start('week', 'month', 'period_start') ~ " else period_start end", 'day'],
    period_end=["case when " ~ has_column('day') ~ " then null when " ~ has_segment ~ " then " ~ segment_end('week', 'month', 'period_end') ~ " else period_end end", 'period_end'],
    amount=[ads_money('cost'), 'cost'], currency='null', campaign='campaign_name', campaign_id='campaign_id', impressions='impressions', clicks='clicks',
    region='location', account='client_login', cut=ads_cut('api', api_cut), detail=ads_detail(api_cut), includes_vat='null') %}
{{ stage_entity('spend', [
    from_table('yandex_direct', 'report', 'spend', report, empties=['-', '--', '---']),
    from_table('yandex_direct', 'api_report', 'spend', api, empties=['-', '--']),
]) }}
