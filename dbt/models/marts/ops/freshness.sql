-- One row per source x entity: the newest event and the newest delivery.
select
    files.source_name, files.entity,
    max(files.last_event_on) as last_event_on,
    max(files.first_seen) as last_delivered_at,
    sum(case when files.status = 'loaded' then 1 else 0 end) as file_count,
    {{ days_between('max(files.last_event_on)', 'max(settings.as_of)') }} as days_behind
from {{ ref('int_files') }} as files
cross join {{ ref('int_settings') }} as settings
group by files.source_name, files.entity
