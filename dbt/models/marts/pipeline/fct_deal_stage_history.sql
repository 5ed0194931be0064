{{ config(meta={'empty_without': ['int_deals__moves']}) }}
select
    deal_id, source_name, pipeline, stage_name, outcome, stage_position, entered_at, entered_on, left_at, left_on,
    case
        when outcome_before is null or outcome = 'lost' or coalesce(pipeline_before, '') <> coalesce(pipeline, '') then null
        when outcome_before in ('won', 'lost') then case when outcome = 'open' then 'backward' end
        when stage_rank = rank_before + 1 then 'forward'
        when stage_rank > rank_before then 'skipped'
        when stage_rank < rank_before then 'backward'
    end as moved,
    case when is_dated then {{ days_between('entered_on', 'left_on') }} end as days_in_stage,
    move_number, is_inferred, is_dated as is_entry_known, _source_file, _source_row
from {{ ref('int_deals__moves') }}
