select
    source_name, entity, file_name, file_sha256, size, status, reason_code, reason, first_seen, observed_at, is_order_dependent, reader,
    rows_seen, rows_landed, rows_refused, rows_blank, rows_total_lines, amount_seen, last_event_on
from {{ ref('int_files') }}
