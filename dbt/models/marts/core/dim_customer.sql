with

settings as (select * from {{ ref('int_settings') }}),

lives as (
    select
        customer_id, min(acquired_on) as acquired_on, min(channel_id) as channel_id,
        case when bool_and(is_costed or age >= 12) then sum(case when age < 12 then margin else 0 end) end as margin
    from {{ ref('int_customers__margins') }} group by customer_id
)

select
    described.customer_id, described.customer_name, described.segment, described.region, described.created_on, described.kind, described.first_won_on,
    lives.acquired_on, lives.channel_id,
    cast(case when {{ add_months('lives.acquired_on', 12) }} <= settings.first_incomplete_on then lives.margin end as decimal(18, 4)) as first_year_margin
from {{ ref('int_customers__described') }} as described
cross join settings
left join lives on described.customer_id = lives.customer_id
