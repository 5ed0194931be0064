{{ config(meta={'empty_without': ['int_activities__united']}) }}
-- One row per kind of activity as a source writes it, with what it means. A table of its own: the join to the activities
-- is then planned by its true size, which is a handful.
with

types as (
    select source_name, type_match, min(kind) as kind from {{ ref('stg_workspace__activity_types') }} group by source_name, type_match
),

seen as (select distinct source_name, kind from {{ ref('int_activities__united') }} where not _is_row_rejected)

select
    seen.source_name, seen.kind as delivered_kind,
    coalesce(own_type.kind, any_type.kind, words.meaning, 'other') as kind,
    coalesce(own_type.kind, any_type.kind, words.meaning) is null as is_unknown_kind
from seen
left join types as own_type on seen.source_name = own_type.source_name and {{ as_match_name('seen.kind') }} = own_type.type_match
left join types as any_type on any_type.source_name = '*' and {{ as_match_name('seen.kind') }} = any_type.type_match
left join {{ ref('words') }} as words on words.subject = 'activity_kind' and {{ as_match_name('seen.kind') }} = words.word
