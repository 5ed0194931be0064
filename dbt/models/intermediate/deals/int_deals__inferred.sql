{{ config(meta={'empty_without': ['int_deals__current']}) }}
-- One row per deal x field x change between two versions of its record, as deliveries brought them.
-- A change is dated `updated_at` if that lies inside (previous, this] observation, else this observation.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

deals as (select deal_id from {{ ref('int_deals__current') }}),

managers as (select * from {{ ref('int_managers__crosswalk') }}),

accepted as (select * from {{ ref('int_deals__united') }} where not _is_row_rejected),

observations as (select * from {{ ref('int_landings__observed') }}),

repeated as (select deal_id from accepted group by deal_id having count(*) > 1),

versions as (
    select
        accepted.deal_id, accepted.pipeline, accepted.stage, accepted.system_outcome, coalesce(managers.manager_id, 'not_given') as owner,
        coalesce(cast(accepted.amount as {{ dbt.type_string() }}), '') as amount,
        coalesce(cast(accepted.planned_close_on as {{ dbt.type_string() }}), '') as planned_close_on,
        accepted.updated_at, accepted.updated_on, observations.observed_at, observations.observed_until, observations.observed_on,
        accepted._source_file, accepted._source_row,
        row_number() over (
            partition by accepted.deal_id
            order by accepted.updated_at nulls first, accepted._observed_at nulls first, accepted._file_sha256, accepted._source_row) as version_number
    from accepted
    inner join repeated on accepted.deal_id = repeated.deal_id
    inner join deals on accepted.deal_id = deals.deal_id
    inner join observations on accepted._landing_key = observations._landing_key
    left join managers on coalesce(accepted.manager_id, accepted.source_name || ':~' || accepted.manager_name) = managers.manager_ref
    where not coalesce(accepted.is_deleted, false) and accepted.merged_into is null
),

steps as (
    select
        later.*,
        earlier.pipeline as old_pipeline, earlier.stage as old_stage, earlier.system_outcome as old_outcome, earlier.owner as old_owner,
        earlier._source_file as old_source_file, earlier._source_row as old_source_row,
        earlier.amount as old_amount, earlier.planned_close_on as old_planned_close_on,
        {{ is_change_dated('later', 'earlier') }} as is_dated
    from versions as later
    inner join versions as earlier on later.deal_id = earlier.deal_id and later.version_number = earlier.version_number + 1
),

changed as (
    {%- for field, column in [('stage', 'stage'), ('owner', 'owner'), ('amount', 'amount'), ('planned_close_on', 'planned_close_on')] %}
    select
        deal_id, '{{ field }}' as field, old_pipeline, pipeline, nullif(old_{{ column }}, '') as old_value, nullif({{ column }}, '') as new_value,
        case when is_dated then updated_at else observed_at end as changed_at,
        case when is_dated then updated_on else observed_on end as changed_on,
        old_outcome, system_outcome as new_outcome, version_number, _source_file, _source_row, old_source_file, old_source_row
    from steps
    where old_{{ column }} <> {{ column }}{{ " or coalesce(old_pipeline, '') <> coalesce(pipeline, '')" if field == 'stage' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    deal_id, field, old_pipeline, pipeline, old_value, new_value, changed_at, changed_on,
    cast(row_number() over (partition by deal_id, field order by version_number) as integer) as change_number,
    old_outcome, new_outcome, _source_file, _source_row, old_source_file, old_source_row
from changed
