with

registry as (select * from {{ ref('kpi_registry') }}),

absent as (
    select inputs.input_code, reasons.absent_en, reasons.absent_ru
    from {{ ref('int_inputs__present') }} as inputs
    inner join {{ ref('kpi_inputs') }} as reasons on inputs.input_code = reasons.input_code
    where not inputs.is_present
),

lacking as (
    select registry.kpi_code, min(absent.absent_en) as absent_en, min(absent.absent_ru) as absent_ru
    from registry
    inner join absent
        on concat(';', registry.requires, ';') like concat('%;', absent.input_code, ';%')
        or (absent.input_code = 'close_dates' and (
            registry.numerator_measure in ('{{ measures_of_closes() | join("', '") }}')
            or registry.denominator_measure in ('{{ measures_of_closes() | join("', '") }}')
            or (coalesce(registry.numerator_measure, '') = '' and (registry.requires like '%deals%' or registry.requires like '%customers%'))))
    group by registry.kpi_code
)

select
    registry.kpi_code, registry.sort_order, registry.name_en, registry.name_ru, registry.description_en, registry.description_ru,
    registry.unit, registry.direction, registry.aggregation, registry.numerator_measure, registry.denominator_measure,
    registry.percentile, registry.date_rule, registry.strategies, registry.scopes, registry.grains,
    registry.can_be_target, registry.can_be_paid, registry.formula_en, registry.formula_ru,
    registry.zero_rule, registry.guard_numerator, registry.guard_denominator, registry.guard_minimum,
    registry.ripeness_measure, registry.ripe_measure, registry.coverage_measure, registry.needs_window,
    registry.is_computed and lacking.kpi_code is null as is_available,
    case when not registry.is_computed then 'this version does not compute it yet' else lacking.absent_en end as unavailable_because,
    case when not registry.is_computed then 'эта версия его ещё не считает' else lacking.absent_ru end as unavailable_because_ru
from registry
left join lacking on registry.kpi_code = lacking.kpi_code
