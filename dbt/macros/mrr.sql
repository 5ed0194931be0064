{# What became of a customer between two states, as columns; `is_first` tells whether it ever paid before. #}
{% macro mrr_movements(opening, closing, is_first) -%}
    cast(case when {{ opening }} = 0 and {{ is_first }} then {{ closing }} else 0 end as decimal(18, 4)) as mrr_new,
    cast(case when {{ opening }} > 0 and {{ closing }} > {{ opening }} then {{ closing }} - {{ opening }} else 0 end as decimal(18, 4)) as mrr_expansion,
    cast(case when {{ closing }} > 0 and {{ closing }} < {{ opening }} then {{ opening }} - {{ closing }} else 0 end as decimal(18, 4)) as mrr_contraction,
    cast(case when {{ closing }} = 0 then {{ opening }} else 0 end as decimal(18, 4)) as mrr_churned,
    cast(case when {{ opening }} = 0 and not ({{ is_first }}) then {{ closing }} else 0 end as decimal(18, 4)) as mrr_reactivated
{%- endmacro %}

{# MRR on a day of spells that overlap a window. #}
{% macro mrr_on(day, value='mrr') -%}
    cast(greatest(sum(case when started_on <= {{ day }} and ended_on > {{ day }} then {{ value }} else 0 end), 0) as decimal(18, 4))
{%- endmacro %}
