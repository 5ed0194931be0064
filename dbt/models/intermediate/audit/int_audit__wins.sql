-- One row: how many wins have no date and so stand in no period. Where a source cannot tell any date, what stands on
-- it is unavailable, so nothing is short by it.
select
    count(*) as win_count,
    sum(case when deals.won_on is null then 1 else 0 end) as undated_count,
    coalesce(cast(sum(case when deals.won_on is null then 1 else 0 end) as double) / nullif(cast(count(*) as double), 0), 0)
        <= max(settings.undated_wins_limit) as is_within_limit
from {{ ref('int_deals__attributed') }} as deals
cross join {{ ref('int_settings') }} as settings
inner join {{ ref('stg_workspace__sources') }} as sources on deals.source_name = sources.source_name
where deals.outcome = 'won' and (sources.tells_won_date or deals.won_on is not null)
