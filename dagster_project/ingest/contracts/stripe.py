"""Stripe: subscriptions, charges, refunds, disputes and customers, as connectors and the API give.

What belongs here: names, kinds, keys. What does not: minor units, trials and ends of subscriptions
(``stg_stripe__*``).

Money stands in the smallest unit of its currency: cents, but whole yen; so sums of a file are not
added up here. What a subscription costs stands in its items and their plans or prices: tables of a
connector, or lists inside the subscriptions of the API. Refunds and disputes are records of their
own.
Source: tables of a connector; the API's list of subscriptions.
"""

from __future__ import annotations

from typing import Any

from dagster_project.ingest.contracts.shape import Contract, Table, col

_SYNCED = {"fivetran_synced": col("instant", "_fivetran_synced")}
_ANY: dict[str, Any] = {
    "records": ("data", "*.data"),
    "paged_by": "more",
    "utc_by": "fivetran_synced",
}
_PRICED = {
    "id": col("key"),
    "currency": col("text"),
    "unit": col("number", "amount", "unit_amount"),
    "product_id": col("reference", "product"),
    "nickname": col("text"),
    "active": col("boolean"),
    "type": col("text"),
    **_SYNCED,
}


def _reference(name: str, *columns: str) -> Table:
    """Declare a table that is known by these columns and not read further."""
    known = {column: col("text") for column in columns}
    return Table(name=name, columns=known, recognised_by=(" ".join(columns),))


CONTRACT = Contract(
    system="stripe",
    tables=(
        Table(
            name="subscription",
            feeds=("subscriptions",),
            columns={
                "id": col("key"),
                "customer_ref": col("reference", "customer_id", "customer", "customer.id"),
                "status": col("text"),
                "created": col("instant"),
                "start_date": col("instant"),
                "current_period_start": col("instant"),
                "current_period_end": col("instant"),
                "cancel_at": col("instant"),
                "cancel_at_period_end": col("boolean"),
                "canceled_at": col("instant"),
                "ended_at": col("instant"),
                "trial_start": col("instant"),
                "trial_end": col("instant"),
                "quantity": col("number"),
                "plan_id": col("reference", "plan.id"),
                "items_listed": col("text", "items.data"),
                "fivetran_active": col("boolean", "_fivetran_active"),
                **_SYNCED,
            },
            recognised_by=(
                "id customer_ref status current_period_start current_period_end",
                "id customer_ref status items_listed",
            ),
            key="id",
            updated_at="fivetran_synced",
            flatten=True,
            **_ANY,
        ),
        Table(
            name="subscription_item",
            columns={
                "id": col("key"),
                "subscription_id": col("reference", "subscription"),
                "plan_id": col("reference", "price_id", "price.id", "price", "plan.id"),
                "quantity": col("number"),
                "created": col("instant"),
                **_SYNCED,
            },
            recognised_by=("id subscription_id plan_id quantity created",),
            key="id",
            flatten=True,
            **_ANY,
        ),
        Table(
            name="plan",
            columns=_PRICED
            | {
                "interval": col("text"),
                "interval_count": col("integer"),
                "usage_type": col("text"),
            },
            recognised_by=("id currency interval interval_count",),
            key="id",
            **_ANY,
        ),
        Table(
            name="price",
            columns=_PRICED
            | {
                "recurring_interval": col("text", "recurring.interval"),
                "recurring_interval_count": col("integer", "recurring.interval_count"),
            },
            recognised_by=("id currency recurring_interval recurring_interval_count",),
            key="id",
            flatten=True,
            **_ANY,
        ),
        Table(
            name="charge",
            feeds=("payments",),
            columns={
                "id": col("key"),
                "minor_amount": col("money", "amount"),
                "amount_refunded": col("number"),
                "currency": col("text"),
                "created": col("instant"),
                "customer_ref": col("reference", "customer_id", "customer"),
                "invoice_id": col("reference", "invoice"),
                "status": col("text"),
                "paid": col("boolean"),
                "captured": col("boolean"),
                "balance_transaction_id": col("reference", "balance_transaction"),
                **_SYNCED,
            },
            recognised_by=("id minor_amount currency created paid captured status",),
            key="id",
            event_on="created",
            updated_at="fivetran_synced",
            **_ANY,
        ),
        Table(
            name="refund",
            feeds=("payments",),
            columns={
                "id": col("key"),
                "minor_amount": col("money", "amount"),
                "charge_id": col("reference", "charge"),
                "currency": col("text"),
                "created": col("instant"),
                "reason": col("text"),
                "receipt_number": col("text"),
                "failure_reason": col("text"),
                "status": col("text"),
                **_SYNCED,
            },
            recognised_by=("id minor_amount charge_id currency created receipt_number",),
            key="id",
            event_on="created",
            updated_at="fivetran_synced",
            **_ANY,
        ),
        Table(
            name="dispute",
            feeds=("payments",),
            columns={
                "id": col("key"),
                "minor_amount": col("money", "amount"),
                "charge_id": col("reference", "charge"),
                "currency": col("text"),
                "created": col("instant"),
                "reason": col("text"),
                "status": col("text"),
                "is_charge_refundable": col("boolean"),
                **_SYNCED,
            },
            recognised_by=("id minor_amount charge_id status is_charge_refundable",),
            key="id",
            event_on="created",
            updated_at="fivetran_synced",
            **_ANY,
        ),
        Table(
            name="invoice",
            columns={
                "id": col("key"),
                "subscription_id": col("reference", "subscription"),
                "customer_ref": col("reference", "customer_id", "customer"),
                "amount_due": col("number"),
                "amount_paid": col("number"),
                "billing_reason": col("text"),
                "status": col("text"),
                **_SYNCED,
            },
            recognised_by=("id amount_due amount_paid billing_reason",),
            key="id",
            **_ANY,
        ),
        Table(
            name="customer",
            feeds=("customers",),
            columns={
                "id": col("key"),
                "record_name": col("text", "name"),
                "mail": col("email", "email"),
                "call_number": col("phone", "phone"),
                "created": col("instant"),
                "delinquent": col("boolean"),
                "invoice_prefix": col("text"),
                "deleted": col("boolean", "is_deleted"),
                "tax_number": col("text", "tax_info_tax_id"),
                "address_state": col("text"),
                "address_country": col("text"),
                **_SYNCED,
            },
            recognised_by=("id created delinquent invoice_prefix",),
            key="id",
            event_on="created",
            updated_at="fivetran_synced",
            **_ANY,
        ),
        Table(
            name="product",
            feeds=("products",),
            columns={
                "id": col("key"),
                "record_name": col("text", "name"),
                "statement_descriptor": col("text"),
                "unit_label": col("text"),
                "shippable": col("boolean"),
                "type": col("text"),
                **_SYNCED,
            },
            recognised_by=("id record_name statement_descriptor unit_label",),
            key="id",
            **_ANY,
        ),
        _reference("account", "id", "business_profile_mcc", "business_profile_name"),
        _reference("balance_transaction", "id", "available_on", "fee", "net", "source"),
        _reference("card", "id", "brand", "exp_month", "exp_year", "funding"),
        _reference("coupon", "id", "duration", "percent_off", "times_redeemed"),
        _reference("credit_note", "id", "refund_id", "invoice_id", "memo", "voided_at"),
        _reference("credit_note_line_item", "credit_note_id", "id", "unit_amount_decimal"),
        _reference("discount", "id", "type_id", "coupon_id", "promotion_code"),
        _reference("subscription_discount", "id", "coupon_id", "checkout_session", "start"),
        _reference("fee", "balance_transaction_id", "index", "application", "type"),
        _reference("invoice_line_item", "id", "invoice_id", "proration", "period_start"),
        _reference("payment_intent", "id", "amount_capturable", "amount_received"),
        _reference("payment_method", "id", "billing_detail_email", "customer_id", "type"),
        _reference("payment_method_card", "payment_method_id", "brand", "wallet_type"),
        _reference("payout", "id", "arrival_date", "automatic", "method"),
        _reference("payout_balance_transaction", "payout_id", "balance_transaction_id"),
        _reference("transfer", "id", "amount_reversed", "destination", "transfer_group"),
    ),
)
