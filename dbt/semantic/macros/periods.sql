{# The figures of one grain's periods, and a row without a figure for each period, so that a last one always stands. #}
{% macro periods_of(grain) %}
select
    period_start, measure_code, fact_id, manager_id, team_id, channel_id, product_id, partner_id, strategy, value, absent.unavailable
from {{ source('published', 'kpi_period_events') }}
cross join {{ ref('unavailable') }} as absent
where window_code = 'period' and period_grain = '{{ grain }}'
union all
select
    period_start, cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}),
    cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}),
    cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), cast(null as decimal(38, 10)), absent.unavailable
from {{ source('published', 'kpi_windows') }}
cross join {{ ref('unavailable') }} as absent
where window_code = 'period' and suffix = '' and period_grain = '{{ grain }}'
{% endmacro %}
