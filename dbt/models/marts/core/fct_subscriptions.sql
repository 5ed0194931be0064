{{ config(meta={'empty_without': ['int_subscriptions__spells']}) }}
select
    spells.subscription_id, spells.customer_id, spells.started_on, spells.ended_on, spells.amount_native, spells.currency, spells.billing_months,
    spells.mrr, spells.margin, spells.manager_id, versions.team_id, versions.strategy, spells.channel_id, spells.product_id,
    spells.is_customer_start, spells.is_kept_a_month, spells.basis, spells._source_file, spells._source_row
from {{ ref('int_subscriptions__spells') }} as spells
left join {{ ref('int_managers__versions') }} as versions
    on spells.manager_id = versions.manager_id and spells.started_on >= versions.valid_from and spells.started_on < versions.valid_to
