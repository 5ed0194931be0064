-- A line's discount is a percent there: the money of it is what the line costs less than price times quantity.
{%- set full_price = "cast(" ~ as_number('quantity', 'quantity__decimal', 'decimal(18, 8)') ~ " * " ~ as_number('unit_price', 'unit_price__decimal', 'decimal(18, 4)') ~ " as decimal(24, 4))" %}
{{ stage_entity('deal_items', [from_table('salesforce', 'opportunity_line_item', 'deal_items', {
    'deal_id': as_salesforce_id('opportunity_id'),
    'product_id': as_salesforce_id('product_2_id'),
    'product_name': 'product_name',
    'quantity': 'quantity',
    'price': 'unit_price',
    'discount': ["cast(" ~ full_price ~ " - " ~ as_number('total_price', 'total_price__decimal', 'decimal(18, 4)') ~ " as " ~ dbt.type_string() ~ ")", none],
}, empties=['null'], left_out="case when " ~ is_yes('is_deleted') ~ " then 'deleted' end")]) }}
