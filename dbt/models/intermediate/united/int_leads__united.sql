{%- set as_deal = {'created_at': 'opened_at', 'created_on': 'opened_on', 'lead_id': 'deal_id'} %}
{%- set shared = ['source_name', 'deal_id', 'manager_id', 'manager_name', 'source', 'campaign', 'customer_id', 'partner_id', 'updated_at', 'updated_on', 'is_deleted',
    'merged_into', '_is_row_rejected'] + lineage_columns() %}
with

delivered as (
    {{ united('leads') }}
),

-- where a source has no lead of its own, a deal is one from the day it was opened
deals as (
    select deals.* from {{ ref('int_deals__united') }} as deals
    inner join {{ ref('stg_workspace__leads_from_deals') }} as sources on deals.source_name = sources.source_name
    where not deals._is_row_rejected and deals.opened_at is not null
)

select * from delivered
union all
select
    {%- for column in staged_columns_of('leads') %}
    {%- if column in as_deal %} {{ as_deal[column] }}
    {%- elif column in shared %} {{ column }}
    {%- elif column == '_issues' %} cast(null as {{ dbt.type_string() }})
    {%- else %} null
    {%- endif %} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
from deals
