{{ config(meta={'empty_without': ['int_deals__touches']}) }}
select deal_id, from_on, to_on from {{ ref('int_deals__touches') }}
