{{ config(materialized='table') }}
-- A refund or a lost dispute finds its customer by its charge, which may come in another file: built whole.
{%- set charge = {
    'payment_id': 'id',
    'paid_at': 'created',
    'amount': [minor_units('minor_amount', 'minor_amount__decimal', 'currency'), none],
    'currency': 'upper(currency)',
    'subscription_id': stripe_invoice('raw_.invoice_id'),
    'customer_id': 'customer_ref',
    'kind': "'payment'",
} %}
{%- set back = dict(charge, customer_id=stripe_charge('customer_ref', 'raw_.charge_id'), subscription_id=stripe_invoice(stripe_charge('invoice_id', 'raw_.charge_id')), kind="'refund'") %}
{{ stage_entity('payments', [
    from_table('stripe', 'charge', 'payments', charge,
        left_out="case when coalesce(lower(status), '') <> 'succeeded' or not (paid is null or " ~ is_yes('paid') ~ ") then 'not_paid' when not (captured is null or " ~ is_yes('captured') ~ ") then 'not_captured' end"),
    from_table('stripe', 'refund', 'payments', back, left_out="case when coalesce(lower(status), '') <> 'succeeded' then 'not_refunded' end"),
    from_table('stripe', 'dispute', 'payments', dict(back, kind="'chargeback'"), left_out="case when coalesce(lower(status), '') <> 'lost' then 'not_lost' end"),
]) }}
