{% macro any_row(relation, condition='true') -%}
exists (select 1 from {{ relation }} where {{ condition }})
{%- endmacro %}
