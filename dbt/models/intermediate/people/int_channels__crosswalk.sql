with

aliases as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'channel'),

mentioned as (
    select distinct source as channel_spelling from {{ ref('stg_files__leads') }}
    union
    select distinct source from {{ ref('stg_files__deals') }}
    union
    select distinct source from {{ ref('stg_files__spend') }}
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
