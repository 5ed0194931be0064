select
    subject,
    spelling,
    {{ as_match_name('spelling') }} as spelling_match,
    name,
    {{ as_match_name('name') }} as name_match
from {{ source('raw', 'workspace__aliases') }}
