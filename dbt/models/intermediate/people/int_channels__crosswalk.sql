with

aliases as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'channel'),

mentioned as (
    select distinct source as channel_spelling from {{ ref('int_leads__united') }}
    union
    select distinct source from {{ ref('int_deals__united') }}
    union
    select distinct source from {{ ref('int_spend__united') }}
),

matched as (
    select
        mentioned.channel_spelling,
        coalesce(aliases.name_match, {{ as_match_name('mentioned.channel_spelling') }}) as channel_id,
        coalesce(aliases.name, mentioned.channel_spelling) as channel_name
    from mentioned
    left join aliases on {{ as_match_name('mentioned.channel_spelling') }} = aliases.spelling_match
    where mentioned.channel_spelling is not null
)

select
    channel_spelling,
    channel_id,
    min(channel_name) over (partition by channel_id) as channel_name
from matched
