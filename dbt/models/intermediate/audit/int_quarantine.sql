-- One row per value that did not type, per line that is no row, per rejected file, and per record that
-- stays but is listed.
with

listed as (
    {%- for entity in canonical_entities() %}
    select '{{ entity }}' as entity, _source_file, _source_row, _is_row_rejected, {{ each_part('_issues', 'chr(30)') }} as issue
    from {{ ref('int_' ~ entity ~ '__united') }} where _issues is not null
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
    _source_file, _source_row, entity, column_name,
    {{ without_contacts("nullif(value, '')") }} as value,
    reason_code,
    case reason_code
        when 'missing_value' then column_name || ' is required and is empty'
        when 'not_a_time' then column_name || ' is no date or time in the order of its column'
        when 'not_a_number' then column_name || ' is no number in the spelling of its column'
        when 'other_currency' then column_name || ' names another currency than its row has'
        when 'not_a_yes_or_no' then column_name || ' is neither yes nor no'
        when 'not_a_phone' then column_name || ' is no phone number'
        else column_name || ' is no e-mail address'
    end || case when _is_row_rejected then '; the row is left out' else '; the value is left out, the row stays' end as reason,
    _is_row_rejected as is_row_rejected
from told
union all
select
    _source_file, _source_row, entity, cast(null as {{ dbt.type_string() }}), {{ without_contacts('value') }}, reason_code, reason || '; the row is left out', true
from {{ source('raw', 'file_rejects') }}
union all
select _source_file, _source_row, entity, column_name, value, reason_code, reason, false
from {{ ref('int_audit__listed') }}
union all
select _source_file, _source_row, 'deal_splits', 'share', cast(share as {{ dbt.type_string() }}), 'bad_split',
    concat('the shares of a deal lie in 0..1 and add up to 1; these add up to ', cast(share_sum as {{ dbt.type_string() }}),
        '. The rows of this split are left out, the deal stays with its owner'), true
from {{ ref('int_deal_splits__checked') }} where is_bad_split
union all
select file_name, cast(null as bigint), entity, cast(null as {{ dbt.type_string() }}), cast(null as {{ dbt.type_string() }}), reason_code, reason, true
from {{ source('raw', 'files') }}
where status = 'rejected'
