with

crosswalk as (select * from {{ ref('int_customers__crosswalk') }}),

{{ newest_version(ref('int_customers__united'), 'customer_id', entity='customers') }}

names as (select customer_id, min(customer_name) as customer_name from crosswalk group by customer_id),

facts as (
    select
        crosswalk.customer_id, max(newest.segment) as segment, max(newest.region) as region,
        min(newest.created_on) as created_on, max(newest.kind) as kind
    from newest
    inner join crosswalk on newest.customer_id = crosswalk.customer_ref
    group by crosswalk.customer_id
),

wins as (
    select customer_id, min(won_on) as first_won_on from {{ ref('int_deals__attributed') }}
    where customer_id is not null group by customer_id
)

select
    names.customer_id, names.customer_name, facts.segment, facts.region, facts.created_on, facts.kind, wins.first_won_on
from names
left join facts on names.customer_id = facts.customer_id
left join wins on names.customer_id = wins.customer_id
