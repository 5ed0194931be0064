-- One row per source x pipeline x stage seen; NULL outcome = no rule maps it, which gate 2 refuses.
with

rules as (select * from {{ ref('stg_workspace__stages') }}),

seen as (
    select source_name, pipeline, stage, count(*) as deal_count, min(_source_file) as example_file, min(_source_row) as example_row
    from {{ ref('int_deals__united') }} where not _is_row_rejected
    group by source_name, pipeline, stage
    union all
    select source_name, pipeline, stage, count(*), min(_source_file), min(_source_row)
    from {{ ref('int_deal_stages__united') }} where not _is_row_rejected
    group by source_name, pipeline, stage
    {%- for value in ['old_value', 'new_value'] %}
    union all
    select changes.source_name, deals.pipeline, changes.{{ value }}, count(*), min(changes._source_file), min(changes._source_row)
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
        sum(deal_count) as deal_count, min(example_file) as example_file, min(example_row) as example_row
    from seen group by source_name, pipeline, stage
),

matched as (
    select
        pairs.*,
        rules.outcome, rules.stage_position, rules.counts_as,
        row_number() over (
            partition by pairs.source_name, pairs.pipeline, pairs.stage
            order by
                case when rules.pipeline_match = '*' then 1 else 0 end,
                case when rules.source_name = '*' then 1 else 0 end
        ) as rule_rank
    from pairs
    left join rules
        on pairs.stage_match = rules.stage_match
        and (rules.pipeline_match = '*' or rules.pipeline_match = pairs.pipeline_match)
        and (rules.source_name = '*' or rules.source_name = pairs.source_name)
),

-- places of the open stages of a pipeline as they follow each other; a won stage comes after them
ranked as (
    select
        *,
        case when outcome = 'open' and stage_position is not null
            then dense_rank() over (partition by source_name, pipeline, outcome order by stage_position nulls last) end as open_rank
    from matched
    where rule_rank = 1
)

select
    source_name, pipeline, stage, stage_match, outcome, stage_position, counts_as,
    cast(case outcome when 'open' then open_rank when 'won' then max(open_rank) over (partition by source_name, pipeline) + 1 end as integer) as stage_rank,
    cast(deal_count as bigint) as deal_count, example_file, example_row
from ranked
