-- One row per deal x stage entry by the run's day, with the outcome before it.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

stages as (select * from {{ ref('int_stages__mapped') }}),

survivors as (select * from {{ ref('int_deals__survivors') }}),

managers as (select * from {{ ref('int_managers__crosswalk') }}),

deals as (select deal_id, pipeline from {{ ref('int_deals__current') }}),

entries as (
    select
        coalesce(survivors.survivor_id, moves.deal_id) as deal_id,
        moves.entered_at,
        moves.entered_on,
        coalesce(moves.pipeline, deals.pipeline) as pipeline,
        coalesce(stages.stage_label, moves.stage) as stage_name,
        max(coalesce(stages.outcome, moves.system_outcome)) as outcome,
        max(stages.stage_position) as stage_position,
        max(stages.counts_as) as counts_as,
        max(managers.manager_id) as manager_id,
        min(moves._source_file) as _source_file,
        min(moves._source_row) as _source_row
    from {{ ref('int_deal_stages__united') }} as moves
    left join survivors on moves.deal_id = survivors.deal_id
    inner join deals on coalesce(survivors.survivor_id, moves.deal_id) = deals.deal_id
    left join stages
        on moves.source_name = stages.source_name and moves.stage = stages.stage
        and coalesce(moves.pipeline, '') = coalesce(stages.pipeline, '')
    left join managers on moves.manager_id = managers.manager_ref
    where not moves._is_row_rejected
    group by 1, 2, 3, 4, 5
)

select
    entries.*,
    lag(entries.outcome) over (
        partition by entries.deal_id order by entries.entered_at, entries.stage_position nulls first, entries.stage_name
    ) as outcome_before,
    lead(entries.entered_at) over (
        partition by entries.deal_id order by entries.entered_at, entries.stage_position nulls first, entries.stage_name
    ) as left_at,
    row_number() over (
        partition by entries.deal_id order by entries.entered_at, entries.stage_position nulls first, entries.stage_name
    ) as move_number
from entries
cross join settings
where entries.entered_on <= settings.as_of
