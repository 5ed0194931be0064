-- One row per loaded file x entity: does every row have its place, how many are lost to errors, and to which most?
with

refused as (
    select
        _source_file, entity, reason_code, reason, value, _source_row,
        count(*) over (partition by _source_file, entity, reason_code) as row_count,
        row_number() over (partition by _source_file, entity, reason_code order by _source_row) as place
    from {{ ref('int_quarantine') }} where is_row_rejected and _source_row is not null
),

reasons as (
    select
        _source_file, entity,
        concat(reason, ': ', cast(row_count as {{ dbt.type_string() }}), ' rows, the first is ', cast(_source_row as {{ dbt.type_string() }}),
            coalesce(concat(' with `', value, '`'), '')) as told,
        row_number() over (partition by _source_file, entity order by row_count desc, reason_code) as place
    from refused where place = 1
)

select
    reconciled.file_name, reconciled.entity,
    reconciled.rows_seen,
    reconciled.rows_loaded + reconciled.rows_quarantined as rows_accounted,
    cast(reconciled.amount_seen as double) as amount_seen,
    cast(reconciled.amount_loaded + reconciled.amount_quarantined as double) as amount_accounted,
    coalesce(cast(reconciled.rows_quarantined as double) / nullif(cast(reconciled.rows_seen as double), 0), 0) <= settings.row_error_limit as is_within_row_limit,
    coalesce(abs(cast(reconciled.amount_quarantined as double)) / nullif(abs(cast(reconciled.amount_seen as double)), 0), 0) <= settings.row_error_limit as is_within_money_limit,
    reconciled.rows_quarantined,
    reasons.told as most_frequent_reason
from {{ ref('int_audit__reconciliation') }} as reconciled
cross join {{ ref('int_settings') }} as settings
left join reasons on reconciled.file_name = reasons._source_file and reconciled.entity = reasons.entity and reasons.place = 1
where reconciled.status in ('loaded', 'superseded')
