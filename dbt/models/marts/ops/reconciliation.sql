select
    source_name, entity, file_name, file_sha256, status, rows_seen, rows_loaded, rows_left_out, rows_quarantined, rows_blank, rows_total_lines,
    amount_seen, amount_loaded, amount_quarantined
from {{ ref('int_audit__reconciliation') }}
