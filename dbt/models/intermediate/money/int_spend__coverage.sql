{{ config(meta={'empty_without': ['int_spend__keyed']}) }}
-- One row per channel x day that some file covers: from its first to its last day, for each of its channels.
-- Of a period that was not over when it was read a file covers the days until then.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

channels as (select * from {{ ref('int_channels__crosswalk') }}),

spend as (select * from {{ ref('int_spend__keyed') }}),

spans as (
    select
        coalesce(channels.channel_id, 'not_given') as channel_id,
        spend._file_sha256,
        min(bounds.first_day) as first_day,
        least(max(bounds.last_day), max(settings.as_of)) as last_day
    from spend
    cross join settings
    inner join (
        select _file_sha256, min(spent_on) as first_day, max(last_on) as last_day from spend group by _file_sha256
    ) as bounds on spend._file_sha256 = bounds._file_sha256
    left join channels on spend.source = channels.channel_spelling
    group by coalesce(channels.channel_id, 'not_given'), spend._file_sha256
)

select distinct channel_id, cast(day as date) as day
from (select channel_id, {{ each_day('first_day', 'last_day') }} as day from spans where first_day <= last_day) as days
