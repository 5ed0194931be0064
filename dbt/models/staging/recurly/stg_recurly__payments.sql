{{ config(materialized='table') }}
-- A verification moves no money and an authorization only holds it until a capture, a voided transaction gave it back the
-- same day.
{{ stage_entity('payments', [from_table('recurly', 'transaction', 'payments', {
    'payment_id': 'id',
    'paid_at': ['coalesce(collected_at, created_at)', 'created_at'],
    'amount': 'sum_paid',
    'currency': 'upper(currency_code)',
    'subscription_id': "(select case when count(distinct told.subscription_id) = 1 then min(told.subscription_id) end from " ~ source('raw', 'recurly__transaction_subscription')
        ~ " as told where told.source_name = raw_.source_name and told.transaction_id = raw_.id)",
    'customer_id': 'account_id',
    'kind': "case when lower(type) = 'refund' then 'refund' else 'payment' end",
}, left_out="case when lower(type) = 'verify' then 'verification' when lower(type) = 'authorization' then 'authorization' when voided_at is not null or lower(status) = 'void' then 'voided' when not "
    ~ is_yes('success') ~ " or coalesce(lower(status), 'success') <> 'success' then 'not_paid' end")]) }}
