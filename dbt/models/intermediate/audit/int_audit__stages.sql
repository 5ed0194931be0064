-- One row per stage that no rule maps, with the line that would.
select
    source_name, pipeline, stage, deal_count, example_file, example_row,
    concat('- {source: ', source_name, ', pipeline: "', coalesce(pipeline, '*'), '", stage: "', stage, '", outcome: open}  # or won, lost') as line_to_add
from {{ ref('int_stages__mapped') }}
where outcome is null and not is_told_by_row
