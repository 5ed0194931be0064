{#
  Billing systems: minor units of money, billing periods in whole months, newest versions.
#}

{#
  Money in the smallest unit of its currency -> text of whole units: some currencies have no cents, some have thousandths. ISK and
  UGX have none either and are written with two digits all the same.
#}
{% macro minor_units(value, decimal, currency) -%}
    cast(cast({{ as_number(value, decimal, 'decimal(18, 4)') }} as decimal(24, 4)) * {{ minor_factor(currency) }} as {{ dbt.type_string() }})
{%- endmacro %}

{% macro minor_factor(currency) -%}
    cast(case
        when lower({{ currency }}) in ('bif', 'clp', 'djf', 'gnf', 'jpy', 'kmf', 'krw', 'mga', 'pyg', 'rwf', 'vnd', 'vuv', 'xaf', 'xof', 'xpf') then 1
        when lower({{ currency }}) in ('bhd', 'jod', 'kwd', 'omr', 'tnd') then 0.001
        else 0.01 end as decimal(4, 3))
{%- endmacro %}

{# Months of a billing period; weeks and days are told per month by `monthly_price`. #}
{% macro billing_months(unit, length) -%}
    case
        when lower({{ unit }}) like 'year%' then 12 * coalesce(try_cast({{ length }} as integer), 1)
        when lower({{ unit }}) like 'month%' then coalesce(try_cast({{ length }} as integer), 1)
        when {{ unit }} is not null then 1
    end
{%- endmacro %}

{# Price of a billing period; of weeks and days, of which no whole number makes a month, a month's share of a year. #}
{% macro monthly_price(amount, unit, length) -%}
    case
        when lower({{ unit }}) like 'week%' then cast(cast({{ amount }} as double) * 52 / 12 / coalesce(try_cast({{ length }} as integer), 1) as decimal(18, 4))
        when lower({{ unit }}) like 'day%' then cast(cast({{ amount }} as double) * 365 / 12 / coalesce(try_cast({{ length }} as integer), 1) as decimal(18, 4))
        else {{ amount }}
    end
{%- endmacro %}

{# Whole months of a period that the row itself names, at least one. #}
{% macro months_of_period(first, last) -%}
    greatest(cast(floor(cast(date_diff('day', {{ as_written_time(first, first ~ '__order') }}, {{ as_written_time(last, last ~ '__order') }}) as double) / 30.4375 + 0.5) as integer), 1)
{%- endmacro %}

{# Newest version of each record of a reference table of a source. #}
{% macro newest_rows(system, table, columns, by='fivetran_synced') -%}
    (select source_name, id{% for column in columns %}, arg_max_null({{ column }}, concat_ws('|', coalesce({{ by }}, ''), _observed_at)) as {{ column }}{% endfor %}
        from {{ source('raw', system ~ '__' ~ table) }} group by source_name, id)
{%- endmacro %}

{# What the plan of a Recurly row says, in its newest version. #}
{% macro recurly_plan(column) -%}
    (select arg_max(plans.{{ column }}, coalesce(plans.modified_at, '')) from {{ source('raw', 'recurly__plan') }} as plans
        where plans.source_name = raw_.source_name and plans.id = raw_.plan_id)
{%- endmacro %}

{# What the charge of a Stripe row, or the invoice of a charge, says. #}
{% macro stripe_charge(column, charge) -%}
    (select max(charges.{{ column }}) from {{ source('raw', 'stripe__charge') }} as charges
        where charges.source_name = raw_.source_name and charges.id = {{ charge }})
{%- endmacro %}

{% macro stripe_invoice(invoice) -%}
    (select max(invoices.subscription_id) from {{ source('raw', 'stripe__invoice') }} as invoices
        where invoices.source_name = raw_.source_name and invoices.id = {{ invoice }})
{%- endmacro %}

{# Items that the API of Stripe lists inside its subscriptions, with their prices (an older one: plans). #}
{% macro stripe_listed() -%}
    {%- set told = {'unit': ('unit_amount', 'amount'), 'currency': ('currency', 'currency'), 'interval': ('recurring.interval', 'interval'),
        'interval_count': ('recurring.interval_count', 'interval_count'), 'product_id': ('product', 'product')} %}
    (select source_name, subscription_id, {{ json_text('item', '$.quantity') }} as quantity, coalesce({{ json_text('item', '$.price.id') }}, {{ json_text('item', '$.plan.id') }}) as plan_id
        {%- for column, (of_price, of_plan) in told.items() %}, coalesce({{ json_text('item', '$.price.' ~ of_price) }}, {{ json_text('item', '$.plan.' ~ of_plan) }}) as {{ column }}{% endfor %}
        from (select source_name, id as subscription_id, {{ each_json_item('items_listed') }} as item
            from {{ newest_rows('stripe', 'subscription', ['items_listed']) }} as subs where items_listed is not null) as listed)
{%- endmacro %}

{# Plans and prices of Stripe, and the items of its subscriptions (an older API names one plan on the subscription itself). #}
{% macro stripe_prices() -%}
    (select source_name, id, unit, currency, interval, interval_count, product_id
        from {{ newest_rows('stripe', 'plan', ['unit', 'currency', 'interval', 'interval_count', 'product_id']) }} as plans
    union all
    select source_name, id, unit, currency, recurring_interval, recurring_interval_count, product_id
        from {{ newest_rows('stripe', 'price', ['unit', 'currency', 'recurring_interval', 'recurring_interval_count', 'product_id']) }} as prices
        where id not in (select known.id from {{ source('raw', 'stripe__plan') }} as known where known.source_name = prices.source_name)
    union all
    select source_name, plan_id, max(unit), max(currency), max(interval), max(interval_count), max(product_id) from {{ stripe_listed() }} as listed
        where not exists (select 1 from {{ source('raw', 'stripe__plan') }} as known where known.source_name = listed.source_name and known.id = listed.plan_id)
            and not exists (select 1 from {{ source('raw', 'stripe__price') }} as known where known.source_name = listed.source_name and known.id = listed.plan_id)
        group by source_name, plan_id)
{%- endmacro %}

{% macro stripe_items() -%}
    (select source_name, subscription_id, plan_id, quantity from {{ newest_rows('stripe', 'subscription_item', ['subscription_id', 'plan_id', 'quantity']) }} as items
    union all
    select source_name, subscription_id, plan_id, quantity from {{ stripe_listed() }} as listed
        where not exists (
            select 1 from {{ source('raw', 'stripe__subscription_item') }} as held where held.source_name = listed.source_name and held.subscription_id = listed.subscription_id)
    union all
    select subs.source_name, subs.id, subs.plan_id, subs.quantity from {{ newest_rows('stripe', 'subscription', ['plan_id', 'quantity', 'items_listed']) }} as subs
        where subs.plan_id is not null and subs.items_listed is null and not exists (
            select 1 from {{ source('raw', 'stripe__subscription_item') }} as held where held.source_name = subs.source_name and held.subscription_id = subs.id))
{%- endmacro %}

{# An aggregate over the priced items of a Stripe subscription. #}
{% macro of_stripe_items(expression) -%}
    (select {{ expression }} from {{ stripe_items() }} as items
        left join {{ stripe_prices() }} as priced on items.source_name = priced.source_name and items.plan_id = priced.id
        where items.source_name = raw_.source_name and items.subscription_id = raw_.id)
{%- endmacro %}
