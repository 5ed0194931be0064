{{ config(meta={'empty_without': ['int_leads__united']}) }}
-- Merged leads and where they went.
with

{{ newest_version(ref('int_leads__united'), 'lead_id', entity='leads') }}

links as (select lead_id, merged_into from newest where merged_into is not null and merged_into <> lead_id)

select * from (
    {{ ends_of_merges('lead_id') }}
) as ends
