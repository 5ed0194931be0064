{{ config(meta={'empty_without': ['int_partners__described']}) }}
select partner_id, partner_name, manager_id, joined_on, left_on, tier, fee_share
from {{ ref('int_partners__described') }}
