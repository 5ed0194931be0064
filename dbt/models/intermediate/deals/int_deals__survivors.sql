{{ config(meta={'empty_without': ['int_deals__united']}) }}
-- Merged deals and where they went.
with

{{ newest_version(ref('int_deals__united'), 'deal_id', entity='deals') }}

links as (select deal_id, merged_into from newest where merged_into is not null and merged_into <> deal_id)

select * from (
    {{ ends_of_merges('deal_id') }}
) as ends
