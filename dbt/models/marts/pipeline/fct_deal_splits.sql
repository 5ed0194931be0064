{{ config(meta={'empty_without': ['int_deal_splits__checked']}) }}
-- The remainder of rounding goes to the owner; shares of a deal then add up to exactly 1.
with

shares as (
    select splits.split_deal_id as deal_id, splits.credited_manager_id as manager_id, bool_or(splits._is_row_rejected) as is_rejected,
        sum(splits.share) as delivered_share, min(splits._source_file) as _source_file, min(splits._source_row) as _source_row
    from {{ ref('int_deal_splits__checked') }} as splits
    where splits.is_in_force
    group by splits.split_deal_id, splits.credited_manager_id
),

placed as (
    select
        shares.*, deals.manager_id as owner_id,
        cast(1 - sum(shares.delivered_share) over (partition by shares.deal_id) as decimal(18, 8)) as remainder,
        row_number() over (
            partition by shares.deal_id
            order by case when shares.manager_id = deals.manager_id then 0 else 1 end, shares.delivered_share desc, shares.manager_id) as place
    from shares
    inner join {{ ref('fct_deals') }} as deals on shares.deal_id = deals.deal_id
)

select
    deal_id, manager_id, manager_id = owner_id as is_owner, is_rejected,
    cast(delivered_share as decimal(18, 8)) as delivered_share,
    case when not is_rejected then cast(
        delivered_share + case when place = 1 and (manager_id = owner_id or remainder < 0) then remainder else 0 end as decimal(18, 8)) end as share,
    _source_file, _source_row
from placed
union all
select deal_id, owner_id, true, false, cast(0 as decimal(18, 8)), remainder, _source_file, _source_row
from placed where place = 1 and manager_id <> owner_id and remainder > 0 and not is_rejected
