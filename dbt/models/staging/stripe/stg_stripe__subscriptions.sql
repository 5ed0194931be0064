{{ config(materialized='table') }}
-- The price of a subscription is the sum of its items, each quantity times its plan or price; where one of
-- them is not delivered the price is unknown and the row is rejected. A trial is a spell of its own at 0; one that
-- was ended before its end has no paid spell after it.
{%- set price = "case when count(*) = count(priced.unit) then sum(" ~ monthly_price("cast(cast(coalesce(try_cast(items.quantity as decimal(18, 4)), 1) * try_cast(priced.unit as decimal(18, 4)) as decimal(24, 4)) * "
    ~ minor_factor('priced.currency') ~ " as decimal(18, 4))", 'priced.interval', 'priced.interval_count') ~ ") end" %}
{%- set months = billing_months('priced.interval', 'priced.interval_count') %}
{%- set newest = "row_number() over (partition by raw_.source_name, raw_.id order by coalesce(raw_.fivetran_synced, '') desc, lower(coalesce(raw_.fivetran_active, 'true')) desc, raw_._observed_at desc, raw_._source_row desc) = 1" %}
{%- set no_record = "case when not " ~ newest ~ " then 'older_version' when lower(status) in ('incomplete', 'incomplete_expired') then 'never_started'" %}
{%- set has_trial = 'trial_start is not null and trial_end > trial_start' %}
{%- set ended = "coalesce(ended_at, case when lower(status) = 'canceled' then canceled_at end, cancel_at, case when " ~ is_yes('cancel_at_period_end') ~ " then current_period_end end)" %}
{%- set ended_in_trial = has_trial ~ ' and ' ~ ended ~ ' < trial_end' %}
{%- set paid = {
    'subscription_id': 'raw_.id',
    'customer_id': 'customer_ref',
    'started_on': ["case when " ~ has_trial ~ " then trial_end else coalesce(start_date, created) end", 'start_date'],
    'ended_on': [ended, 'ended_at'],
    'amount': ["case when lower(status) = 'paused' then '0' else cast(" ~ of_stripe_items(price) ~ " as " ~ dbt.type_string() ~ ") end", none],
    'billing_months': ["cast(" ~ of_stripe_items('min(' ~ months ~ ')') ~ " as " ~ dbt.type_string() ~ ")", none],
    'currency': 'upper(' ~ of_stripe_items('min(priced.currency)') ~ ')',
    'product_id': of_stripe_items('case when count(distinct priced.product_id) = 1 then min(priced.product_id) end'),
    'updated_at': 'fivetran_synced',
} %}
{%- set trial = dict(paid, started_on='trial_start', ended_on=["case when " ~ ended_in_trial ~ " then " ~ ended ~ " else trial_end end", 'trial_end'],
    amount=["case when " ~ of_stripe_items(price) ~ " is not null or lower(status) = 'paused' then '0' end", none]) %}
{{ stage_entity('subscriptions', [
    from_table('stripe', 'subscription', 'subscriptions', paid, left_out=no_record ~ " when " ~ ended_in_trial ~ " then 'ended_in_trial' end"),
    from_table('stripe', 'subscription', 'subscriptions', trial, left_out=no_record ~ ' end', only=has_trial),
]) }}
