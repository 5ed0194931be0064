with

managers as (select * from {{ ref('int_managers__crosswalk') }}),

{{ newest_version(ref('int_partners__united'), 'partner_id', none) }}

mentioned as (
    select distinct partner_id from {{ ref('int_deals__attributed') }} where partner_id is not null
)

select
    coalesce(newest.partner_id, mentioned.partner_id) as partner_id,
    coalesce(newest.partner_name, mentioned.partner_id) as partner_name,
    managers.manager_id, newest.joined_on, newest.left_on, newest.tier, newest.fee_share
from newest
full outer join mentioned on newest.partner_id = mentioned.partner_id
left join managers on newest.manager_id = managers.manager_ref
