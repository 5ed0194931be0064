{{ config(meta={'empty_without': ['int_payments__attributed']}) }}
select
    payments.payment_id, payments.paid_at, payments.paid_on, payments.kind, payments.amount_native, payments.currency, payments.amount,
    payments.deal_id, payments.customer_id, payments.manager_id, versions.team_id, versions.strategy,
    payments.channel_id, payments.product_id, payments.partner_id, payments._source_file, payments._source_row
from {{ ref('int_payments__attributed') }} as payments
left join {{ ref('int_managers__versions') }} as versions
    on payments.manager_id = versions.manager_id and payments.paid_on >= versions.valid_from and payments.paid_on < versions.valid_to
