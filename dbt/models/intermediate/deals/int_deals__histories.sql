{{ config(meta={'empty_without': ['int_deals__changes']}) }}
-- One row per deal whose stages have a history. `is_told`: delivered, and its source dates wins by it. `inferred_close_*`:
-- the last inferred entry into the outcome that the record now has, also where that lies after the run's day.
with

sources as (select * from {{ ref('stg_workspace__sources') }}),

stages as (select * from {{ ref('int_stages__mapped') }}),

deals as (select deal_id, source_name, stage_outcome from {{ ref('int_deals__current') }}),

changes as (
    select
        changes.deal_id, changes.changed_at, changes.changed_on, changes.is_inferred, sources.won_date, deals.stage_outcome,
        coalesce(new_stage.outcome, changes.system_outcome) as outcome,
        coalesce(old_stage.outcome, changes.old_system_outcome) as outcome_before
    from {{ ref('int_deals__changes') }} as changes
    inner join deals on changes.deal_id = deals.deal_id
    inner join sources on deals.source_name = sources.source_name
    left join stages as new_stage
        on deals.source_name = new_stage.source_name and changes.new_value = new_stage.stage
        and coalesce(changes.pipeline, '') = coalesce(new_stage.pipeline, '')
    left join stages as old_stage
        on deals.source_name = old_stage.source_name and changes.old_value = old_stage.stage
        and coalesce(changes.old_pipeline, '') = coalesce(old_stage.pipeline, '')
    where changes.field = 'stage'
),

closes as (
    select deal_id, max(changed_at) as closed_at, max(changed_on) as closed_on from changes
    where is_inferred and outcome = stage_outcome and outcome in ('won', 'lost') and outcome_before <> outcome
    group by deal_id
)

select
    changes.deal_id,
    bool_or(not changes.is_inferred) and bool_or(changes.won_date = 'history') as is_told,
    max(closes.closed_at) as inferred_close_at,
    max(closes.closed_on) as inferred_close_on,
    coalesce(bool_or(changes.is_inferred and changes.outcome_before = 'won' and changes.outcome <> 'won'), false) as is_win_withdrawn
from changes
left join closes on changes.deal_id = closes.deal_id
group by changes.deal_id
