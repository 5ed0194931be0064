-- One row per delivered spend row by the run's day. A later delivery replaces what it covers:
-- the same source, campaign, kind, channel and day.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

channels as (select * from {{ ref('int_channels__crosswalk') }}),

rates as (select * from {{ ref('int_fx__daily') }}),

words as (select * from {{ ref('words') }} where subject = 'spend_kind'),

accepted as (select * from {{ ref('int_spend__united') }} where not _is_row_rejected),

covering as (
    select source_name, spent_on, coalesce(source, '') as source, coalesce(campaign, '') as campaign, coalesce(kind, '') as kind, _file_sha256,
        row_number() over (
            partition by source_name, spent_on, coalesce(source, ''), coalesce(campaign, ''), coalesce(kind, '')
            order by max(_observed_at) desc nulls last, _file_sha256 desc) as file_rank
    from accepted
    group by source_name, spent_on, coalesce(source, ''), coalesce(campaign, ''), coalesce(kind, ''), _file_sha256
),

newest as (
    select accepted.* from accepted
    inner join covering
        on accepted.source_name = covering.source_name and accepted.spent_on = covering.spent_on and coalesce(accepted.source, '') = covering.source
        and coalesce(accepted.campaign, '') = covering.campaign and coalesce(accepted.kind, '') = covering.kind
        and accepted._file_sha256 = covering._file_sha256 and covering.file_rank = 1
)

select
    md5(newest._file_sha256 || ':' || cast(newest._source_row as {{ dbt.type_string() }})) as spend_id,
    newest.spent_on,
    coalesce(channels.channel_id, 'not_given') as channel_id,
    newest.campaign,
    case when newest.kind is null then 'ads' else coalesce(words.meaning, 'other') end as kind,
    cast(newest.amount as decimal(18, 4)) as amount_native,
    upper(coalesce(newest.currency, newest._default_currency)) as currency,
    {{ to_reporting('newest.amount', 'case when upper(coalesce(newest.currency, newest._default_currency)) = settings.reporting_currency then cast(1 as decimal(18, 8)) else rates.rate end') }} as amount,
    newest.impressions, newest.clicks,
    newest.source_name,
    newest._source_file, newest._source_row, newest._file_sha256
from newest
cross join settings
left join channels on newest.source = channels.channel_spelling
left join words on {{ as_match_name('newest.kind') }} = words.word
left join rates on upper(coalesce(newest.currency, newest._default_currency)) = rates.currency and newest.spent_on = rates.day
where newest.spent_on <= settings.as_of
