{{ config(materialized='table') }}
-- The discount of a line is what it costs less than price times quantity.
{%- set full_price = "cast(" ~ as_number('quantity', 'quantity__decimal', 'decimal(18, 8)') ~ " * " ~ as_number('price', 'price__decimal', 'decimal(18, 4)') ~ " as decimal(24, 4))" %}
{{ stage_entity('deal_items', [from_table('hubspot', 'line_item', 'deal_items', {
    'deal_id': "coalesce(" ~ hubspot_linked('linked_deals') ~ ", deal_id)",
    'product_id': 'product_id',
    'product_name': 'record_name',
    'quantity': 'quantity',
    'price': 'price',
    'discount': ["cast(" ~ full_price ~ " - " ~ as_number('amount', 'amount__decimal', 'decimal(18, 4)') ~ " as " ~ dbt.type_string() ~ ")", none],
    'cost': 'unit_cost',
}, left_out="case when " ~ is_hubspot_gone() ~ " then 'deleted' end")]) }}
