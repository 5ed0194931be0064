-- One row per KPI x scope x period. The one model of values: the wide tables are another shape of it.
-- The measures of a scope and period are laid side by side once; each KPI then picks its own.
-- depends_on: {{ ref('kpi_registry') }} {{ ref('dim_kpi') }} {{ ref('kpi_percentiles') }}
{%- set registry = registered_kpis() %}
{%- set parts = ['numerator_measure', 'denominator_measure', 'guard_numerator', 'guard_denominator', 'ripeness_measure', 'ripe_measure', 'coverage_measure'] %}
{%- set measures = [] %}
{%- for kpi in registry %}{% for part in parts %}{% if kpi[part] and kpi[part] not in measures %}{% do measures.append(kpi[part]) %}{% endif %}{% endfor %}{% endfor %}
with

settings as (select * from {{ ref('int_settings') }}),

laid as (
    select
        scope_type, scope_id, period_grain, period_start
        {%- for measure in measures %},
        max(case when measure_code = '{{ measure }}' then value end) as {{ measure }},
        max(case when measure_code = '{{ measure }}' then samples end) as {{ measure }}__samples
        {%- endfor %}
    from {{ ref('kpi_measures') }}
    group by scope_type, scope_id, period_grain, period_start
),

cells as (
    select spine.*
        {%- for measure in measures %}, laid.{{ measure }}, laid.{{ measure }}__samples{% endfor %}
    from {{ ref('kpi_spine') }} as spine
    left join laid
        on spine.scope_type = laid.scope_type and spine.scope_id = laid.scope_id
        and spine.period_grain = laid.period_grain and spine.period_start = laid.period_start
),

summed as (
    {%- for kpi in registry %}
    select
        kpis.kpi_code, kpis.unit, kpis.aggregation, kpis.zero_rule, kpis.guard_minimum, kpis.needs_window,
        kpis.guard_numerator, kpis.guard_denominator, kpis.ripeness_measure, kpis.coverage_measure,
        cells.scope_type, cells.scope_id, cells.scope_name, cells.period_grain, cells.period_start, cells.period_end,
        cells.previous_start, cells.year_ago_start, cells.day_count, cells.is_complete, cells.is_window_over,
        {%- for part in parts %}
        {{ 'cells.' ~ kpi[part] if kpi[part] else 'cast(null as decimal(38, 10))' }} as {{ part.replace('_measure', '') }}_value,
        {%- endfor %}
        {%- for part in ['numerator', 'denominator'] %}
        {{ 'cells.' ~ kpi[part ~ '_measure'] ~ '__samples' if kpi[part ~ '_measure'] else 'cast(null as bigint)' }} as {{ part }}_samples,
        {%- endfor %}
        {%- if kpi['aggregation'] == 'distribution' %}
        percentiles.value as percentile_value, percentiles.samples as percentile_samples
        {%- else %}
        cast(null as double) as percentile_value, cast(null as bigint) as percentile_samples
        {%- endif %}
    from cells
    inner join {{ ref('dim_kpi') }} as kpis
        on kpis.kpi_code = '{{ kpi['kpi_code'] }}' and kpis.is_available
        and cells.scope_type in ('{{ kpi['scopes'].replace(";", "', '") }}')
        and cells.period_grain in ('{{ kpi['grains'].replace(";", "', '") }}')
    {%- if kpi['aggregation'] == 'distribution' %}
    left join {{ ref('kpi_percentiles') }} as percentiles
        on percentiles.kpi_code = '{{ kpi['kpi_code'] }}'
        and cells.scope_type = percentiles.scope_type and cells.scope_id = percentiles.scope_id
        and cells.period_grain = percentiles.period_grain and cells.period_start = percentiles.period_start
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

guarded as (
    select
        *,
        case
            when guard_numerator is null then true
            when guard_denominator is null then coalesce(guard_numerator_value, 0) > 0
            else coalesce(cast(guard_numerator_value as double), 0) >= guard_minimum * coalesce(cast(guard_denominator_value as double), 0)
        end and (not needs_window or is_window_over) as is_known
    from summed
),

parted as (
    select
        *,
        cast(case
            when not is_known then null
            when aggregation = 'additive' and zero_rule = 'zero' then coalesce(numerator_value, 0)
            when aggregation = 'ratio' then coalesce(numerator_value, 0)
            else numerator_value
        end as decimal(38, 4)) as numerator,
        cast(case
            when not is_known then null
            when aggregation = 'ratio' then coalesce(denominator_value, 0)
        end as decimal(38, 4)) as denominator,
        cast(case aggregation when 'ratio' then coalesce(denominator_samples, 0) when 'distribution' then coalesce(percentile_samples, 0)
            else coalesce(numerator_samples, 0) end as bigint) as sample_size
    from guarded
),

valued as (
    select
        parted.*,
        case aggregation
            when 'ratio' then cast(numerator as double) / nullif(cast(denominator as double), 0)
            when 'distribution' then percentile_value
            else cast(numerator as double)
        end as value,
        aggregation in ('ratio', 'distribution') and sample_size < settings.low_sample_below as is_low_sample,
        case when ripeness_measure is not null and denominator > 0 and ripeness_value is not null
            then cast(ripeness_value as double) / cast(denominator_value as double) end as maturity,
        is_complete and (coverage_measure is null or coalesce(coverage_value, 0) >= day_count) as is_period_complete
    from parted
    cross join settings
),

final as (
    select
        valued.*,
        case when ripeness_measure is not null and denominator > 0
            then case when maturity is not null then maturity >= 0.9 else coalesce(ripe_value, 0) >= denominator_value end end as is_mature
    from valued
    where period_grain <> 'day' or coalesce(numerator, 0) <> 0 or coalesce(denominator, 0) <> 0 or percentile_value is not null
)

select
    final.kpi_code, final.scope_type, final.scope_id, final.scope_name,
    final.period_grain, final.period_start, final.period_end, final.is_period_complete as is_complete,
    final.numerator, final.denominator,
    final.value, final.sample_size, final.is_low_sample, final.maturity, final.is_mature,
    previous.value as value_previous,
    year_ago.value as value_year_ago,
    final.value - previous.value as change_abs_previous,
    case when previous.value > 0 then (final.value - previous.value) / previous.value end as change_rel_previous,
    final.value - year_ago.value as change_abs_year_ago,
    case when year_ago.value > 0 then (final.value - year_ago.value) / year_ago.value end as change_rel_year_ago,
    final.unit
from final
left join final as previous
    on final.previous_start = previous.period_start and final.kpi_code = previous.kpi_code and final.period_grain = previous.period_grain
    and final.scope_type = previous.scope_type and final.scope_id = previous.scope_id
left join final as year_ago
    on final.year_ago_start = year_ago.period_start and final.kpi_code = year_ago.kpi_code and final.period_grain = year_ago.period_grain
    and final.scope_type = year_ago.scope_type and final.scope_id = year_ago.scope_id
