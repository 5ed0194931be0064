-- One row per deal whose stages have a history. `is_told`: delivered, and its source dates wins by it. `inferred_close_*`:
-- the last inferred entry into the outcome that the record now has, also where that lies after the run's day.
with

sources as (select * from {{ ref('stg_workspace__sources') }}),

stages as (select * from {{ ref('int_stages__mapped') }}),

deals as (select deal_id, source_name, pipeline, stage_outcome from {{ ref('int_deals__current') }}),

changes as (select * from {{ ref('int_deals__changes') }} where field = 'stage')

select
    deals.deal_id,
    bool_or(not changes.is_inferred) and bool_or(sources.won_date = 'history') as is_told,
    max(case when changes.is_inferred and changes.old_value is not null and coalesce(new_stage.outcome, changes.system_outcome) = deals.stage_outcome and deals.stage_outcome <> 'open'
        and coalesce(old_stage.outcome, '') <> deals.stage_outcome then changes.changed_at end) as inferred_close_at,
    max(case when changes.is_inferred and changes.old_value is not null and coalesce(new_stage.outcome, changes.system_outcome) = deals.stage_outcome and deals.stage_outcome <> 'open'
        and coalesce(old_stage.outcome, '') <> deals.stage_outcome then changes.changed_on end) as inferred_close_on,
    bool_or(changes.is_inferred and old_stage.outcome = 'won' and coalesce(new_stage.outcome, changes.system_outcome) <> 'won') as is_win_withdrawn,
    min(changes.changed_on) as first_known_on
from changes
inner join deals on changes.deal_id = deals.deal_id
inner join sources on deals.source_name = sources.source_name
left join stages as new_stage
    on deals.source_name = new_stage.source_name and changes.new_value = new_stage.stage
    and coalesce(changes.pipeline, '') = coalesce(new_stage.pipeline, '')
left join stages as old_stage
    on deals.source_name = old_stage.source_name and changes.old_value = old_stage.stage
    and coalesce(changes.old_pipeline, changes.pipeline, '') = coalesce(old_stage.pipeline, '')
group by deals.deal_id
