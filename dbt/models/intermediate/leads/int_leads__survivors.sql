-- Merged leads and where they went: the end of the chain, four steps at most.
with

{{ newest_version(ref('int_leads__united'), 'lead_id', entity='leads') }}

links as (select lead_id, merged_into from newest where merged_into is not null and merged_into <> lead_id)

select
    links.lead_id,
    coalesce(fourth.merged_into, third.merged_into, second.merged_into, links.merged_into) as survivor_id
from links
left join links as second on links.merged_into = second.lead_id
left join links as third on second.merged_into = third.lead_id
left join links as fourth on third.merged_into = fourth.lead_id
