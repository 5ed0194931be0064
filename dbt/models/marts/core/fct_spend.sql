{{ config(meta={'empty_without': ['int_spend__attributed']}) }}
select
    spend.spend_id, spend.spent_on, spend.channel_id, coalesce(channels.channel_name, 'not given') as channel_name, spend.campaign, spend.kind,
    spend.amount_native, spend.currency, spend.amount, spend.impressions, spend.clicks,
    spend.source_name, spend.account, spend.is_spread, spend.is_vat_included, spend._source_file, spend._source_row
from {{ ref('int_spend__attributed') }} as spend
left join (
    select channel_id, min(channel_name) as channel_name from {{ ref('int_channels__crosswalk') }} group by channel_id
) as channels on spend.channel_id = channels.channel_id
