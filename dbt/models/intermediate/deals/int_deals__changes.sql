{{ config(meta={'empty_without': ['int_deals__current', 'int_deals__inferred']}) }}
-- One row per deal x field x change: stage, owner, amount, planned close. Delivered where a history is (deal_changes,
-- and deal_stages as its stage view); else inferred from the versions of the record that deliveries brought.
-- `old_value` NULL on a first row: not a change but the first that is known.
with

deals as (
    select deal_id, source_name, pipeline, opened_at, opened_on, manager_now_id, amount_native, planned_close_on, updated_at, updated_on,
        observed_at, observed_on, _source_file, _source_row
    from {{ ref('int_deals__current') }}
),

managers as (select * from {{ ref('int_managers__crosswalk') }}),

-- exports overlap: the same change in two files is one
told_changes as (
    select
        source_name, deal_id, lower(field) as field, old_value, new_value, changed_at, changed_on,
        min(_source_file) as _source_file, min(_source_row) as _source_row
    from {{ ref('int_deal_changes__united') }}
    where not _is_row_rejected
    group by source_name, deal_id, lower(field), old_value, new_value, changed_at, changed_on
),

-- delivered history of stages; what a record went through that was merged away is no history of its survivor ----

stage_rows as (
    select deal_id, entered_at as changed_at, entered_on as changed_on, pipeline, stage as new_value, system_outcome,
        cast(null as {{ dbt.type_string() }}) as old_value, _source_file, _source_row
    from {{ ref('int_deal_stages__united') }} where not _is_row_rejected
    union all
    select deal_id, changed_at, changed_on, cast(null as {{ dbt.type_string() }}), new_value, cast(null as {{ dbt.type_string() }}), old_value,
        _source_file, _source_row
    from told_changes where field = 'stage' and new_value is not null
),

delivered_stages as (
    select
        deals.deal_id, stage_rows.changed_at, stage_rows.changed_on,
        coalesce(stage_rows.pipeline, deals.pipeline) as pipeline, stage_rows.new_value, max(stage_rows.old_value) as old_value,
        max(stage_rows.system_outcome) as system_outcome,
        min(stage_rows._source_file) as _source_file, min(stage_rows._source_row) as _source_row
    from stage_rows
    inner join deals on stage_rows.deal_id = deals.deal_id
    group by deals.deal_id, stage_rows.changed_at, stage_rows.changed_on, coalesce(stage_rows.pipeline, deals.pipeline), stage_rows.new_value
),

-- what stood before the first change that names it, since the opening
first_stages as (
    select deal_id, pipeline, old_value, changed_at, _source_file, _source_row from (
        select *, row_number() over (partition by deal_id order by changed_at, new_value) as place from delivered_stages
    ) as placed where place = 1 and old_value is not null
),

-- delivered history of owners, amounts and planned closes --------------------------------------------

owner_points as (
    select told_changes.deal_id, told_changes.changed_at, told_changes.changed_on,
        coalesce(old_by_id.manager_id, old_by_name.manager_id) as old_value,
        coalesce(new_by_id.manager_id, new_by_name.manager_id) as new_value,
        told_changes._source_file, told_changes._source_row
    from told_changes
    left join managers as new_by_id on {{ as_reference_of('told_changes.new_value', 'told_changes.source_name') }} = new_by_id.manager_ref
    left join managers as new_by_name on told_changes.source_name || ':~' || told_changes.new_value = new_by_name.manager_ref
    left join managers as old_by_id on {{ as_reference_of('told_changes.old_value', 'told_changes.source_name') }} = old_by_id.manager_ref
    left join managers as old_by_name on told_changes.source_name || ':~' || told_changes.old_value = old_by_name.manager_ref
    where told_changes.field = 'owner'
    union all
    select stages.deal_id, stages.entered_at, stages.entered_on, cast(null as {{ dbt.type_string() }}), managers.manager_id,
        stages._source_file, stages._source_row
    from {{ ref('int_deal_stages__united') }} as stages
    inner join managers on stages.manager_id = managers.manager_ref
    where not stages._is_row_rejected
),

owner_turns as (
    select *, lag(new_value) over (partition by deal_id order by changed_at, old_value nulls last, new_value, _source_file, _source_row) as known_before
    from owner_points where new_value is not null
),

delivered_fields as (
    select deal_id, 'owner' as field, coalesce(old_value, known_before) as old_value, new_value, changed_at, changed_on, _source_file, _source_row
    from owner_turns where known_before is null or known_before <> new_value
    union all
    select deal_id, 'amount', cast({{ as_unmistakable_money('old_value') }} as {{ dbt.type_string() }}),
        cast({{ as_unmistakable_money('new_value') }} as {{ dbt.type_string() }}), changed_at, changed_on, _source_file, _source_row
    from told_changes where field = 'amount' and (new_value is null or {{ as_unmistakable_money('new_value') }} is not null)
    union all
    select deal_id, 'planned_close_on', cast({{ as_iso_day('old_value') }} as {{ dbt.type_string() }}),
        cast({{ as_iso_day('new_value') }} as {{ dbt.type_string() }}), changed_at, changed_on, _source_file, _source_row
    from told_changes where field = 'planned_close_on' and (new_value is null or {{ as_iso_day('new_value') }} is not null)
),

-- a record says more than its history: it changed once more, at the latest when the record was seen
last_told as (
    select deal_id, field, new_value, changed_at from (
        select delivered_fields.*, row_number() over (
            partition by deal_id, field order by changed_at desc, _source_file desc, _source_row desc) as place
        from delivered_fields
    ) as placed where place = 1
),

outgrown as (
    select
        deals.deal_id, last_told.field, last_told.new_value as old_value,
        case last_told.field when 'owner' then deals.manager_now_id
            when 'amount' then cast(deals.amount_native as {{ dbt.type_string() }})
            else cast(deals.planned_close_on as {{ dbt.type_string() }}) end as new_value,
        coalesce(deals.updated_at, deals.observed_at) as changed_at, coalesce(deals.updated_on, deals.observed_on) as changed_on,
        deals._source_file, deals._source_row
    from last_told
    inner join deals on last_told.deal_id = deals.deal_id
    where coalesce(deals.updated_at, deals.observed_at) > last_told.changed_at
),

-- inferred, where nothing is delivered ----------------------------------------------------------------

inferred as (select * from {{ ref('int_deals__inferred') }}),

inferred_stages as (
    select inferred.* from inferred
    left join (select distinct deal_id from delivered_stages) as told on inferred.deal_id = told.deal_id
    where inferred.field = 'stage' and told.deal_id is null
),

inferred_fields as (
    select inferred.* from inferred
    left join (select distinct deal_id, field from delivered_fields) as told on inferred.deal_id = told.deal_id and inferred.field = told.field
    where inferred.field <> 'stage' and told.deal_id is null
),

united as (
    select deal_id, 'stage' as field, pipeline, pipeline as old_pipeline, cast(null as {{ dbt.type_string() }}) as old_value, new_value, changed_at, changed_on,
        system_outcome, cast(null as {{ dbt.type_string() }}) as old_system_outcome, false as is_inferred, true as is_dated, _source_file, _source_row
    from delivered_stages
    union all
    select first_stages.deal_id, 'stage', first_stages.pipeline, first_stages.pipeline, cast(null as {{ dbt.type_string() }}), first_stages.old_value, deals.opened_at, deals.opened_on,
        cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), false, true, first_stages._source_file, first_stages._source_row
    from first_stages inner join deals on first_stages.deal_id = deals.deal_id
    where deals.opened_at < first_stages.changed_at
    union all
    select deal_id, 'stage', pipeline, old_pipeline, old_value, new_value, changed_at, changed_on, new_outcome, old_outcome, true, true, _source_file, _source_row
    from inferred_stages
    union all
    -- the stage that was seen first: since when it stood, nobody saw
    select inferred_stages.deal_id, 'stage', inferred_stages.old_pipeline, inferred_stages.old_pipeline, cast(null as {{ dbt.type_string() }}), inferred_stages.old_value,
        deals.opened_at, deals.opened_on, inferred_stages.old_outcome, cast(null as {{ dbt.type_string() }}), true, false, inferred_stages.old_source_file, inferred_stages.old_source_row
    from inferred_stages inner join deals on inferred_stages.deal_id = deals.deal_id
    where inferred_stages.change_number = 1 and deals.opened_at < inferred_stages.changed_at
    union all
    select delivered_fields.deal_id, delivered_fields.field, deals.pipeline, deals.pipeline, delivered_fields.old_value, delivered_fields.new_value,
        delivered_fields.changed_at, delivered_fields.changed_on, cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), false, true, delivered_fields._source_file, delivered_fields._source_row
    from delivered_fields inner join deals on delivered_fields.deal_id = deals.deal_id
    union all
    select inferred_fields.deal_id, inferred_fields.field, deals.pipeline, deals.pipeline, inferred_fields.old_value, inferred_fields.new_value,
        inferred_fields.changed_at, inferred_fields.changed_on, cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), true, true, inferred_fields._source_file, inferred_fields._source_row
    from inferred_fields inner join deals on inferred_fields.deal_id = deals.deal_id
    union all
    select outgrown.deal_id, outgrown.field, deals.pipeline, deals.pipeline, outgrown.old_value, outgrown.new_value, outgrown.changed_at, outgrown.changed_on,
        cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), true, true, outgrown._source_file, outgrown._source_row
    from outgrown
    inner join deals on outgrown.deal_id = deals.deal_id
    where outgrown.new_value <> coalesce(outgrown.old_value, '') and outgrown.new_value <> 'not_given'
)

select
    deal_id, field, pipeline, old_pipeline, old_value, new_value, changed_at, changed_on,
    case when is_inferred then 'inferred' else 'delivered' end as basis,
    system_outcome, old_system_outcome, is_inferred, is_dated, _source_file, _source_row
from united
