select
    source as source_name,
    {{ as_match_name('status') }} as status_match,
    outcome,
    counts_as
from {{ source('raw', 'workspace__lead_statuses') }}
