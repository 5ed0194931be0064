select
    source_name, entity, table_name, file_name, file_sha256, size, status, reason_code, reason, first_seen, observed_at, is_order_dependent, reader,
    columns_delivered, columns_unread_count, columns_unread,
    rows_seen, rows_landed, rows_refused, rows_blank, rows_total_lines, amount_seen, last_event_on
from {{ ref('int_files') }}
