select
    source as source_name,
    {{ as_match_name('type') }} as type_match,
    kind
from {{ source('raw', 'workspace__activity_types') }}
