-- One row per source x pipeline x stage seen, with its outcome: by a rule of the workspace, else by the
-- stages that the system delivers, else by what the system says on the records themselves. NULL and not
-- told row by row = nothing maps it, which gate 2 refuses.
with

rules as (select * from {{ ref('stg_workspace__stages') }}),

delivered as (
    select
        source_name, stage_match, max(stage_name) as stage_name, pipeline_match, max(pipeline_name) as pipeline_name,
        max(outcome) as outcome, max(position) as stage_position
    from (
        select
            source_name, {{ as_match_name('stage') }} as stage_match, coalesce(stage_name, stage) as stage_name,
            {{ as_match_name('pipeline') }} as pipeline_match, pipeline_name, outcome, position,
            row_number() over (
                partition by source_name, {{ as_match_name('stage') }}, {{ as_match_name('pipeline') }}
                order by _observed_at desc nulls last, _file_sha256 desc, _source_row desc) as version_rank
        from {{ ref('int_stages__united') }} where not _is_row_rejected
    ) as versions
    where version_rank = 1
    group by source_name, stage_match, pipeline_match
),

seen as (
    select
        source_name, pipeline, stage, count(*) as deal_count, min(_source_file) as example_file, min(_source_row) as example_row,
        min(system_outcome) as first_outcome, max(system_outcome) as last_outcome, count(system_outcome) as told_count,
        count(*) as telling_count
    from {{ ref('int_deals__united') }} where not _is_row_rejected
    group by source_name, pipeline, stage
    union all
    select
        source_name, pipeline, stage, count(*), min(_source_file), min(_source_row),
        min(system_outcome), max(system_outcome), count(system_outcome), count(*)
    from {{ ref('int_deal_stages__united') }} where not _is_row_rejected
    group by source_name, pipeline, stage
    {%- for value in ['old_value', 'new_value'] %}
    union all
    -- a log of changes has no column for the outcome: it is no record that could tell one
    select
        changes.source_name, deals.pipeline, changes.{{ value }}, count(*), min(changes._source_file), min(changes._source_row),
        cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), 0, 0
    from {{ ref('int_deal_changes__united') }} as changes
    inner join {{ ref('int_deals__united') }} as deals on changes.deal_id = deals.deal_id
    where not changes._is_row_rejected and lower(changes.field) = 'stage' and changes.{{ value }} is not null
    group by changes.source_name, deals.pipeline, changes.{{ value }}
    {%- endfor %}
),

pairs as (
    select
        source_name, pipeline, stage,
        {{ as_match_name('pipeline') }} as pipeline_match,
        {{ as_match_name('stage') }} as stage_match,
        sum(deal_count) as deal_count, min(example_file) as example_file, min(example_row) as example_row,
        case when min(first_outcome) = max(last_outcome) then min(first_outcome) end as row_outcome,
        sum(told_count) = sum(telling_count) and sum(told_count) > 0 as is_told_by_row
    from seen group by source_name, pipeline, stage
),

-- a history may know a stage without its pipeline: the deals of the source tell it where they agree
told_elsewhere as (
    select source_name, stage_match, min(row_outcome) as row_outcome
    from pairs where row_outcome is not null
    group by source_name, stage_match having min(row_outcome) = max(row_outcome)
),

placed as (
    select
        pairs.*,
        delivered.stage_name as delivered_name, delivered.pipeline_name, delivered.outcome as delivered_outcome,
        delivered.stage_position as delivered_position,
        row_number() over (
            partition by pairs.source_name, pairs.pipeline, pairs.stage
            order by case when delivered.pipeline_match is null then 1 else 0 end, delivered.stage_match
        ) as delivered_rank
    from pairs
    left join delivered
        on pairs.source_name = delivered.source_name
        and (pairs.stage_match = delivered.stage_match or pairs.stage_match = {{ as_match_name('delivered.stage_name') }})
        and (delivered.pipeline_match is null or delivered.pipeline_match = pairs.pipeline_match
            or {{ as_match_name('delivered.pipeline_name') }} = pairs.pipeline_match)
),

matched as (
    select
        placed.*,
        rules.outcome as rule_outcome, rules.stage_position as rule_position, rules.counts_as,
        row_number() over (
            partition by placed.source_name, placed.pipeline, placed.stage
            order by
                case when rules.pipeline_match = '*' then 1 else 0 end,
                case when rules.source_name = '*' then 1 else 0 end
        ) as rule_rank
    from placed
    left join rules
        on (placed.stage_match = rules.stage_match or {{ as_match_name('placed.delivered_name') }} = rules.stage_match)
        and (rules.pipeline_match = '*' or rules.pipeline_match = placed.pipeline_match
            or rules.pipeline_match = {{ as_match_name('placed.pipeline_name') }})
        and (rules.source_name = '*' or rules.source_name = placed.source_name)
    where placed.delivered_rank = 1
),

labelled as (
    select
        matched.source_name, matched.pipeline, matched.stage, matched.stage_match,
        coalesce(matched.delivered_name, matched.stage) as stage_label,
        coalesce(matched.pipeline_name, matched.pipeline) as pipeline_label,
        coalesce(matched.rule_outcome, matched.delivered_outcome, matched.row_outcome, told_elsewhere.row_outcome) as outcome,
        matched.is_told_by_row,
        coalesce(matched.rule_position, cast(matched.delivered_position as integer)) as stage_position,
        matched.counts_as,
        cast(matched.deal_count as bigint) as deal_count, matched.example_file, matched.example_row
    from matched
    left join told_elsewhere
        on matched.source_name = told_elsewhere.source_name and matched.stage_match = told_elsewhere.stage_match
    where matched.rule_rank = 1
),

-- places of the open stages of a pipeline as they follow each other; a won stage comes after them
ranked as (
    select
        *,
        case when outcome = 'open' and stage_position is not null
            then dense_rank() over (partition by source_name, pipeline, outcome order by stage_position nulls last) end as open_rank
    from labelled
)

select
    source_name, pipeline, stage, stage_match, stage_label, pipeline_label, outcome, is_told_by_row, stage_position, counts_as,
    cast(case outcome when 'open' then open_rank when 'won' then max(open_rank) over (partition by source_name, pipeline) + 1 end as integer) as stage_rank,
    deal_count, example_file, example_row
from ranked
