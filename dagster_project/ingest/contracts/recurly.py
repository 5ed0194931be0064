"""Recurly: subscriptions with their versions, transactions, accounts and plans.

What belongs here: names, kinds, keys. What does not: which versions change a price, trials, ends
(``stg_recurly__*``).

Money stands in whole units. ``canceled_at`` is the day of the wish; the subscription is paid and
lives until ``expires_at``. Credits are no money received and are read for reference only.
Source: tables of a connector.
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


def _reference(name: str, *columns: str) -> Table:
    """Declare a table that is known by these columns and not read further."""
    known = {column: col("text") for column in columns}
    return Table(name=name, columns=known, recognised_by=(" ".join(columns),))


CONTRACT = Contract(
    system="recurly",
    tables=(
        Table(
            name="subscription",
            feeds=("subscriptions",),
            columns={
                "id": col("key"),
                "account_id": col("reference", "account.id"),
                "plan_id": col("reference", "plan.id"),
                "state": col("text"),
                "created_at": col("instant"),
                "modified_at": col("instant", "updated_at"),
                "activated_at": col("instant"),
                "canceled_at": col("instant"),
                "expires_at": col("instant"),
                "paused_at": col("instant"),
                "current_period_started_at": col("instant"),
                "current_period_ends_at": col("instant"),
                "trial_started_at": col("instant"),
                "trial_ends_at": col("instant"),
                "currency_code": col("text", "currency"),
                "unit_amount": col("number"),
                "quantity": col("number"),
                "add_ons_total": col("number"),
                "subtotal": col("number"),
                **_SYNCED,
            },
            recognised_by=("id account_id state activated_at expires_at",),
            key="id",
            updated_at="modified_at",
            flatten=True,
            **_ANY,
        ),
        Table(
            name="plan",
            feeds=("products",),
            columns={
                "id": col("key"),
                "code": col("text"),
                "record_name": col("text", "name"),
                "interval_unit": col("text"),
                "interval_length": col("integer"),
                "trial_length": col("integer"),
                "modified_at": col("instant", "updated_at"),
                **_SYNCED,
            },
            recognised_by=("id code interval_unit interval_length",),
            key="id",
            **_ANY,
        ),
        Table(
            name="transaction",
            feeds=("payments",),
            columns={
                "id": col("key"),
                "type": col("text"),
                "status": col("text"),
                "success": col("boolean"),
                "sum_paid": col("money", "amount"),
                "currency_code": col("text", "currency"),
                "created_at": col("instant"),
                "collected_at": col("instant"),
                "voided_at": col("instant"),
                "account_id": col("reference", "account.id"),
                "invoice_id": col("reference"),
                "original_transaction_id": col("reference"),
                **_SYNCED,
            },
            recognised_by=("id type status success sum_paid account_id",),
            key="id",
            amount="sum_paid",
            event_on="created_at",
            updated_at="fivetran_synced",
            flatten=True,
            **_ANY,
        ),
        Table(
            name="transaction_subscription",
            columns={
                "transaction_id": col("reference"),
                "subscription_id": col("reference"),
                **_SYNCED,
            },
            recognised_by=("transaction_id subscription_id",),
            **_ANY,
        ),
        Table(
            name="account",
            feeds=("customers",),
            columns={
                "id": col("key"),
                "code": col("text"),
                "state": col("text"),
                "company": col("text"),
                "first_name": col("text", "account_first_name"),
                "last_name": col("text", "account_last_name"),
                "mail": col("email", "email"),
                "vat_number": col("text"),
                "country": col("text", "account_country"),
                "created_on": col("instant", "created_at"),
                "modified_at": col("instant", "updated_at"),
                "deleted_at": col("instant"),
                **_SYNCED,
            },
            recognised_by=("id code state company mail", "id code state mail"),
            key="id",
            event_on="created_on",
            updated_at="modified_at",
            **_ANY,
        ),
        Table(
            name="credit_payment",
            columns={
                "id": col("key"),
                "account_id": col("reference"),
                "action": col("text"),
                "currency_code": col("text", "currency"),
                "credited": col("number", "amount"),
                "applied_to_invoice_id": col("reference"),
                "original_invoice_id": col("reference"),
                "voided_at": col("instant"),
                **_SYNCED,
            },
            recognised_by=("id action applied_to_invoice_id original_invoice_id",),
            **_ANY,
        ),
        Table(
            name="subscription_change",
            columns={
                "id": col("key"),
                "subscription_id": col("reference"),
                "plan_id": col("reference"),
                "unit_amount": col("number"),
                "quantity": col("number"),
                "activate_at": col("instant"),
                "activated": col("boolean"),
                **_SYNCED,
            },
            recognised_by=("id subscription_id activate_at activated",),
            **_ANY,
        ),
        Table(
            name="invoice",
            columns={
                "id": col("key"),
                "account_id": col("reference"),
                "state": col("text"),
                "number": col("text"),
                "origin": col("text"),
                "total": col("number"),
                "paid": col("number"),
                "balance": col("number"),
                **_SYNCED,
            },
            recognised_by=("id state number total balance",),
            **_ANY,
        ),
        _reference("account_balance", "account_id", "account_updated_at", "amount", "past_due"),
        _reference("account_note", "id", "account_id", "account_updated_at", "message"),
        _reference("billing_info", "id", "account_id", "payment_method_object", "valid"),
        _reference("coupon_discount", "coupon_id", "percentage", "type"),
        _reference("coupon_redemption", "id", "coupon_id", "discounted", "removed_at"),
        _reference("invoice_coupon", "coupon_redemption_id", "invoice_id"),
        _reference("invoice_subscription", "invoice_id", "subscription_id", "invoice_updated_at"),
        _reference("line_item", "id", "invoice_id", "previous_line_item_id", "plan_code"),
        _reference("plan_currency", "plan_id", "plan_updated_at", "setup_fees", "unit_amount"),
        _reference("subscription_add_on", "id", "plan_add_on_id", "subscription_id"),
    ),
)
