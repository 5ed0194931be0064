-- One row per loaded file x entity: does every row have its place, and how many are lost to errors?
select
    reconciled.file_name, reconciled.entity,
    reconciled.rows_seen,
    reconciled.rows_loaded + reconciled.rows_quarantined as rows_accounted,
    cast(reconciled.amount_seen as double) as amount_seen,
    cast(reconciled.amount_loaded + reconciled.amount_quarantined as double) as amount_accounted,
    coalesce(cast(reconciled.rows_quarantined as double) / nullif(cast(reconciled.rows_seen as double), 0), 0) <= settings.row_error_limit as is_within_row_limit,
    coalesce(abs(cast(reconciled.amount_quarantined as double)) / nullif(abs(cast(reconciled.amount_seen as double)), 0), 0) <= settings.row_error_limit as is_within_money_limit,
    reconciled.rows_quarantined
from {{ ref('int_audit__reconciliation') }} as reconciled
cross join {{ ref('int_settings') }} as settings
where reconciled.status in ('loaded', 'superseded')
