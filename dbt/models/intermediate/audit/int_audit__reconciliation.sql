-- One row per delivered file x table: rows and native money seen = loaded + quarantined.
-- Left out are those of the loaded that are no record by a rule of their system (templates, copies).
-- A table that is read for reference only has no staged rows: all it landed counts as loaded.
{%- set amounts = ['deals', 'payments', 'spend', 'subscriptions'] %}
with

files as (select * from {{ source('raw', 'files') }}),

staged as (
    {%- for entity in canonical_entities() %}
    select
        '{{ entity }}' as entity, _landing_key,
        {%- if entity == 'subscriptions' %}{# a trial and what is paid after it may stand in one row #}
        count(distinct case when not _is_row_rejected or _left_out is not null then _source_row end) as rows_loaded,
        count(distinct _source_row) - count(distinct case when not _is_row_rejected or _left_out is not null then _source_row end) as rows_rejected,
        {%- else %}
        sum(case when _is_row_rejected and _left_out is null then 0 else 1 end) as rows_loaded,
        sum(case when _is_row_rejected and _left_out is null then 1 else 0 end) as rows_rejected,
        {%- endif %}
        sum(case when _left_out is not null then 1 else 0 end) as rows_left_out,
        {%- if entity in amounts %}
        sum(case when not _is_row_rejected or _left_out is not null then amount end) as amount_loaded,
        sum(case when _is_row_rejected and _left_out is null then amount end) as amount_rejected
        {%- else %}
        cast(null as decimal(38, 4)) as amount_loaded, cast(null as decimal(38, 4)) as amount_rejected
        {%- endif %}
    from {{ ref('int_deal_splits__checked' if entity == 'deal_splits' else 'int_' ~ entity ~ '__united') }}
    group by _landing_key
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    files.source_name, files.entity, files.file_name, files.file_sha256, files.status,
    coalesce(files.rows_seen, 0) as rows_seen,
    cast(case when files.entity in ('{{ canonical_entities() | join("', '") }}') then coalesce(staged.rows_loaded, 0) else coalesce(files.rows_landed, 0) end as bigint) as rows_loaded,
    cast(coalesce(staged.rows_left_out, 0) as bigint) as rows_left_out,
    cast(coalesce(staged.rows_rejected, 0) + coalesce(files.rows_refused, 0) as bigint) as rows_quarantined,
    coalesce(files.rows_blank, 0) as rows_blank,
    coalesce(files.rows_total_lines, 0) as rows_total_lines,
    files.amount_seen,
    case when files.amount_seen is not null then cast(coalesce(staged.amount_loaded, 0) as decimal(38, 4)) end as amount_loaded,
    case when files.amount_seen is not null then cast(coalesce(staged.amount_rejected, 0) as decimal(38, 4)) end as amount_quarantined
from files
left join staged on files.landing_key = staged._landing_key and files.entity = staged.entity
