-- One row per record that stays but deserves a look: nothing is rejected here.
with

settings as (select * from {{ ref('int_settings') }}),

deals as (select * from {{ ref('int_deals__attributed') }})

select 'deals' as entity, _source_file, _source_row, 'cycle_days' as column_name,
    concat(cast(opened_on as {{ dbt.type_string() }}), ' / ', cast(won_on as {{ dbt.type_string() }})) as value,
    'won_before_opened' as reason_code, 'the deal was won before it was opened; it stays with its money, the cycle is unknown' as reason
from deals where won_on < opened_on
union all
select 'deals', _source_file, _source_row, 'lead_to_win_days', cast(won_on as {{ dbt.type_string() }}),
    'won_before_lead', 'the deal was won before its lead was created; it counts, the way from lead to win is unknown'
from deals where won_on < lead_created_on
union all
select 'deals', _source_file, _source_row, 'won_on', cast(null as {{ dbt.type_string() }}),
    'undated_win', 'the deal is won, but nothing tells when: it stands in no period'
from deals where outcome = 'won' and won_on is null
union all
select 'deals', deals._source_file, deals._source_row, 'closed_at', cast(current_deals.closed_on as {{ dbt.type_string() }}),
    'close_in_future', 'the close lies after the day the run looks from: the deal is still open'
from {{ ref('int_deals__current') }} as current_deals
inner join deals on current_deals.deal_id = deals.deal_id
cross join settings
where current_deals.stage_outcome in ('won', 'lost') and current_deals.closed_on > settings.as_of
union all
select 'deals', _source_file, _source_row, 'amount', cast(amount_native as {{ dbt.type_string() }}),
    'negative_amount', 'a negative amount is a credit: it counts in sums, not in the average check'
from deals where amount_native < 0
union all
select 'deals', _source_file, _source_row, 'manager_id', manager_id,
    'unknown_manager', 'the id is in no list of managers; add it to the managers file, or an alias'
from deals
inner join (
    select manager_id as unknown_id from {{ ref('int_managers__crosswalk') }} group by manager_id
    having not bool_or(is_listed) and bool_and(is_id) and count(manager_name) > 0 and min(manager_name) = min(manager_ref)
) as unknown on deals.manager_id = unknown.unknown_id
{%- for subject in ['manager', 'customer'] %}
union all
select '{{ subject }}s', cast(null as {{ dbt.type_string() }}), cast(null as bigint), '{{ subject }}_id', {{ subject }}_ref,
    'ambiguous_{{ subject }}', concat(ambiguity, ': it stays apart; an alias would join it')
from {{ ref('int_' ~ subject ~ 's__crosswalk') }} where ambiguity is not null
{%- endfor %}
union all
select 'subscriptions', _source_file, _source_row, 'ended_on', cast(ended_on as {{ dbt.type_string() }}),
    'ended_before_start', 'the subscription ended before it began: it was never active'
from {{ ref('int_subscriptions__united') }} where ended_on < started_on and not _is_row_rejected
union all
select 'subscriptions', _source_file, _source_row, 'billing_months', cast(billing_months as {{ dbt.type_string() }}),
    'not_recurring', 'a billing period of less than a month is no recurring price: the row counts nowhere'
from {{ ref('int_subscriptions__united') }} where billing_months <= 0 and not _is_row_rejected
union all
select 'subscriptions', _source_file, _source_row, 'amount', cast(amount as {{ dbt.type_string() }}),
    'negative_amount', 'a negative price lowers the MRR of its customer, not below 0'
from {{ ref('int_subscriptions__united') }} where amount < 0 and not _is_row_rejected
union all
select 'fx_rates', _source_file, _source_row, 'rate', cast(rate as {{ dbt.type_string() }}),
    'not_a_rate', 'a rate of 0 or less is none: the row counts nowhere'
from {{ ref('int_fx_rates__united') }} where rate <= 0 and not _is_row_rejected
union all
select 'payments', min(_source_file), min(_source_row), 'kind', delivered_kind,
    'unknown_kind', 'this kind of payment has no meaning here: it counts as a payment'
from {{ ref('int_payments__attributed') }} where is_unknown_kind group by delivered_kind
union all
select 'payments', _source_file, _source_row, 'amount', cast(amount_native as {{ dbt.type_string() }}),
    'negative_payment', 'a payment below 0 that is not called a refund: it counts as one'
from {{ ref('int_payments__attributed') }} where is_payment_below_zero
union all
select 'activities', min(_source_file), min(_source_row), 'kind', delivered_kind,
    'unknown_kind', 'this type of activity has no meaning here: add it under activity_types in workspace.yml'
from {{ ref('int_activities__attributed') }} where is_unknown_kind group by delivered_kind
union all
select 'deals', deals._source_file, deals._source_row, 'stage', deals.stage_name,
    'win_withdrawn', 'an earlier delivery showed this deal won; without a history of stages that win was never there'
from deals inner join {{ ref('int_deals__histories') }} as histories on deals.deal_id = histories.deal_id
where histories.is_win_withdrawn
union all
select 'deal_changes', min(_source_file), min(_source_row), 'field', field,
    'unknown_field', 'this field has no meaning here: stage, owner, amount and planned_close_on are read'
from {{ ref('int_deal_changes__united') }}
where not _is_row_rejected and lower(field) not in ('stage', 'owner', 'amount', 'planned_close_on') group by field
union all
select 'deal_changes', _source_file, _source_row, 'new_value', new_value,
    'not_understood', 'a log of changes needs plain amounts (1234.50) and ISO dates (2026-12-31); the change is left out'
from {{ ref('int_deal_changes__united') }}
where not _is_row_rejected and new_value is not null
    and ((lower(field) = 'amount' and {{ as_unmistakable_money('new_value') }} is null)
        or (lower(field) = 'planned_close_on' and {{ as_iso_day('new_value') }} is null))
union all
select 'spend', min(grain._source_file), min(grain._source_row), 'amount', cast(max(grain.total) - sum(grain.counted) as {{ dbt.type_string() }}),
    'superseded_cut', concat('the same money is told by another cut or by its days: ', coalesce(grain.cut, 'period'), ' of ',
        cast(min(grain.spent_on) as {{ dbt.type_string() }}), ' to ', cast(max(grain.last_on) as {{ dbt.type_string() }}), ' counts less by this amount')
from (
    select slot, unit, cut, min(spent_on) as spent_on, max(last_on) as last_on, sum(total) as total, sum(counted) as counted,
        min(_source_file) as _source_file, min(_source_row) as _source_row
    from (
        select slot, unit, cut, spent_on, last_on, row_key, max(total) as total,
            sum(case when verdict = 'counts' then amount else 0 end) as counted, min(_source_file) as _source_file, min(_source_row) as _source_row
        from {{ ref('int_spend__grain') }} where verdict <> 'replaced'
        group by slot, unit, cut, spent_on, last_on, row_key
    ) as spans group by slot, unit, cut
) as grain
where grain.total <> grain.counted
group by grain.slot, grain.unit, grain.cut
union all
select entity, file_name, cast(null as bigint), 'amount', cast(amount_total_line as {{ dbt.type_string() }}),
    'total_line_differs', concat('the rows of the file add up to ', cast(amount_seen as {{ dbt.type_string() }}), '; the rows count, the total line does not')
from {{ ref('int_files') }}
where status = 'loaded' and abs(amount_total_line - amount_seen) > cast(0.01 as decimal(4, 2)) + cast(0.005 as decimal(5, 3)) * rows_landed
union all
select 'spend', min(spend._source_file), min(spend._source_row), 'amount', spend.source_name,
    'vat_not_told', concat('nothing tells whether its money includes VAT: add `amounts_include_vat: true` (or false) to the source ', spend.source_name, ' in workspace.yml')
from {{ ref('int_spend__attributed') }} as spend
inner join {{ ref('stg_workspace__sources') }} as sources on spend.source_name = sources.source_name and sources.is_vat_in_doubt
where spend.is_vat_included is null
group by spend.source_name
union all
select repeated.entity, repeated._source_file, repeated._source_row, repeated.column_name, repeated.value,
    'repeated_in_file', 'the key stands twice in one file without updated_at: the last row counts'
from {{ ref('int_audit__repeated') }} as repeated
