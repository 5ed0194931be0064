{{ config(materialized='table') }}
-- Grain changes here: one row per value that did not type, or per line that is no row.
{%- set entities = ['managers', 'customers', 'products', 'leads', 'deals', 'deal_items', 'deal_stages', 'deal_changes', 'deal_splits',
    'payments', 'activities', 'spend', 'subscriptions', 'partners', 'fx_rates', 'calendar'] %}
with

listed as (
    {%- for entity in entities %}
    select '{{ entity }}' as entity, _source_file, _source_row, _file_sha256, _is_row_rejected, {{ each_part('_issues', 'chr(30)') }} as issue
    from {{ ref('stg_files__' ~ entity) }} where _issues is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

told as (
    select
        listed.*,
        {{ nth_part('issue', 'chr(31)', 1) }} as column_name,
        {{ nth_part('issue', 'chr(31)', 2) }} as reason_code,
        {{ nth_part('issue', 'chr(31)', 3) }} as value
    from listed
)

select
    _source_file, _source_row, _file_sha256, entity, column_name,
    nullif(value, '') as value,
    reason_code,
    case reason_code
        when 'missing_value' then column_name || ' is required and is empty'
        when 'not_a_time' then column_name || ' is no date or time in the order of its column'
        when 'not_a_number' then column_name || ' is no number in the spelling of its column'
        when 'not_a_yes_or_no' then column_name || ' is neither yes nor no'
        when 'not_a_phone' then column_name || ' is no phone number'
        else column_name || ' is no e-mail address'
    end || case when _is_row_rejected then '; the row is left out' else '; the value is left out, the row stays' end as reason,
    _is_row_rejected as is_row_rejected
from told
union all
select
    rejects._source_file, rejects._source_row, landed._file_sha256, rejects.entity, cast(null as {{ dbt.type_string() }}),
    rejects.value, rejects.reason_code, rejects.reason || '; the row is left out', true
from {{ source('raw', 'file_rejects') }} as rejects
inner join {{ source('raw', 'landed') }} as landed on rejects.landing_key = landed.landing_key
