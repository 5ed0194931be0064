-- One row: how many wins have no date and so stand in no period.
select
    count(*) as win_count,
    sum(case when deals.won_on is null then 1 else 0 end) as undated_count,
    coalesce(cast(sum(case when deals.won_on is null then 1 else 0 end) as double) / nullif(cast(count(*) as double), 0), 0)
        <= max(settings.undated_wins_limit) as is_within_limit
from {{ ref('int_deals__attributed') }} as deals
cross join {{ ref('int_settings') }} as settings
where deals.outcome = 'won'
