{# What each measure counts: (code, date column, condition, value). Filters of KPIs stand here alone. #}

{#
  Measures of a relation in one of three shapes: `facts`, a row per fact x measure (kpi_events); `sums`,
  a row per measure x day x scope, read off the relation in one scan per date column (kpi_scope_days);
  `samples`, a row per sampled measure x day x scope x value (kpi_sample_days).
  A relation `is_parted` where its rows are the parts of a fact by product.
#}
{% macro measured(shape, relation, fact_table, key, measures, is_parted=false) %}
{%- set product = 'part_product_id' if is_parted else 'cast(null as ' ~ dbt.type_string() ~ ')' %}
{%- if shape == 'facts' -%}
    {{ measure_facts(relation, fact_table, key, measures, is_parted, product) }}
{%- elif shape == 'samples' -%}
    {{ measure_samples(relation, measures, is_parted, product) }}
{%- else -%}
    {{ measure_sums(relation, measures, is_parted, product) }}
{%- endif -%}
{% endmacro %}

{% macro measure_value(value, is_parted) -%}
    {{ 'cast(' ~ value ~ ' as decimal(28, 4)) * share' if is_parted else 'cast(' ~ value ~ ' as decimal(28, 10))' }}
{%- endmacro %}

{% macro measure_facts(relation, fact_table, key, measures, is_parted, product) %}
{%- for code, day, condition, value in measures %}
    select
        '{{ code }}' as measure_code, {{ day }} as occurred_on, '{{ fact_table }}' as fact_table, {{ key }} as fact_id,
        manager_id, team_id, channel_id, {{ product }} as product_id, partner_id, strategy,
        {{ measure_value(value, is_parted) }} as value,
        {{ 'case when is_primary then 1 else 0 end' if is_parted else '1' }} as samples, 1 as product_samples
    from {{ relation }}
    where {{ condition }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
{% endmacro %}

{% macro measure_sums(relation, measures, is_parted, product) %}
{%- for day in measures | map(attribute=1) | unique %}
{%- set own = measures | selectattr(1, 'equalto', day) | list %}
    select
        codes.measure_code, wide.day, wide.scope_type, wide.scope_id,
        case codes.measure_code {% for code, _, _, _ in own %}when '{{ code }}' then wide.{{ code }} {% endfor %}end as value,
        case codes.measure_code {% for code, _, _, _ in own %}when '{{ code }}' then wide.{{ code }}__samples {% endfor %}end as samples,
        case codes.measure_code {% for code, _, _, _ in own %}when '{{ code }}' then wide.{{ code }}__rows {% endfor %}end as product_samples
    from (
        select day, {{ scope_columns(is_parted) }}, {{ summed_facts(own, is_parted) }}
        from ({{ marked_facts(relation, day, own, is_parted, product) }}) as marked
        group by grouping sets ({{ scope_sets('day', is_parted) }})
    ) as wide
    cross join ({% for code, _, _, _ in own %}select '{{ code }}' as measure_code{{ ' union all ' if not loop.last }}{% endfor %}) as codes
    where case codes.measure_code {% for code, _, _, _ in own %}when '{{ code }}' then wide.{{ code }}__rows {% endfor %}end > 0
    {{ 'union all' if not loop.last }}
{%- endfor %}
{% endmacro %}

{# The facts of a day column, each with what it adds to every measure; NULL where it adds nothing. #}
{% macro marked_facts(relation, day, measures, is_parted, product) %}
    select
        {{ day }} as day, manager_id, team_id, channel_id, {{ product }} as product_id, partner_id, strategy
        {%- for code, _, condition, value in measures %},
        case when {{ condition }} then {{ measure_value(value, is_parted) }} end as {{ code }},
        case when ({{ condition }}){{ ' and is_primary' if is_parted }} then 1 end as {{ code }}__samples
        {%- if is_parted %},
        case when {{ condition }} then 1 end as {{ code }}__rows
        {%- endif %}
        {%- endfor %}
    from {{ relation }}
    where {{ day }} is not null
{% endmacro %}

{% macro summed_facts(measures, is_parted) %}
    {%- for code, _, _, _ in measures %}
    sum({{ code }}) as {{ code }}, count({{ code }}__samples) as {{ code }}__samples,
    {{ 'count(' ~ code ~ '__rows)' if is_parted else 'count(' ~ code ~ '__samples)' }} as {{ code }}__rows{{ ',' if not loop.last }}
    {%- endfor %}
{% endmacro %}

{# Only measures of which the registry wants a percentile. #}
{% macro measure_samples(relation, measures, is_parted, product) %}
{%- for code, day, condition, value in measures if code in ['cycle_days', 'lead_to_win_days', 'speed_to_lead'] %}
    {{ 'union all' if not loop.first }}
    select
        '{{ code }}' as measure_code, day, sample, {{ scope_columns() }},
        count(case when is_sample then 1 end) as samples, count(*) as product_samples
    from (
        select
            {{ day }} as day, manager_id, team_id, channel_id, {{ product }} as product_id, partner_id, strategy,
            {{ value }} as sample, {{ 'is_primary' if is_parted else 'true' }} as is_sample
        from {{ relation }}
        where {{ condition }} and {{ day }} is not null
    ) as sampled
    group by grouping sets ({{ scope_sets('day, sample') }})
{%- endfor %}
{% endmacro %}

{# Every measure that adds up over days, in a shape; it reads the CTEs of `measured_relations`. #}
{% macro event_measures(shape) %}
    {{ deal_event_measures(shape) }}
    union all
    {{ credit_measures(shape) }}
    union all
    {{ deal_state_measures(shape) }}
    union all
    {{ opening_measures(shape) }}
    union all
    {{ lead_measures(shape) }}
    union all
    {{ lead_event_measures(shape) }}
    union all
    {{ activity_and_money_measures(shape) }}
    union all
    {{ subscription_measures(shape) }}
    union all
    {{ cohort_measures(shape) }}
{% endmacro %}

{# The facts that measures are read off; deals come apart by product with the line's share. #}
{% macro measured_relations() %}
{%- for name, facts in [('deals', ref('fct_deals')), ('events', ref('fct_deal_events'))] %}
{{ name }} as (
    select {{ name }}.*, parts.product_id as part_product_id, parts.share, parts.is_primary
    from {{ facts }} as {{ name }}
    inner join {{ ref('fct_deal_products') }} as parts on {{ name }}.deal_id = parts.deal_id
),
{% endfor %}
openings as (
    select
        deals.deal_id, deals.outcome, deals.opened_on, deals.won_on, deals.is_eligible_close, deals.opened_ripeness, deals.is_opened_ripe,
        deals.opened_manager_id as manager_id, deals.opened_team_id as team_id, deals.opened_strategy as strategy,
        deals.channel_id, deals.partner_id, deals.part_product_id, deals.share, deals.is_primary
    from deals
),

leads as (select * from {{ ref('fct_leads') }} where not is_duplicate),

qualified as (
    select lead_id, qualified_on, manager_id, qualified_team_id as team_id, qualified_strategy as strategy, channel_id, partner_id
    from leads where qualified_on is not null
),

won_leads as (
    select lead_id, won_on, won_manager_id as manager_id, won_team_id as team_id, won_strategy as strategy, channel_id, partner_id
    from leads where won_on is not null
),

payments as (
    select
        payments.payment_id, payments.paid_on, payments.amount, payments.manager_id, payments.team_id, payments.strategy, payments.channel_id, payments.partner_id,
        coalesce(parts.product_id, payments.product_id) as part_product_id, coalesce(parts.share, 1) as share, coalesce(parts.is_primary, true) as is_primary
    from {{ ref('fct_payments') }} as payments
    left join {{ ref('fct_deal_products') }} as parts on payments.deal_id = parts.deal_id
),
{% endmacro %}

{# Measures that stand on the date of a close: without it they would be short, not absent. #}
{% macro measures_of_closes() %}
{{ return([
    'booked_revenue', 'won_deals', 'lost_deals', 'costed_wins', 'costed_events', 'costed_revenue', 'cost_of_sale', 'gross_margin',
    'partner_revenue', 'partner_influenced_revenue', 'partner_margin', 'partner_costed_revenue', 'partner_costed_events',
    'credited_revenue', 'credited_margin', 'credited_costed_events', 'check_amount', 'check_deals', 'wins_standing',
    'eligible_closes', 'eligible_wins', 'priced_closes_amount', 'priced_wins_amount', 'eligible_losses', 'priced_losses', 'opened_deals_won',
    'cycle_days', 'cycle_days_count', 'lead_to_win_days', 'new_customers', 'wins_with_customer',
    'converted_leads', 'leads_won_in_window', 'leads_won_by_win_date',
]) }}
{% endmacro %}

{% macro deal_event_measures(shape) %}
{{ measured(shape, 'events', 'fct_deal_events', 'deal_id', [
    ('booked_revenue', 'occurred_on', "event in ('won', 'reversed') and amount is not null", 'amount'),
    ('won_deals', 'occurred_on', "event in ('won', 'reversed')", 'sign'),
    ('lost_deals', 'occurred_on', "event = 'lost' and is_eligible_close", 'sign'),
    ('costed_events', 'occurred_on', "event in ('won', 'reversed') and cost is not null", '1'),
    ('costed_revenue', 'occurred_on', "event in ('won', 'reversed') and margin is not null", 'amount'),
    ('cost_of_sale', 'occurred_on', "event in ('won', 'reversed') and cost is not null", 'cost'),
    ('gross_margin', 'occurred_on', "event in ('won', 'reversed') and margin is not null", 'margin'),
    ('partner_revenue', 'occurred_on', "event in ('won', 'reversed') and partner_id is not null and coalesce(partner_role, 'sourced') = 'sourced' and amount is not null", 'amount'),
    ('partner_influenced_revenue', 'occurred_on', "event in ('won', 'reversed') and partner_id is not null and partner_role = 'influenced' and amount is not null", 'amount'),
    ('partner_margin', 'occurred_on', "event in ('won', 'reversed') and partner_fee is not null and cost is not null", 'margin - partner_fee'),
    ('partner_costed_revenue', 'occurred_on', "event in ('won', 'reversed') and partner_fee is not null and cost is not null", 'amount'),
    ('partner_costed_events', 'occurred_on', "event in ('won', 'reversed') and partner_fee is not null and cost is not null", '1'),
], is_parted=true) }}
{% endmacro %}

{# Wins by who is credited with them: the shares of a split, else the owner whole. #}
{% macro credit_measures(shape) %}
{%- set measures = [
    ('credited_revenue', 'occurred_on', "event in ('won', 'reversed') and amount is not null", 'amount'),
    ('credited_margin', 'occurred_on', "event in ('won', 'reversed') and margin is not null", 'margin'),
    ('credited_costed_events', 'occurred_on', "event in ('won', 'reversed') and margin is not null", '1'),
] %}
{{ measured(shape, ref('fct_deal_credits'), 'fct_deal_credits', 'deal_id', measures) }}
    union all
{{ measured(shape, '(select events.* from ' ~ ref('fct_deal_events') ~ ' as events left join (select distinct deal_id from ' ~ ref('fct_deal_credits')
    ~ ') as split on events.deal_id = split.deal_id where split.deal_id is null) as whole_credits', 'fct_deal_events', 'deal_id', measures) }}
{% endmacro %}

{% macro deal_state_measures(shape) %}
{{ measured(shape, 'deals', 'fct_deals', 'deal_id', [
    ('check_amount', 'won_on', "outcome = 'won' and amount > 0", 'amount'),
    ('check_deals', 'won_on', "outcome = 'won' and amount > 0", '1'),
    ('wins_standing', 'won_on', "outcome = 'won'", '1'),
    ('costed_wins', 'won_on', "outcome = 'won' and cost is not null", '1'),
    ('eligible_closes', "closed_on", "outcome in ('won', 'lost') and is_eligible_close", '1'),
    ('eligible_wins', 'won_on', "outcome = 'won' and is_eligible_close", '1'),
    ('priced_closes_amount', 'closed_on', "outcome in ('won', 'lost') and is_eligible_close and amount > 0", 'amount'),
    ('priced_wins_amount', 'won_on', "outcome = 'won' and is_eligible_close and amount > 0", 'amount'),
    ('eligible_losses', 'lost_on', "outcome = 'lost' and is_eligible_close", '1'),
    ('priced_losses', 'lost_on', "outcome = 'lost' and is_eligible_close and amount > 0", '1'),
    ('cycle_days_count', 'won_on', "outcome = 'won' and cycle_days is not null", '1'),
    ('cycle_days', 'won_on', "outcome = 'won' and cycle_days is not null", 'cycle_days'),
    ('lead_to_win_days', 'won_on', "outcome = 'won' and lead_to_win_days is not null", 'lead_to_win_days'),
    ('new_customers', 'won_on', "outcome = 'won' and is_first_win", '1'),
    ('wins_with_customer', 'won_on', "outcome = 'won' and customer_id is not null", '1'),
], is_parted=true) }}
{% endmacro %}

{# The opened cohort counts for owner and team at the opening. #}
{% macro opening_measures(shape) %}
{{ measured(shape, 'openings', 'fct_deals', 'deal_id', [
    ('opened_deals', 'opened_on', "outcome = 'open' or is_eligible_close", '1'),
    ('opened_deals_won', 'opened_on', "outcome = 'won' and won_on is not null", '1'),
    ('opened_deals_ripeness', 'opened_on', "(outcome = 'open' or is_eligible_close) and opened_ripeness is not null", 'opened_ripeness'),
    ('opened_deals_ripe', 'opened_on', "(outcome = 'open' or is_eligible_close) and is_opened_ripe", '1'),
], is_parted=true) }}
{% endmacro %}

{% macro lead_measures(shape) %}
{{ measured(shape, 'leads', 'fct_leads', 'lead_id', [
    ('new_leads', 'created_on', 'true', '1'),
    ('converted_leads', 'created_on', 'won_on is not null', '1'),
    ('leads_ripeness', 'created_on', 'ripeness is not null', 'ripeness'),
    ('leads_ripe', 'created_on', 'is_ripe', '1'),
    ('leads_won_in_window', 'created_on', 'is_won_in_window', '1'),
    ('speed_to_lead', 'created_on', 'speed_to_lead_minutes is not null', 'speed_to_lead_minutes'),
    ('leads_within_sla', 'created_on', 'is_sla_due and is_within_sla', '1'),
    ('leads_sla_due', 'created_on', 'is_sla_due', '1'),
]) }}
{% endmacro %}

{# What happened to leads later than their creation counts for owner and team of its day. #}
{% macro lead_event_measures(shape) %}
{{ measured(shape, 'qualified', 'fct_leads', 'lead_id', [('qualified_leads', 'qualified_on', 'true', '1')]) }}
    union all
{{ measured(shape, 'won_leads', 'fct_leads', 'lead_id', [('leads_won_by_win_date', 'won_on', 'true', '1')]) }}
{% endmacro %}

{% macro activity_and_money_measures(shape) %}
{{ measured(shape, '(select *, cast(null as ' ~ dbt.type_string() ~ ') as partner_id from ' ~ ref('fct_activities') ~ ') as activities', 'fct_activities', 'activity_id', [
    ('calls', 'occurred_on', "kind = 'call' and is_done", '1'),
    ('connected_calls', 'occurred_on', "kind = 'call' and is_connected", '1'),
    ('meetings', 'occurred_on', "kind = 'meeting' and is_done", '1'),
    ('proposals', 'occurred_on', "kind = 'proposal' and is_first_proposal", '1'),
]) }}
    union all
{{ measured(shape, '(select *, cast(null as ' ~ dbt.type_string() ~ ') as partner_id from ' ~ ref('fct_milestones') ~ ') as milestones', 'fct_milestones', 'milestone_id', [
    ('meetings', 'occurred_on', "event = 'meeting'", '1'),
    ('proposals', 'occurred_on', "event = 'proposal'", '1'),
]) }}
    union all
{{ measured(shape, 'payments', 'fct_payments', 'payment_id', [
    ('paid_revenue', 'paid_on', 'amount is not null', 'amount'),
], is_parted=true) }}
    union all
{{ measured(shape, companywide(ref('fct_spend')), 'fct_spend', 'spend_id', [
    ('spend', 'spent_on', 'amount is not null', 'amount'),
    ('lead_spend', 'spent_on', "amount is not null and kind in ('ads', 'agency', 'event')", 'amount'),
]) }}
    union all
{{ measured(shape, companywide(ref('fct_spend_coverage')), 'fct_spend_coverage', 'channel_id', [
    ('spend_covered_days', 'day', 'true', '1'),
]) }}
{% endmacro %}

{# Spend belongs to channels and the company, to nobody's sales. #}
{% macro companywide(relation) -%}
    (select *, cast(null as {{ dbt.type_string() }}) as manager_id, cast(null as {{ dbt.type_string() }}) as team_id,
        cast(null as {{ dbt.type_string() }}) as partner_id, cast(null as {{ dbt.type_string() }}) as strategy from {{ relation }}) as companywide
{%- endmacro %}

{# The scope of a row that `scope_sets` made: its kind and key. #}
{% macro scope_columns(has_product=true) -%}
    {%- set scopes = [('team', 'team_id'), ('manager', 'manager_id'), ('channel', 'channel_id'), ('product', 'product_id'), ('partner', 'partner_id'), ('strategy', 'strategy')]
        | rejectattr(0, 'in', [] if has_product else ['product']) | list %}
    case
        {%- for scope, key in scopes %} when grouping({{ key }}) = 0 then '{{ scope }}'{% endfor %} else 'company'
    end as scope_type,
    case
        {%- for scope, key in scopes %} when grouping({{ key }}) = 0 then {{ key }}{% endfor %} else 'all'
    end as scope_id
{%- endmacro %}

{% macro scope_sets(columns, has_product=true) -%}
    ({{ columns }})
    {%- for scope in ['team_id', 'manager_id', 'channel_id', 'product_id', 'partner_id', 'strategy'] if has_product or scope != 'product_id' %}, ({{ columns }}, {{ scope }}){% endfor %}
{%- endmacro %}

{# Measures that stand for their day alone, such as what is open in the evening: (code, day, condition, value). #}
{% macro balance_measures() %}
{{ no_measures() }}
{% endmacro %}

{#
  Balances that are running sums of steps (kpi_running_balances), by the relation that holds the steps:
  (code, value, value of a case). A balance has no filter of its own: its steps have.
#}
{% macro running_measures(relation) %}
{{ return({
    'pipeline_steps': [
        ('open_pipeline', 'amount'),
        ('open_deals', 'deal_count'),
        ('priced_open_deals', 'deal_count - unpriced_count'),
        ('weighted_pipeline', 'weighted_amount'),
        ('kept_deals', 'kept_count'),
    ],
    'unpaid_steps': [
        ('unpaid_won_amount', 'amount'),
    ],
    'partner_steps': [
        ('active_partners', 'partner_count'),
    ],
}[relation]) }}
{% endmacro %}

{#
  The same balances by fact and span, for whoever asks what they are made of: (code, relation, value, currency, from, to).
#}
{% macro balance_span_measures() %}
{%- for code, relation, fact_table, key, value, currency in [
    ('open_pipeline', 'spans', 'fct_pipeline_spans', 'deal_id', 'coalesce(amount_native, 0)', 'currency'),
    ('open_deals', 'spans', 'fct_pipeline_spans', 'deal_id', '1', 'null'),
    ('priced_open_deals', 'spans', 'fct_pipeline_spans', 'deal_id', '1', 'null'),
    ('weighted_pipeline', 'weighted_spans', 'fct_pipeline_spans', 'deal_id', 'weighted_native', 'currency'),
    ('kept_deals', 'kept_spans', 'fct_pipeline_spans', 'deal_id', '1', 'null'),
    ('unpaid_won_amount', 'unpaid_spans', 'fct_unpaid_spans', 'deal_id', 'unpaid_amount', 'null'),
] %}
    select
        '{{ code }}' as measure_code, '{{ fact_table }}' as fact_table, {{ key }} as fact_id, from_on, to_on,
        manager_id, team_id, channel_id, product_id, partner_id, strategy,
        cast({{ currency }} as {{ dbt.type_string() }}) as currency, cast({{ value }} as decimal(28, 4)) * share as value
    from {{ relation }}
    union all
{%- endfor %}
    select 'active_partners', 'fct_partner_days', partner_id, day, {{ add_days('day', 90) }}, manager_id, team_id, channel_id,
        cast(null as {{ dbt.type_string() }}), partner_id, strategy, cast(null as {{ dbt.type_string() }}), 1
    from {{ ref('fct_partner_days') }}
{% endmacro %}

{# Deals by their planned close, in the period in which they are due: (code, condition, value). #}
{% macro due_measures() %}
{%- for code, condition, value in [
    ('due_deals', 'due.is_due_at_start', '1'),
    ('slipped_deals', 'due.is_slipped', '1'),
    ('pipeline_due', 'due.is_due_at_end', 'due.amount'),
    ('pipeline_due_deals', 'due.is_due_at_end', '1'),
] %}
    select
        '{{ code }}' as measure_code, due.window_code, due.period_grain, due.period_start, 'fct_due_deals' as fact_table, due.deal_id as fact_id,
        due.manager_id, due.team_id, due.channel_id, parts.product_id, due.partner_id, due.strategy,
        cast({{ value }} as decimal(28, 4)) * parts.share as value,
        case when parts.is_primary then 1 else 0 end as samples, 1 as product_samples
    from {{ ref('fct_due_deals') }} as due
    inner join {{ ref('fct_deal_products') }} as parts on due.deal_id = parts.deal_id
    where {{ condition }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
{% endmacro %}

{# Measures of a period as a whole: (code, condition, value); the relation has window_code, period_grain and period_start. #}
{% macro period_measure_rows(relation, fact_table, key, measures) %}
{%- for code, condition, value in measures %}
    select
        '{{ code }}' as measure_code, window_code, period_grain, period_start, '{{ fact_table }}' as fact_table, {{ key }} as fact_id,
        manager_id, team_id, channel_id, cast(null as {{ dbt.type_string() }}) as product_id, cast(null as {{ dbt.type_string() }}) as partner_id, strategy,
        cast({{ value }} as decimal(28, 10)) as value, 1 as samples, 1 as product_samples
    from {{ relation }}
    where {{ condition }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
{% endmacro %}

{# Movements add up over months; a compared window that ends within a month brings that month's part. #}
{% macro mrr_measures() %}
{{ period_measure_rows('movements', 'fct_mrr_movements', 'customer_id', [
    ('mrr_new', 'mrr_new > 0', 'mrr_new'),
    ('mrr_expansion', 'mrr_expansion > 0', 'mrr_expansion'),
    ('mrr_contraction', 'mrr_contraction > 0', 'mrr_contraction'),
    ('mrr_churned', 'mrr_churned > 0', 'mrr_churned'),
    ('mrr_reactivated', 'mrr_reactivated > 0', 'mrr_reactivated'),
]) }}
    union all
{{ period_measure_rows(ref('fct_mrr_periods'), 'fct_mrr_periods', 'customer_id', [
    ('mrr', 'mrr_end > 0', 'mrr_end'),
    ('active_customers', 'mrr_end > 0', '1'),
    ('customers_at_start', 'mrr_start > 0', '1'),
    ('customers_lost', 'mrr_start > 0 and mrr_end = 0', '1'),
    ('customers_kept', 'mrr_start > 0 and mrr_end > 0', '1'),
    ('mrr_at_start', 'mrr_start > 0', 'mrr_start'),
    ('mrr_kept', 'mrr_start > 0', 'least(mrr_start, mrr_end)'),
    ('mrr_of_kept', 'mrr_start > 0', 'mrr_end'),
    ('mrr_year_before', 'mrr_year_before > 0', 'mrr_year_before'),
    ('mrr_kept_a_year', 'mrr_year_before > 0', 'least(mrr_year_before, mrr_end)'),
    ('mrr_of_kept_a_year', 'mrr_year_before > 0', 'mrr_end'),
    ('mrr_costed', 'mrr_end_costed > 0', 'mrr_end_costed'),
    ('mrr_margin', 'mrr_end_costed > 0', 'margin_end'),
]) }}
{% endmacro %}

{# What customers brought in their first year, for windows whose last customer is a year old. #}
{% macro ltv_measures() %}
{{ period_measure_rows('customers', 'dim_customer', 'customer_id', [
    ('ltv_customers', 'first_year_margin is not null', '1'),
    ('ltv_margin', 'first_year_margin is not null', 'first_year_margin'),
]) }}
{% endmacro %}

{# The leads behind wins that stand: what was won counts where the lead was created. #}
{% macro cohort_measures(shape) %}
{{ measured(shape, '(select leads.*, deals.is_first_win, deals.customer_id as won_customer_id from ' ~ ref('fct_leads') ~ ' as leads inner join ' ~ ref('fct_deals') ~ ' as deals on leads.lead_id = deals.lead_id and deals.won_on is not null) as leads_of_wins', 'fct_leads', 'lead_id', [
    ('cohort_customers', 'created_on', 'is_first_win', '1'),
    ('cohort_wins', 'created_on', 'true', '1'),
    ('cohort_wins_with_customer', 'created_on', 'won_customer_id is not null', '1'),
]) }}
{% endmacro %}

{% macro subscription_measures(shape) %}
{{ measured(shape, '(select *, cast(null as ' ~ dbt.type_string() ~ ') as partner_id from ' ~ ref('fct_subscriptions') ~ ') as subscriptions', 'fct_subscriptions', 'customer_id', [
    ('new_subscribers', 'started_on', 'is_customer_start', '1'),
    ('new_subscribers_due', 'started_on', 'is_customer_start and is_kept_a_month is not null', '1'),
    ('new_subscribers_kept', 'started_on', 'is_customer_start and is_kept_a_month', '1'),
]) }}
{% endmacro %}

{% macro no_measures() %}
    select
        {%- for column in ['measure_code', 'fact_table', 'fact_id', 'manager_id', 'team_id', 'channel_id', 'product_id', 'partner_id', 'strategy', 'window_code', 'period_grain'] %}
        cast(null as {{ dbt.type_string() }}) as {{ column }},
        {%- endfor %}
        cast(null as date) as occurred_on, cast(null as date) as period_start,
        cast(null as decimal(28, 10)) as value, 1 as samples, 1 as product_samples
    where false
{% endmacro %}
