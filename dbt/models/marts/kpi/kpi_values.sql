-- One row per KPI x scope x period. The one model of values: the wide tables are another shape of it.
-- Each KPI picks its parts from the measures in one pass; the windows that an unfinished period is
-- compared with are computed beside it and laid on its row at the end. A plain KPI is one measure without
-- a rule, and needs no laying side by side; its days are taken as they are.
{%- set named_parts = {
    'numerator': 'numerator_measure', 'denominator': 'denominator_measure', 'coverage': 'coverage_measure',
    'ripeness': 'ripeness_part', 'ripeness_base': 'ripeness_base_part', 'ripe': 'ripe_measure',
    'guard': 'guard_part', 'guard_base': 'guard_base_part', 'other_guard': 'other_guard_part', 'other_guard_base': 'other_guard_base_part',
} %}
{%- set parts = named_parts.keys() | list %}
{%- set bases = ['previous', 'year_ago', 'previous_to_date', 'year_ago_to_date', 'previous_to_date_working_day', 'year_ago_to_date_working_day'] %}
with

settings as (select * from {{ ref('int_settings') }}),

kpis as (
    select
        *,
        {%- for part, number in [('guard', 1), ('other_guard', 2)] %}
        coalesce({{ nth_part('guard_numerator', "';'", number) }}, '') as {{ part }}_part,
        coalesce({{ nth_part('guard_denominator', "';'", number) }}, '') as {{ part }}_base_part,
        {%- endfor %}
        case when right(coverage_measure, 8) = '__lagged' then '__lagged' else '' end as coverage_suffix,
        {{ nth_part('ripeness_measure', "';'", 1) }} as ripeness_part,
        {{ nth_part('ripeness_measure', "';'", 2) }} as ripeness_base_part,
        aggregation in ('additive', 'semi_additive') and guard_numerator is null and coverage_measure is null and not needs_window as is_plain
    from {{ ref('dim_kpi') }} where is_available
),

-- where a KPI has meaning
meanings as (
    select kpis.kpi_code, kpis.is_plain, kpis.numerator_measure, scopes.scope_type, grains.period_grain
    from kpis
    inner join (select distinct scope_type from {{ ref('kpi_scopes') }}) as scopes
        on concat(';', kpis.scopes, ';') like concat('%;', scopes.scope_type, ';%')
    inner join (select distinct period_grain from {{ ref('kpi_periods') }}) as grains
        on concat(';', kpis.grains, ';') like concat('%;', grains.period_grain, ';%')
),

parts as (
    select meanings.kpi_code, meanings.scope_type, meanings.period_grain, named.part, named.measure_code
    from meanings
    inner join (
        {%- for part in parts %}
        select kpi_code, '{{ part }}' as part, {{ named_parts[part] }} as measure_code from kpis
        union all
        {%- endfor %}
        select kpi_code, 'direct', kpi_code from kpis where aggregation in ('distribution', 'composite')
    ) as named on meanings.kpi_code = named.kpi_code
    where named.measure_code <> '' and not meanings.is_plain
),

combined as (
    {{ composite_rows(ref('kpi_parts')) }}
),

summed as (
    select measure_code, scope_type, scope_id, window_code, period_grain, period_start, value, samples, cast(null as double) as direct_value
    from {{ ref('kpi_measures') }}
    union all
    select measure_code, scope_type, scope_id, 'period', 'day', day, value, samples, cast(null as double)
    from {{ ref('kpi_scope_days') }}
    union all
    select measure_code, scope_type, scope_id, window_code, period_grain, period_start, cast(null as decimal(38, 10)), samples, value
    from {{ ref('kpi_percentiles') }}
    union all
    select kpi_code, scope_type, scope_id, window_code, period_grain, period_start, cast(null as decimal(38, 10)), samples, value
    from combined
),

picked as (
    select
        parts.kpi_code, summed.scope_type, summed.scope_id, summed.window_code, summed.period_grain, summed.period_start,
        {%- for part in parts %}
        max(case when parts.part = '{{ part }}' then summed.value end) as {{ part }}_value,
        {%- endfor %}
        max(case when parts.part = 'numerator' then summed.samples end) as numerator_samples,
        max(case when parts.part = 'denominator' then summed.samples end) as denominator_samples,
        max(case when parts.part = 'direct' then summed.direct_value end) as direct_value,
        max(case when parts.part = 'direct' then summed.samples end) as direct_samples
    from summed
    inner join parts
        on summed.measure_code = parts.measure_code and summed.scope_type = parts.scope_type and summed.period_grain = parts.period_grain
    group by parts.kpi_code, summed.scope_type, summed.scope_id, summed.window_code, summed.period_grain, summed.period_start
    union all
    select
        meanings.kpi_code, measures.scope_type, measures.scope_id, measures.window_code, measures.period_grain, measures.period_start,
        {%- for part in parts %}
        {{ 'measures.value' if part == 'numerator' else 'cast(null as decimal(38, 10))' }},
        {%- endfor %}
        measures.samples, cast(null as bigint), cast(null as double), cast(null as bigint)
    from {{ ref('kpi_measures') }} as measures
    inner join meanings
        on measures.measure_code = meanings.numerator_measure and measures.scope_type = meanings.scope_type
        and measures.period_grain = meanings.period_grain and meanings.is_plain
),

-- a base before the scope's beginning is unknown, not zero
owed as (
    select
        meanings.kpi_code, spine.scope_type, spine.scope_id, windows.window_code, spine.period_grain, spine.period_start,
        spine.scope_name, spine.owed_from, spine.period_end, spine.previous_start, spine.year_ago_start,
        spine.day_count, spine.is_complete, windows.is_window_over
    from {{ ref('kpi_spine') }} as spine
    inner join {{ ref('kpi_windows') }} as windows
        on spine.period_grain = windows.period_grain and spine.period_start = windows.period_start and windows.suffix = ''
        and (windows.window_code = 'period'
            or (windows.last_day >= spine.owed_from and {{ is_base_known('spine.period_grain', 'windows.first_day', 'spine.known_from') }}))
    inner join meanings on spine.scope_type = meanings.scope_type and spine.period_grain = meanings.period_grain
    union all
    select
        picked.kpi_code, spine.scope_type, spine.scope_id, 'period', spine.period_grain, spine.period_start,
        spine.scope_name, spine.owed_from, spine.period_end, spine.previous_start, spine.year_ago_start,
        spine.day_count, spine.is_complete, spine.is_window_over
    from {{ ref('kpi_spine') }} as spine
    inner join picked on spine.scope_type = picked.scope_type and spine.scope_id = picked.scope_id and spine.period_start = picked.period_start
    where spine.period_grain = 'day' and picked.period_grain = 'day'
),

guarded as (
    select
        owed.*, coalesce({{ days_between('covering.first_day', 'covering.last_day') }} + 1, owed.day_count) as days_to_cover, kpis.unit, kpis.aggregation, kpis.zero_rule, kpis.ripeness_measure, kpis.coverage_measure,
        {%- for part in parts %}
        picked.{{ part }}_value,
        {%- endfor %}
        picked.numerator_samples, picked.denominator_samples, picked.direct_value, picked.direct_samples,
        {{ guard_holds('guard') }} and {{ guard_holds('other_guard') }} and (not kpis.needs_window or owed.is_window_over) as is_known
    from owed
    inner join kpis on owed.kpi_code = kpis.kpi_code
    left join {{ ref('kpi_windows') }} as covering
        on kpis.coverage_suffix = covering.suffix and owed.window_code = covering.window_code
        and owed.period_grain = covering.period_grain and owed.period_start = covering.period_start
    left join picked
        on owed.kpi_code = picked.kpi_code and owed.scope_type = picked.scope_type and owed.scope_id = picked.scope_id
        and owed.window_code = picked.window_code and owed.period_grain = picked.period_grain and owed.period_start = picked.period_start
),

parted as (
    select
        *,
        case
            when not is_known then null
            when aggregation = 'ratio' or zero_rule = 'zero' then coalesce({{ to_four_digits('numerator_value') }}, 0)
            else {{ to_four_digits('numerator_value') }}
        end as numerator,
        case when is_known and aggregation = 'ratio' then coalesce({{ to_four_digits('denominator_value') }}, 0) end as denominator,
        cast(coalesce(case aggregation when 'ratio' then denominator_samples when 'distribution' then direct_samples
            when 'composite' then direct_samples else numerator_samples end, 0) as bigint) as sample_size
    from guarded
),

valued as (
    select
        parted.*,
        case
            when aggregation = 'ratio' then cast(numerator as double) / nullif(cast(denominator as double), 0)
            when aggregation = 'distribution' then direct_value
            when aggregation = 'composite' then case when is_known then direct_value end
            else cast(numerator as double)
        end as value,
        aggregation in ('ratio', 'distribution', 'composite') and sample_size < settings.low_sample_below as is_low_sample,
        case when ripeness_measure is not null and denominator > 0
            then cast(ripeness_value as double) / nullif(cast(coalesce(ripeness_base_value, denominator_value) as double), 0) end as maturity,
        is_complete and (coverage_measure is null or coalesce(coverage_value, 0) >= days_to_cover) as is_period_complete
    from parted
    cross join settings
),

current_values as (
    select
        valued.*,
        case when ripeness_measure is not null and denominator > 0
            then case when maturity is not null then maturity >= 0.9 else coalesce(ripe_value, 0) >= coalesce(ripeness_base_value, denominator_value) end end as is_mature
    from valued
    where window_code = 'period' and (period_grain <> 'day' or coalesce(numerator, 0) <> 0 or coalesce(denominator, 0) <> 0 or direct_value is not null)
),

to_date as (
    select
        kpi_code, scope_type, scope_id, period_grain, period_start
        {%- for base in bases if '_to_date' in base %},
        max(case when window_code = '{{ base }}' then value end) as {{ base }}
        {%- endfor %}
    from valued where window_code <> 'period'
    group by kpi_code, scope_type, scope_id, period_grain, period_start
),

whole as (
    select kpi_code, scope_type, scope_id, period_grain, period_start, period_end, value
    from valued where window_code = 'period' and period_grain <> 'day' and value is not null
),

compared as (
    select
        current_values.*,
        previous.value as value_previous,
        year_ago.value as value_year_ago
        {%- for base in bases if '_to_date' in base %},
        case when not current_values.is_complete then to_date.{{ base }} end as value_{{ base }}
        {%- endfor %}
    from (select * from current_values where period_grain <> 'day') as current_values
    left join whole as previous
        on current_values.kpi_code = previous.kpi_code and current_values.scope_type = previous.scope_type
        and current_values.scope_id = previous.scope_id and current_values.period_grain = previous.period_grain
        and current_values.previous_start = previous.period_start and previous.period_end > current_values.owed_from
    left join whole as year_ago
        on current_values.kpi_code = year_ago.kpi_code and current_values.scope_type = year_ago.scope_type
        and current_values.scope_id = year_ago.scope_id and current_values.period_grain = year_ago.period_grain
        and current_values.year_ago_start = year_ago.period_start and year_ago.period_end > current_values.owed_from
    left join to_date
        on current_values.kpi_code = to_date.kpi_code and current_values.scope_type = to_date.scope_type
        and current_values.scope_id = to_date.scope_id and current_values.period_grain = to_date.period_grain
        and current_values.period_start = to_date.period_start
),

plain_days as (
    select
        meanings.kpi_code, cells.scope_type, cells.scope_id, scopes.scope_name, cells.day, {{ add_days('cells.day', 1) }} as next_day,
        cells.day < settings.first_incomplete_on as is_complete,
        {{ to_four_digits('cells.value') }} as numerator, cells.samples, kpis.unit
    from {{ ref('kpi_scope_days') }} as cells
    cross join settings
    inner join meanings
        on cells.measure_code = meanings.numerator_measure and cells.scope_type = meanings.scope_type
        and meanings.is_plain and meanings.period_grain = 'day'
    inner join kpis on meanings.kpi_code = kpis.kpi_code
    inner join {{ ref('kpi_scopes') }} as scopes on cells.scope_type = scopes.scope_type and cells.scope_id = scopes.scope_id
    where cells.value <> 0
)

select
    kpi_code, scope_type, scope_id, scope_name, period_grain, period_start, period_end, is_period_complete as is_complete,
    numerator, denominator, value, sample_size, is_low_sample, maturity, is_mature,
    {%- for base in bases %}
    value_{{ base }},
    {%- endfor %}
    {%- for base in bases %}
    value - value_{{ base }} as change_abs_{{ base }},
    case when value_{{ base }} > 0 then (value - value_{{ base }}) / value_{{ base }} end as change_rel_{{ base }},
    {%- endfor %}
    unit
from compared
union all
select
    kpi_code, scope_type, scope_id, scope_name, period_grain, period_start, period_end, is_period_complete,
    numerator, denominator, value, sample_size, is_low_sample, maturity, is_mature,
    {%- for base in bases * 3 %}
    cast(null as double),
    {%- endfor %}
    unit
from current_values where period_grain = 'day'
union all
select
    kpi_code, scope_type, scope_id, scope_name, 'day', day, next_day, is_complete,
    numerator, cast(null as decimal(38, 4)), cast(numerator as double), samples, false, cast(null as double), cast(null as boolean),
    {%- for base in bases * 3 %}
    cast(null as double),
    {%- endfor %}
    unit
from plain_days
