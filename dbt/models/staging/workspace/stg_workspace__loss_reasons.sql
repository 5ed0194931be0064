select distinct
    {{ as_match_name('reason') }} as reason_match,
    cast(eligible as boolean) as is_eligible
from {{ source('raw', 'workspace__loss_reasons') }}
