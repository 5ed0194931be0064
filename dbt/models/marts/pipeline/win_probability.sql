select source_name, pipeline, stage_name, age_from, age_to, deals, wins, pipeline_rate, probability
from {{ ref('int_deals__win_probability') }}
