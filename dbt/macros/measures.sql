{# What each measure counts: (code, date column, condition, value). Filters of KPIs stand here alone. #}

{% macro measure_rows(relation, fact_table, key, measures, is_parted=false, has_product=false) %}
{%- for code, day, condition, value in measures %}
    select
        '{{ code }}' as measure_code, {{ day }} as occurred_on, '{{ fact_table }}' as fact_table, {{ key }} as fact_id,
        manager_id, team_id, channel_id,
        {{ 'part_product_id' if is_parted else ('product_id' if has_product else 'cast(null as ' ~ dbt.type_string() ~ ')') }} as product_id,
        partner_id, strategy,
        {{ 'cast(' ~ value ~ ' as decimal(28, 4)) * share' if is_parted else 'cast(' ~ value ~ ' as decimal(28, 10))' }} as value,
        {{ 'case when is_primary then 1 else 0 end' if is_parted else '1' }} as samples, 1 as product_samples
    from {{ relation }}
    where {{ condition }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
{% endmacro %}

{# Measures that stand on the date of a close: without it they would be short, not absent. #}
{% macro measures_of_closes() %}
{{ return([
    'booked_revenue', 'won_deals', 'lost_deals', 'costed_won_deals', 'costed_events', 'costed_revenue', 'cost_of_sale', 'gross_margin',
    'partner_revenue', 'partner_influenced_revenue', 'partner_margin', 'partner_costed_revenue', 'partner_costed_events',
    'credited_revenue', 'credited_margin', 'credited_costed_events', 'check_amount', 'check_deals', 'wins_standing',
    'eligible_closes', 'eligible_wins', 'priced_closes_amount', 'priced_wins_amount', 'eligible_losses', 'priced_losses', 'opened_deals_won',
    'cycle_days', 'cycle_days_count', 'lead_to_win_days', 'new_customers', 'wins_with_customer',
    'converted_leads', 'leads_won_in_window', 'leads_won_by_win_date',
]) }}
{% endmacro %}

{% macro deal_event_measures() %}
{{ measure_rows('events', 'fct_deal_events', 'deal_id', [
    ('booked_revenue', 'occurred_on', "event in ('won', 'reversed') and amount is not null", 'amount'),
    ('won_deals', 'occurred_on', "event in ('won', 'reversed')", 'sign'),
    ('lost_deals', 'occurred_on', "event = 'lost' and is_eligible_close", 'sign'),
    ('costed_won_deals', 'occurred_on', "event in ('won', 'reversed') and cost is not null", 'sign'),
    ('costed_events', 'occurred_on', "event in ('won', 'reversed') and cost is not null", '1'),
    ('costed_revenue', 'occurred_on', "event in ('won', 'reversed') and cost is not null", 'amount'),
    ('cost_of_sale', 'occurred_on', "event in ('won', 'reversed') and cost is not null", 'cost'),
    ('gross_margin', 'occurred_on', "event in ('won', 'reversed') and cost is not null", 'margin'),
    ('partner_revenue', 'occurred_on', "event in ('won', 'reversed') and partner_id is not null and coalesce(partner_role, 'sourced') = 'sourced' and amount is not null", 'amount'),
    ('partner_influenced_revenue', 'occurred_on', "event in ('won', 'reversed') and partner_id is not null and partner_role = 'influenced' and amount is not null", 'amount'),
], is_parted=true) }}
{% endmacro %}

{% macro deal_state_measures() %}
{{ measure_rows('deals', 'fct_deals', 'deal_id', [
    ('check_amount', 'won_on', "outcome = 'won' and amount > 0", 'amount'),
    ('check_deals', 'won_on', "outcome = 'won' and amount > 0", '1'),
    ('wins_standing', 'won_on', "outcome = 'won'", '1'),
    ('eligible_closes', "closed_on", "outcome in ('won', 'lost') and is_eligible_close", '1'),
    ('eligible_wins', 'won_on', "outcome = 'won' and is_eligible_close", '1'),
    ('priced_closes_amount', 'closed_on', "outcome in ('won', 'lost') and is_eligible_close and amount > 0", 'amount'),
    ('priced_wins_amount', 'won_on', "outcome = 'won' and is_eligible_close and amount > 0", 'amount'),
    ('eligible_losses', 'lost_on', "outcome = 'lost' and is_eligible_close", '1'),
    ('priced_losses', 'lost_on', "outcome = 'lost' and is_eligible_close and amount > 0", '1'),
    ('opened_deals', 'opened_on', "outcome = 'open' or is_eligible_close", '1'),
    ('opened_deals_won', 'opened_on', "outcome = 'won' and won_on is not null", '1'),
    ('opened_deals_ripeness', 'opened_on', "(outcome = 'open' or is_eligible_close) and opened_ripeness is not null", 'opened_ripeness'),
    ('opened_deals_ripe', 'opened_on', "(outcome = 'open' or is_eligible_close) and is_opened_ripe", '1'),
    ('cycle_days_count', 'won_on', "outcome = 'won' and cycle_days is not null", '1'),
    ('cycle_days', 'won_on', "outcome = 'won' and cycle_days is not null", 'cycle_days'),
    ('lead_to_win_days', 'won_on', "outcome = 'won' and lead_to_win_days is not null", 'lead_to_win_days'),
    ('new_customers', 'won_on', "outcome = 'won' and is_first_win", '1'),
    ('wins_with_customer', 'won_on', "outcome = 'won' and customer_id is not null", '1'),
], is_parted=true) }}
{% endmacro %}

{% macro lead_measures() %}
{{ measure_rows('leads', 'fct_leads', 'lead_id', [
    ('new_leads', 'created_on', 'true', '1'),
    ('qualified_leads', 'qualified_on', 'qualified_on is not null', '1'),
    ('converted_leads', 'created_on', 'won_on is not null', '1'),
    ('leads_ripeness', 'created_on', 'ripeness is not null', 'ripeness'),
    ('leads_ripe', 'created_on', 'is_ripe', '1'),
    ('leads_won_in_window', 'created_on', 'is_won_in_window', '1'),
    ('leads_won_by_win_date', 'won_on', 'won_on is not null', '1'),
    ('speed_to_lead', 'created_on', 'speed_to_lead_minutes is not null', 'speed_to_lead_minutes'),
    ('leads_within_sla', 'created_on', 'is_sla_due and is_within_sla', '1'),
    ('leads_sla_due', 'created_on', 'is_sla_due', '1'),
]) }}
{% endmacro %}

{% macro activity_and_money_measures() %}
{{ measure_rows('(select *, cast(null as ' ~ dbt.type_string() ~ ') as partner_id from ' ~ ref('fct_activities') ~ ') as activities', 'fct_activities', 'activity_id', [
    ('calls', 'occurred_on', "kind = 'call' and is_done", '1'),
    ('connected_calls', 'occurred_on', "kind = 'call' and is_connected", '1'),
    ('meetings', 'occurred_on', "kind = 'meeting' and is_done", '1'),
    ('proposals', 'occurred_on', "kind = 'proposal' and is_first_proposal", '1'),
]) }}
    union all
{{ measure_rows(ref('fct_payments'), 'fct_payments', 'payment_id', [
    ('paid_revenue', 'paid_on', 'amount is not null', 'amount'),
], has_product=true) }}
    union all
{{ measure_rows(companywide(ref('fct_spend')), 'fct_spend', 'spend_id', [
    ('spend', 'spent_on', 'amount is not null', 'amount'),
    ('lead_spend', 'spent_on', "amount is not null and kind in ('ads', 'agency', 'event')", 'amount'),
]) }}
    union all
{{ measure_rows(companywide(ref('fct_spend_coverage')), 'fct_spend_coverage', 'channel_id', [
    ('spend_covered_days', 'day', 'true', '1'),
]) }}
{% endmacro %}

{# Spend belongs to channels and the company, to nobody's sales. #}
{% macro companywide(relation) -%}
    (select *, cast(null as {{ dbt.type_string() }}) as manager_id, cast(null as {{ dbt.type_string() }}) as team_id,
        cast(null as {{ dbt.type_string() }}) as partner_id, cast(null as {{ dbt.type_string() }}) as strategy from {{ relation }}) as companywide
{%- endmacro %}
