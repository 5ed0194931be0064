-- Merged deals and where they went: the end of the chain, four steps at most.
with

{{ newest_version(ref('int_deals__united'), 'deal_id', entity='deals') }}

links as (select deal_id, merged_into from newest where merged_into is not null and merged_into <> deal_id)

select
    links.deal_id,
    coalesce(fourth.merged_into, third.merged_into, second.merged_into, links.merged_into) as survivor_id
from links
left join links as second on links.merged_into = second.deal_id
left join links as third on second.merged_into = third.deal_id
left join links as fourth on third.merged_into = fourth.deal_id
