{{ config(meta={'empty_without': ['int_spend__keyed']}) }}
-- One row per delivered spend row that counts, by the run's day; one per campaign and day where a file gives
-- a period without its days. A later delivery replaces what it covers: the same source, account,
-- campaign, kind, channel and day.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

sources as (select * from {{ ref('stg_workspace__sources') }}),

channels as (select * from {{ ref('int_channels__crosswalk') }}),

rates as (select * from {{ ref('int_fx__daily') }}),

words as (select * from {{ ref('words') }} where subject = 'spend_kind'),

keyed as (select * from {{ ref('int_spend__keyed') }} where is_kept),

counted as (select * from {{ ref('int_spend__grain') }} where verdict = 'counts'),

periods as (
    select
        slot, unit, cut, spent_on, last_on, case when cut is null then _source_row end as row_key,
        min(source_name) as source_name, min(source) as source, min(kind) as kind, min(account) as account, max(campaign) as campaign,
        min(currency) as currency, bool_and(includes_vat) as includes_vat,
        min(_source_file) as _source_file, min(_source_row) as _source_row, min(_file_sha256) as _file_sha256
    from keyed where last_on > spent_on
    group by slot, unit, cut, spent_on, last_on, case when cut is null then _source_row end
),

newest as (
    select
        keyed.source_name, keyed.source, keyed.kind, keyed.account, keyed.campaign, keyed.currency, keyed.includes_vat,
        keyed.spent_on, keyed.amount, keyed.impressions, keyed.clicks, false as is_spread,
        cast(null as {{ dbt.type_string() }}) as spread_key,
        keyed._source_file, keyed._source_row, keyed._file_sha256
    from keyed
    inner join counted on keyed.slot = counted.slot and keyed.unit = counted.unit and keyed.cut is not distinct from counted.cut
        and keyed.spent_on = counted.spent_on and keyed.last_on = counted.last_on
    where not counted.is_spread
    union all
    select
        periods.source_name, periods.source, periods.kind, periods.account, periods.campaign, periods.currency, periods.includes_vat,
        counted.day, counted.amount, counted.impressions, counted.clicks, true,
        concat_ws(':', counted.slot, cast(counted.day as {{ dbt.type_string() }})),
        periods._source_file, periods._source_row, periods._file_sha256
    from counted
    inner join periods on counted.slot = periods.slot and counted.unit = periods.unit and counted.cut is not distinct from periods.cut
        and counted.spent_on = periods.spent_on and counted.last_on = periods.last_on and counted.row_key is not distinct from periods.row_key
    where counted.is_spread
)

select
    md5(concat_ws(':', newest._file_sha256, cast(newest._source_row as {{ dbt.type_string() }}), newest.spread_key)) as spend_id,
    newest.spent_on,
    coalesce(channels.channel_id, 'not_given') as channel_id,
    newest.campaign,
    case when newest.kind is null then 'ads' else coalesce(words.meaning, 'other') end as kind,
    cast(newest.amount as decimal(18, 4)) as amount_native,
    newest.currency,
    {{ to_reporting('newest.amount', 'case when newest.currency = settings.reporting_currency then cast(1 as decimal(18, 8)) else rates.rate end') }} as amount,
    newest.impressions, newest.clicks,
    newest.source_name, newest.account, newest.is_spread,
    coalesce(newest.includes_vat, sources.amounts_include_vat) as is_vat_included,
    newest._source_file, newest._source_row, newest._file_sha256
from newest
cross join settings
inner join sources on newest.source_name = sources.source_name
left join channels on newest.source = channels.channel_spelling
left join words on {{ as_match_name('newest.kind') }} = words.word
left join rates on newest.currency = rates.currency and newest.spent_on = rates.day
where newest.spent_on <= settings.as_of
