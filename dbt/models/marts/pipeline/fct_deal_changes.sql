{{ config(meta={'empty_without': ['int_deals__changes']}) }}
select deal_id, field, old_value, new_value, changed_at, changed_on, basis, is_inferred, _source_file, _source_row
from {{ ref('int_deals__changes') }}
where field <> 'stage'
