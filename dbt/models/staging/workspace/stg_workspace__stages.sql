select
    source as source_name,
    case when pipeline = '*' then '*' else {{ as_match_name('pipeline') }} end as pipeline_match,
    {{ as_match_name('stage') }} as stage_match,
    outcome,
    cast(position as integer) as stage_position,
    counts_as
from {{ source('raw', 'workspace__stages') }}
