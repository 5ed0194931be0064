-- One row per rejected value or row, and per record that stays but is listed.
select _source_file, _source_row, entity, column_name, value, reason_code, reason, is_row_rejected
from {{ ref('stg_files__quarantine') }}
union all
select _source_file, _source_row, entity, column_name, value, reason_code, reason, false
from {{ ref('int_audit__listed') }}
union all
select file_name, cast(null as bigint), entity, cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), reason_code, reason, true
from {{ source('raw', 'files') }}
where status = 'rejected'
