{{ config(meta={'empty_without': ['int_deals__changes']}) }}
-- One row per deal x entry into another stage by the run's day, with the stage before it and the time it was left.
-- Delivered and inferred entries never mix within a deal. Rows that repeat the stage are no moves.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

stages as (select * from {{ ref('int_stages__mapped') }}),

deals as (select deal_id, source_name from {{ ref('int_deals__current') }}),

entries as (
    select
        changes.deal_id, deals.source_name, changes.pipeline, coalesce(stages.stage_label, changes.new_value) as stage_name,
        changes.changed_at as entered_at, changes.changed_on as entered_on,
        coalesce(stages.outcome, changes.system_outcome) as outcome, stages.stage_position, stages.stage_rank, stages.counts_as,
        changes.is_inferred, changes.is_dated, changes._source_file, changes._source_row
    from {{ ref('int_deals__changes') }} as changes
    inner join deals on changes.deal_id = deals.deal_id
    left join stages
        on deals.source_name = stages.source_name and changes.new_value = stages.stage
        and coalesce(changes.pipeline, '') = coalesce(stages.pipeline, '')
    where changes.field = 'stage'
),

placed as (
    select *, lag(concat(coalesce(pipeline, ''), '|', stage_name)) over (
        partition by deal_id order by entered_at, stage_position nulls first, stage_name, pipeline nulls first) as entry_before
    from entries
),

moves as (
    select
        placed.deal_id, placed.source_name, placed.pipeline, placed.stage_name, placed.entered_at, placed.entered_on,
        placed.outcome, placed.stage_position, placed.stage_rank, placed.counts_as, placed.is_inferred, placed.is_dated,
        lag(placed.outcome) over in_order as outcome_before,
        lag(placed.stage_rank) over in_order as rank_before,
        lag(placed.pipeline) over in_order as pipeline_before,
        lead(placed.entered_at) over in_order as next_entered_at,
        lead(placed.entered_on) over in_order as next_entered_on,
        row_number() over in_order as move_number,
        placed._source_file, placed._source_row
    from placed
    where placed.entry_before is null or placed.entry_before <> concat(coalesce(placed.pipeline, ''), '|', placed.stage_name)
    window in_order as (partition by placed.deal_id order by placed.entered_at, placed.stage_position nulls first, placed.stage_name, placed.pipeline nulls first)
)

select
    moves.deal_id, moves.source_name, moves.pipeline, moves.stage_name, moves.entered_at, moves.entered_on,
    case when moves.next_entered_on <= settings.as_of then moves.next_entered_at end as left_at,
    case when moves.next_entered_on <= settings.as_of then moves.next_entered_on end as left_on,
    moves.outcome, moves.stage_position, moves.stage_rank, moves.counts_as, moves.outcome_before, moves.rank_before, moves.pipeline_before,
    cast(moves.move_number as integer) as move_number,
    moves.is_inferred, moves.is_dated, moves._source_file, moves._source_row
from moves
cross join settings
where moves.entered_on <= settings.as_of
