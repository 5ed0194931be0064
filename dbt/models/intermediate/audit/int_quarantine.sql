-- One row per rejected value or row, and per record that stays but is listed.
select _source_file, _source_row, entity, column_name, value, reason_code, reason, is_row_rejected
from {{ ref('stg_files__quarantine') }}
union all
select _source_file, _source_row, entity, column_name, value, reason_code, reason, false
from {{ ref('int_audit__listed') }}
union all
select _source_file, _source_row, 'deal_splits', 'share', cast(share as {{ dbt.type_string() }}), 'bad_split',
    concat('the shares of a deal lie in 0..1 and add up to 1; these add up to ', cast(share_sum as {{ dbt.type_string() }}),
        '. The rows of this split are left out, the deal stays with its owner'), true
from {{ ref('int_deal_splits__checked') }} where is_bad_split
union all
select file_name, cast(null as bigint), entity, cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), reason_code, reason, true
from {{ source('raw', 'files') }}
where status = 'rejected'
