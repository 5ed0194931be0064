{#
  The canonical columns of each entity, once: (name, kind, is_required). The same list stands in
  dagster_project/canonical.py for ingestion; tests/contract holds the two against each other.
#}
{% macro entity_columns(entity) %}
{{ return({
    'managers': [
        ('manager_id', 'reference', false), ('manager_name', 'text', false), ('team', 'text', false),
        ('region', 'text', false), ('email', 'email', false), ('role', 'text', false), ('hired_on', 'date', false),
        ('left_on', 'date', false), ('strategy', 'text', false), ('valid_from', 'date', false),
        ('is_active', 'boolean', false),
    ],
    'customers': [
        ('customer_id', 'key', true), ('customer_name', 'text', false), ('segment', 'text', false),
        ('region', 'text', false), ('created_at', 'instant', false), ('phone', 'phone', false),
        ('email', 'email', false), ('tax_id', 'text', false), ('kind', 'text', false),
        ('merged_into', 'reference', false), ('updated_at', 'instant', false), ('is_deleted', 'boolean', false),
    ],
    'products': [
        ('product_id', 'key', true), ('product_name', 'text', false), ('category', 'text', false),
        ('list_price', 'price', false), ('cost', 'price', false), ('cost_share', 'share', false),
        ('currency', 'text', false),
    ],
    'leads': [
        ('lead_id', 'key', true), ('created_at', 'instant', true), ('manager_id', 'reference', false),
        ('manager_name', 'text', false), ('source', 'text', false), ('campaign', 'text', false),
        ('status', 'text', false), ('qualified_at', 'instant', false), ('converted_at', 'instant', false),
        ('deal_id', 'reference', false), ('customer_id', 'reference', false), ('partner_id', 'reference', false),
        ('first_response_at', 'instant', false), ('phone', 'phone', false), ('email', 'email', false),
        ('updated_at', 'instant', false), ('is_deleted', 'boolean', false), ('merged_into', 'reference', false),
        ('system_outcome', 'text', false),
    ],
    'deals': [
        ('deal_id', 'key', true), ('stage', 'text', true), ('opened_at', 'instant', false),
        ('pipeline', 'text', false), ('deal_name', 'text', false), ('closed_at', 'instant', false),
        ('planned_close_on', 'date', false), ('amount', 'money', false), ('currency', 'text', false),
        ('cost', 'price', false), ('manager_id', 'reference', false), ('manager_name', 'text', false),
        ('customer_id', 'reference', false), ('customer_name', 'text', false), ('lead_id', 'reference', false),
        ('source', 'text', false), ('campaign', 'text', false), ('product_id', 'reference', false),
        ('product_name', 'text', false), ('partner_id', 'reference', false), ('partner_role', 'text', false),
        ('loss_reason', 'text', false), ('probability', 'share', false), ('updated_at', 'instant', false),
        ('is_deleted', 'boolean', false), ('merged_into', 'reference', false), ('system_outcome', 'text', false),
    ],
    'deal_items': [
        ('deal_id', 'reference', true), ('product_id', 'reference', false), ('product_name', 'text', false),
        ('quantity', 'number', false), ('price', 'price', false), ('discount', 'price', false),
        ('cost', 'price', false),
    ],
    'deal_stages': [
        ('deal_id', 'reference', true), ('stage', 'text', true), ('entered_at', 'instant', true),
        ('pipeline', 'text', false), ('manager_id', 'reference', false), ('system_outcome', 'text', false),
    ],
    'deal_changes': [
        ('deal_id', 'reference', true), ('field', 'text', true), ('old_value', 'text', false),
        ('new_value', 'text', false), ('changed_at', 'instant', true), ('basis', 'text', false),
    ],
    'stages': [
        ('stage', 'text', true), ('stage_name', 'text', false), ('pipeline', 'text', false),
        ('pipeline_name', 'text', false), ('outcome', 'text', false), ('position', 'integer', false),
    ],
    'deal_splits': [
        ('deal_id', 'reference', true), ('manager_id', 'reference', true), ('share', 'share', true),
    ],
    'payments': [
        ('payment_id', 'key', true), ('paid_at', 'instant', true), ('amount', 'money', true),
        ('currency', 'text', false), ('deal_id', 'reference', false), ('subscription_id', 'reference', false),
        ('customer_id', 'reference', false), ('kind', 'text', false),
    ],
    'activities': [
        ('activity_id', 'key', true), ('kind', 'text', true), ('occurred_at', 'instant', true),
        ('manager_id', 'reference', false), ('manager_name', 'text', false), ('status', 'text', false),
        ('direction', 'text', false), ('duration_seconds', 'integer', false), ('deal_id', 'reference', false),
        ('lead_id', 'reference', false),
    ],
    'spend': [
        ('spent_on', 'date', true), ('source', 'text', false), ('amount', 'money', true), ('currency', 'text', false),
        ('campaign', 'text', false), ('kind', 'text', false), ('impressions', 'integer', false),
        ('clicks', 'integer', false), ('region', 'text', false), ('account', 'text', false),
        ('campaign_id', 'text', false), ('period_end', 'date', false), ('cut', 'text', false),
        ('detail', 'text', false), ('includes_vat', 'boolean', false),
    ],
    'subscriptions': [
        ('subscription_id', 'key', true), ('customer_id', 'reference', true), ('started_on', 'date', true),
        ('ended_on', 'date', false), ('amount', 'money', true), ('billing_months', 'integer', false),
        ('currency', 'text', false), ('manager_id', 'reference', false), ('product_id', 'reference', false),
        ('updated_at', 'instant', false), ('is_deleted', 'boolean', false),
    ],
    'partners': [
        ('partner_id', 'key', true), ('partner_name', 'text', true), ('manager_id', 'reference', false),
        ('joined_on', 'date', false), ('left_on', 'date', false), ('tier', 'text', false),
        ('fee_share', 'share', false),
    ],
    'fx_rates': [
        ('rate_on', 'date', true), ('currency', 'text', true), ('rate', 'number', true),
    ],
    'calendar': [
        ('day', 'date', true), ('is_working', 'boolean', true),
    ],
    'targets': [
        ('goal_id', 'text', false), ('kind', 'text', false), ('parent_goal_id', 'text', false), ('title', 'text', false),
        ('owner_manager_id', 'person', false), ('rationale', 'text', false), ('kpi_code', 'text', true),
        ('scope_type', 'text', true), ('scope_id', 'person', false), ('period_grain', 'text', false),
        ('period_start', 'text', true), ('target_kind', 'text', false), ('target_value', 'text', true),
        ('baseline_kind', 'text', false), ('baseline_value', 'text', false), ('floor', 'text', false),
        ('stretch', 'text', false), ('currency', 'text', false), ('issued_on', 'date', false),
        ('version', 'integer', false), ('approved_by', 'text', false),
    ],
}[entity]) }}
{% endmacro %}

{# Every entity, in the order in which tables of them are listed. #}
{% macro canonical_entities() %}
{{ return(['managers', 'customers', 'products', 'leads', 'deals', 'deal_items', 'deal_stages', 'deal_changes', 'stages',
    'deal_splits', 'payments', 'activities', 'spend', 'subscriptions', 'partners', 'fx_rates', 'calendar', 'targets']) }}
{% endmacro %}

{# Entities of which a row needs at least one of these columns. #}
{% macro required_any(entity) %}
{{ return({
    'managers': ['manager_id', 'manager_name'],
    'deal_items': ['product_id', 'product_name'],
}.get(entity, [])) }}
{% endmacro %}

{# What every staged row carries beside its canonical columns. #}
{% macro lineage_columns() %}
{{ return(['_default_currency', '_is_row_id', '_source_file', '_source_row', '_file_sha256', '_landing_key',
    '_observed_at', '_delivery_id', '_is_full_delivery', '_left_out']) }}
{% endmacro %}
