{{ config(meta={'empty_without': ['fct_mrr_periods']}) }}
select
    period_start as month, customer_id, manager_id, team_id, strategy, channel_id, subscription_id,
    mrr_start,
    {{ mrr_movements('mrr_start', 'mrr_end', 'first_seen_on >= first_day') }},
    mrr_end, last_day as counted_on, _source_file, _source_row
from {{ ref('fct_mrr_periods') }}
where window_code = 'period' and period_grain = 'month' and (mrr_start > 0 or mrr_end > 0)
