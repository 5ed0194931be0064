{{ config(materialized='table') }}
-- One record per price that a subscription has had, from its versions: one that changes neither price nor
-- plan is no new spell. A trial is a spell of its own at 0; a pause costs 0; it lives until it expires. One that lies in
-- the future begins with its first period, not when it was ordered.
{%- set version_of = "over (partition by raw_.source_name, raw_.id order by coalesce(raw_.modified_at, raw_.created_at), coalesce(raw_.fivetran_synced, ''), raw_._source_row" %}
{%- set last_of = "over (partition by raw_.source_name, raw_.id order by coalesce(raw_.modified_at, raw_.created_at) desc, coalesce(raw_.fivetran_synced, '') desc, raw_._source_row desc)" %}
{%- set price = "case when lower(raw_.state) = 'paused' then cast(0 as decimal(18, 4)) else coalesce(try_cast(raw_.subtotal as decimal(18, 4)),
    cast(try_cast(raw_.unit_amount as decimal(18, 4)) * coalesce(try_cast(raw_.quantity as decimal(18, 4)), 1) + coalesce(try_cast(raw_.add_ons_total as decimal(18, 4)), 0) as decimal(18, 4))) end" %}
{%- set mark = "concat_ws('|', cast(" ~ price ~ " as " ~ dbt.type_string() ~ "), raw_.plan_id, raw_.currency_code)" %}
{%- set is_first = "row_number() " ~ version_of ~ ") = 1" %}
{%- set unchanged = "case when not (" ~ is_first ~ ") and lag(" ~ mark ~ ") " ~ version_of ~ ") is not distinct from " ~ mark ~ " then 'price_unchanged' when lower(raw_.state) = 'failed' then 'never_started' end" %}
{%- set has_trial = 'trial_started_at is not null and trial_ends_at > trial_started_at' %}
{%- set begun = "coalesce(activated_at, max(activated_at) over (partition by raw_.source_name, raw_.id), case when lower(raw_.state) = 'future' then current_period_started_at end, created_at)" %}
{%- set first_paid = "case when " ~ has_trial ~ " then trial_ends_at else " ~ begun ~ " end" %}
{%- set paid = {
    'subscription_id': 'raw_.id',
    'customer_id': 'account_id',
    'started_on': ["case when " ~ is_first ~ " then " ~ first_paid ~ " else greatest(modified_at, " ~ first_paid ~ ") end", 'activated_at'],
    'ended_on': ["first_value(coalesce(expires_at, case when lower(state) = 'expired' then canceled_at end)) " ~ last_of, 'expires_at'],
    'amount': ["cast(" ~ monthly_price(price, recurly_plan('interval_unit'), recurly_plan('interval_length')) ~ " as " ~ dbt.type_string() ~ ")", none],
    'billing_months': ["cast(coalesce(" ~ billing_months(recurly_plan('interval_unit'), recurly_plan('interval_length')) ~ ", "
        ~ months_of_period('current_period_started_at', 'current_period_ends_at') ~ ") as " ~ dbt.type_string() ~ ")", none],
    'currency': 'upper(currency_code)',
    'product_id': 'plan_id',
    'updated_at': 'modified_at',
} %}
{%- set trial = dict(paid, started_on='trial_started_at', ended_on='trial_ends_at', amount=["case when " ~ price ~ " is not null then '0' end", none]) %}
{{ stage_entity('subscriptions', [
    from_table('recurly', 'subscription', 'subscriptions', paid, left_out=unchanged),
    from_table('recurly', 'subscription', 'subscriptions', trial, only=has_trial),
]) }}
