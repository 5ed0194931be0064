{{ config(meta={'empty_without': ['int_deal_splits__united']}) }}
-- One row per delivered share of a deal. The shares of a deal come from the newest file that holds any of them; those outside
-- 0..1 or with a sum off 1 by more than 0.0001 reject all rows of the deal's split, and the deal keeps its owner.
with

survivors as (select * from {{ ref('int_deals__survivors') }}),

managers as (select * from {{ ref('int_managers__crosswalk') }}),

{{ last_full_delivery('deal_splits') }}

placed as (
    select
        splits.source_name, splits.deal_id, splits.manager_id, splits.share, splits._is_row_rejected as is_untyped,
        splits._source_file, splits._source_row, splits._file_sha256, splits._landing_key, splits._observed_at, splits._left_out,
        coalesce(survivors.survivor_id, splits.deal_id) as split_deal_id,
        managers.manager_id as credited_manager_id
    from {{ ref('int_deal_splits__united') }} as splits
    left join survivors on splits.deal_id = survivors.deal_id
    left join managers on splits.manager_id = managers.manager_ref
),

newest_files as (
    select placed.split_deal_id, placed._file_sha256, row_number() over (
        partition by placed.split_deal_id order by max(placed._observed_at) desc nulls last, placed._file_sha256 desc) as file_rank
    from placed
    left join last_full on placed.source_name = last_full.source_name
    where not placed.is_untyped and placed._observed_at >= coalesce(last_full.observed_at, placed._observed_at)
    group by placed.split_deal_id, placed._file_sha256
),

judged as (
    select
        split_deal_id, _file_sha256,
        sum(case when is_untyped then 0 else share end) as share_sum,
        min(share) < 0 or max(share) > 1 or bool_or(is_untyped)
            or abs(sum(case when is_untyped then 0 else share end) - 1) > 0.0001 as is_bad
    from placed group by split_deal_id, _file_sha256
)

select
    placed.*,
    placed.is_untyped or coalesce(judged.is_bad, false) as _is_row_rejected,
    coalesce(judged.is_bad, false) and not placed.is_untyped as is_bad_split,
    judged.share_sum,
    coalesce(newest_files.file_rank = 1, false) as is_in_force
from placed
left join judged on placed.split_deal_id = judged.split_deal_id and placed._file_sha256 = judged._file_sha256
left join newest_files on placed.split_deal_id = newest_files.split_deal_id and placed._file_sha256 = newest_files._file_sha256
