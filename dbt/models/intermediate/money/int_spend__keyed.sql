{{ config(meta={'empty_without': ['int_spend__united']}) }}
-- One row per accepted row of spend, with the keys by which files say the same money twice: the slot
-- (source, channel, kind, account, campaign), its days, the cut, and the delivered unit it came in.
with

currencies as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'currency'),

accepted as (
    select united.*, landings.observed_on
    from {{ ref('int_spend__united') }} as united
    inner join {{ ref('int_landings__observed') }} as landings on united._landing_key = landings._landing_key
    where not united._is_row_rejected
),

named as (select * from accepted where cut is not null),

-- a campaign under its name in one file and its id in another is one, where the name has one id
ids_of_names as (
    select source_name, {{ as_match_name('campaign') }} as campaign_match, min(campaign_id) as campaign_id
    from named where campaign is not null and campaign_id is not null
    group by source_name, {{ as_match_name('campaign') }} having count(distinct campaign_id) = 1
),

names_of_ids as (
    select source_name, campaign_id, max(campaign) as campaign, case when count(distinct account) = 1 then min(account) end as account
    from named where campaign_id is not null group by source_name, campaign_id
),

only_accounts as (
    select source_name, min(account) as account from named group by source_name having count(distinct account) = 1
),

keyed as (
    select
        accepted.*,
        coalesce(accepted.account, names_of_ids.account, only_accounts.account, '') as account_key,
        case when accepted.cut is null then coalesce(accepted.campaign, accepted.campaign_id, '')
            else coalesce(accepted.campaign_id, ids_of_names.campaign_id, {{ as_match_name('accepted.campaign') }}, '') end as campaign_key,
        coalesce(accepted.campaign, names_of_ids.campaign, accepted.campaign_id) as campaign_name,
        -- a period that is not over was spent by the day it was seen
        case
            when accepted.period_end is null or accepted.period_end <= accepted.spent_on then accepted.spent_on
            when accepted.cut is not null and accepted.observed_on >= accepted.spent_on then least(accepted.period_end, accepted.observed_on)
            else accepted.period_end
        end as last_on,
        accepted.cut is not null
            and (lower(accepted._source_file) like '%.json' or lower(accepted._source_file) like '%.ndjson' or lower(accepted._source_file) like '%.jsonl') as is_paged
    from accepted
    left join ids_of_names on accepted.source_name = ids_of_names.source_name and {{ as_match_name('accepted.campaign') }} = ids_of_names.campaign_match
        and accepted.cut is not null and accepted.campaign_id is null
    left join names_of_ids on accepted.source_name = names_of_ids.source_name and accepted.campaign_id = names_of_ids.campaign_id
    left join only_accounts on accepted.source_name = only_accounts.source_name and accepted.cut is not null
),

slotted as (
    select
        *,
        concat_ws(chr(31), source_name, coalesce(source, ''), coalesce(kind, ''), account_key) as account_slot,
        concat_ws(chr(31), source_name, coalesce(source, ''), coalesce(kind, ''), account_key, campaign_key) as slot,
        case when is_paged then concat(_delivery_id, chr(31), cut) else _file_sha256 end as unit
    from keyed
),

-- pages of one delivery overlap row by row; a file of a table is whole
pages as (
    select distinct unit, slot, spent_on, last_on, detail, first_value(_file_sha256) over (
        partition by unit, slot, spent_on, last_on, detail order by _observed_at desc nulls last, _file_sha256 desc) as counting_file
    from slotted where is_paged
)

select
    slotted.source_name, slotted.source, slotted.kind, nullif(slotted.account_key, '') as account, slotted.campaign_name as campaign,
    slotted.campaign_key, slotted.account_slot, slotted.slot, slotted.unit, slotted.cut, slotted.spent_on, slotted.last_on,
    slotted.amount, upper(coalesce(currencies.name, slotted.currency, slotted._default_currency)) as currency, slotted.impressions, slotted.clicks, slotted.includes_vat,
    coalesce(pages.counting_file = slotted._file_sha256, true) as is_kept,
    slotted._observed_at, slotted._source_file, slotted._source_row, slotted._file_sha256
from slotted
left join currencies on {{ as_match_name('slotted.currency') }} = currencies.spelling_match
left join pages on slotted.is_paged and slotted.unit = pages.unit and slotted.slot = pages.slot and slotted.spent_on = pages.spent_on
    and slotted.last_on = pages.last_on and slotted.detail = pages.detail
