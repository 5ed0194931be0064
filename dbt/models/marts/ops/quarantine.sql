select _source_file, _source_row, entity, column_name, value, reason_code, reason, is_row_rejected
from {{ ref('int_quarantine') }}
