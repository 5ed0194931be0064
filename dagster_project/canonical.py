"""The canonical entities: what every source is brought to, and which columns each has.

What belongs here: names, kinds, which columns a table cannot do without and what a staged table of
it looks like. What does not: how a source spells them (workspace.yml) and how text becomes a type
(staging models).

Kinds: ``key`` and ``reference`` are ids; ``instant`` a time; ``date`` a business date; ``money`` an
amount whose loss would change sums (a row with one that does not parse is rejected); ``price``,
``number``, ``integer``, ``share``, ``boolean`` values whose loss leaves the row; ``phone`` and
``email`` personal data; ``person`` an id, a name or an e-mail, of which only the e-mail is hashed;
``text`` the rest, also numbers whose unit stands in another column (targets).

Source: README, "Canonical entities".
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One canonical column: its kind, and whether a row without it is rejected."""

    kind: str
    is_required: bool = False


def _table(**columns: str) -> dict[str, Column]:
    """Read ``name="kind"`` or ``name="kind *"`` (required)."""
    return {name: Column(kind.rstrip(" *"), kind.endswith("*")) for name, kind in columns.items()}


ENTITIES: dict[str, dict[str, Column]] = {
    "managers": _table(
        manager_id="reference",
        manager_name="text",
        team="text",
        region="text",
        email="email",
        role="text",
        hired_on="date",
        left_on="date",
        strategy="text",
        valid_from="date",
        is_active="boolean",
    ),
    "customers": _table(
        customer_id="key *",
        customer_name="text",
        segment="text",
        region="text",
        created_at="instant",
        phone="phone",
        email="email",
        tax_id="text",
        kind="text",
        merged_into="reference",
        updated_at="instant",
        is_deleted="boolean",
    ),
    "products": _table(
        product_id="key *",
        product_name="text",
        category="text",
        list_price="price",
        cost="price",
        cost_share="share",
        currency="text",
    ),
    "leads": _table(
        lead_id="key *",
        created_at="instant *",
        manager_id="reference",
        manager_name="text",
        source="text",
        campaign="text",
        status="text",
        qualified_at="instant",
        converted_at="instant",
        deal_id="reference",
        customer_id="reference",
        partner_id="reference",
        first_response_at="instant",
        phone="phone",
        email="email",
        updated_at="instant",
        is_deleted="boolean",
        merged_into="reference",
        system_outcome="text",
    ),
    "deals": _table(
        deal_id="key *",
        stage="text *",
        opened_at="instant",
        pipeline="text",
        deal_name="text",
        closed_at="instant",
        planned_close_on="date",
        amount="money",
        currency="text",
        cost="price",
        manager_id="reference",
        manager_name="text",
        customer_id="reference",
        customer_name="text",
        lead_id="reference",
        source="text",
        campaign="text",
        product_id="reference",
        product_name="text",
        partner_id="reference",
        partner_role="text",
        loss_reason="text",
        probability="share",
        updated_at="instant",
        is_deleted="boolean",
        merged_into="reference",
        system_outcome="text",
    ),
    "deal_items": _table(
        deal_id="reference *",
        product_id="reference",
        product_name="text",
        quantity="number",
        price="price",
        discount="price",
        cost="price",
    ),
    "deal_stages": _table(
        deal_id="reference *",
        stage="text *",
        entered_at="instant *",
        pipeline="text",
        manager_id="reference",
        system_outcome="text",
    ),
    "deal_changes": _table(
        deal_id="reference *",
        field="text *",
        old_value="text",
        new_value="text",
        changed_at="instant *",
        basis="text",
    ),
    "stages": _table(
        stage="text *",
        stage_name="text",
        pipeline="text",
        pipeline_name="text",
        outcome="text",
        position="integer",
    ),
    "deal_splits": _table(
        deal_id="reference *",
        manager_id="reference *",
        share="share *",
    ),
    "payments": _table(
        payment_id="key *",
        paid_at="instant *",
        amount="money *",
        currency="text",
        deal_id="reference",
        subscription_id="reference",
        customer_id="reference",
        kind="text",
    ),
    "activities": _table(
        activity_id="key *",
        kind="text *",
        occurred_at="instant *",
        manager_id="reference",
        manager_name="text",
        status="text",
        direction="text",
        duration_seconds="integer",
        deal_id="reference",
        lead_id="reference",
    ),
    "spend": _table(
        spent_on="date *",
        source="text",
        amount="money *",
        currency="text",
        campaign="text",
        kind="text",
        impressions="integer",
        clicks="integer",
        region="text",
        account="text",
        campaign_id="text",
        period_end="date",
        cut="text",
        detail="text",
        includes_vat="boolean",
    ),
    "subscriptions": _table(
        subscription_id="key *",
        customer_id="reference *",
        started_on="date *",
        ended_on="date",
        amount="money *",
        billing_months="integer",
        currency="text",
        manager_id="reference",
        product_id="reference",
        updated_at="instant",
        is_deleted="boolean",
    ),
    "partners": _table(
        partner_id="key *",
        partner_name="text *",
        manager_id="reference",
        joined_on="date",
        left_on="date",
        tier="text",
        fee_share="share",
    ),
    "fx_rates": _table(
        rate_on="date *",
        currency="text *",
        rate="number *",
    ),
    "calendar": _table(
        day="date *",
        is_working="boolean *",
    ),
    "targets": _table(
        goal_id="text",
        kind="text",
        parent_goal_id="text",
        title="text",
        owner_manager_id="person",
        rationale="text",
        kpi_code="text *",
        scope_type="text *",
        scope_id="person",
        period_grain="text",
        period_start="text *",
        target_kind="text",
        target_value="text *",
        baseline_kind="text",
        baseline_value="text",
        floor="text",
        stretch="text",
        currency="text",
        issued_on="date",
        version="integer",
        approved_by="text",
    ),
}

REQUIRED_ANY: dict[str, tuple[str, ...]] = {
    "managers": ("manager_id", "manager_name"),
    "deal_items": ("product_id", "product_name"),
}
"""Entities of which a row needs at least one of these columns."""

KEYS: dict[str, str] = {
    "managers": "manager_id",
    "customers": "customer_id",
    "products": "product_id",
    "leads": "lead_id",
    "deals": "deal_id",
    "payments": "payment_id",
    "activities": "activity_id",
    "subscriptions": "subscription_id",
    "partners": "partner_id",
}
"""The key of each entity that has one: a new version of a file upserts such records."""

BELONGS_TO: dict[str, str] = {"deal_items": "deal_id", "deal_splits": "deal_id"}
"""The record that rows without a key of their own are part of: gone with it, they are gone."""

AMOUNTS: dict[str, str] = {
    "deals": "amount",
    "payments": "amount",
    "spend": "amount",
    "subscriptions": "amount",
}
"""The money that reconciliation adds up, per entity."""

EVENT_DATES: dict[str, str] = {
    "leads": "created_at",
    "deals": "opened_at",
    "deal_stages": "entered_at",
    "deal_changes": "changed_at",
    "payments": "paid_at",
    "activities": "occurred_at",
    "spend": "spent_on",
    "fx_rates": "rate_on",
}
"""The date by which a file's newest event is known."""

PERSONAL = ("phone", "email", "person")
TIME_KINDS = ("instant", "date")
NUMBER_KINDS = ("money", "price", "number", "integer", "share")
ROW_ID = "@row"
_STAGED_AS = {
    "instant": "timestamp",
    "date": "date",
    "money": "decimal(18, 4)",
    "price": "decimal(18, 4)",
    "number": "decimal(18, 8)",
    "share": "decimal(18, 8)",
    "integer": "bigint",
    "boolean": "boolean",
}
_LINEAGE = {
    "_issues": "varchar",
    "_is_row_rejected": "boolean",
    "_default_currency": "varchar",
    "_is_row_id": "boolean",
    "_source_file": "varchar",
    "_source_row": "bigint",
    "_file_sha256": "varchar",
    "_landing_key": "varchar",
    "_observed_at": "timestamp",
    "_delivery_id": "varchar",
    "_is_full_delivery": "boolean",
    "_left_out": "varchar",
}


def staged_columns(entity: str) -> dict[str, str]:
    """Return the columns of a staged table of ``entity`` with DuckDB's types, in their order.

    Other kinds are text; an instant has its business date beside it.
    """
    staged = {"source_name": "varchar"}
    for name, column in ENTITIES[entity].items():
        staged[name] = _STAGED_AS.get(column.kind, "varchar")
        if column.kind == "instant":
            staged[f"{name[:-3]}_on"] = "date"
    return staged | _LINEAGE


def missing_required(entity: str, given: set[str]) -> list[str]:
    """Return the required columns of ``entity`` that ``given`` lacks, as words."""
    lacking = [n for n, c in ENTITIES[entity].items() if c.is_required and n not in given]
    any_of = REQUIRED_ANY.get(entity)
    if any_of and not given & set(any_of):
        lacking.append(" or ".join(any_of))
    return lacking
