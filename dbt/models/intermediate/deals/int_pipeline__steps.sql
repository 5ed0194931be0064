{{ config(materialized='view') }}
-- One row per change of the open deals of a pipeline x stage x manager x channel x product x partner on a day: what came, or less
-- what went. The sum up to a day is the state in its evening; money is in the reporting currency at the rate of
-- the day, so that foreign money has a step on each day. `unpriced_count`: deals whose currency has no rate that day.
{%- set dims = 'pipeline, stage_name, manager_id, version_from, channel_id, product_id, partner_id' %}
{%- set sums = ['deal_count', 'amount', 'weighted_amount', 'kept_count', 'samples', 'product_samples'] %}
with

settings as (select as_of, reporting_currency from {{ ref('stg_workspace__settings') }}),

spans as (select * from {{ ref('int_deals__open_spans') }}),

chances as (select * from {{ ref('int_deals__win_probability') }}),

-- the deal with its money, apart by the chance at each age in the stage; and whether it is kept up
pieces as (
    select
        spans.deal_id, spans.pipeline, spans.stage_name, spans.manager_id, spans.channel_id, spans.partner_id, spans.currency,
        case when spans.stage_entered_on is null or chances.age_from is null then spans.from_on
            else greatest(spans.from_on, {{ add_days('spans.stage_entered_on', 'chances.age_from') }}) end as from_on,
        case when spans.stage_entered_on is null or chances.age_from is null then spans.to_on
            else {{ earlier_end('spans.to_on', add_days('spans.stage_entered_on', 'chances.age_to')) }} end as to_on,
        1 as deal_count, coalesce(spans.amount_native, 0) as amount,
        cast(coalesce(cast(spans.amount_native as double) * chances.probability, 0) as decimal(18, 4)) as weighted_amount, 0 as kept_count
    from spans
    left join chances
        on spans.source_name = chances.source_name and coalesce(spans.pipeline, '') = coalesce(chances.pipeline, '')
        and coalesce(spans.stage_name, '') = coalesce(chances.stage_name, '')
        and case when spans.stage_entered_on is null then chances.age_from = 0
            else {{ spans_meet('spans.from_on', 'spans.to_on', add_days('spans.stage_entered_on', 'chances.age_from'), add_days('spans.stage_entered_on', 'chances.age_to')) }} end
    union all
    select
        spans.deal_id, spans.pipeline, spans.stage_name, spans.manager_id, spans.channel_id, spans.partner_id, spans.currency,
        greatest(spans.from_on, touches.from_on), {{ earlier_end('spans.to_on', 'touches.to_on') }},
        0, cast(0 as decimal(18, 4)), cast(0 as decimal(18, 4)), 1
    from spans
    inner join {{ ref('int_deals__touches') }} as touches
        on spans.deal_id = touches.deal_id and {{ spans_meet('spans.from_on', 'spans.to_on', 'touches.from_on', 'touches.to_on') }}
    where spans.amount_native > 0 and spans.planned_close_on is not null
),

-- grain changes here: a deal comes apart by product, and where its manager changed team
parted as (
    select
        pieces.pipeline, pieces.stage_name, pieces.manager_id, versions.valid_from as version_from,
        pieces.channel_id, parts.product_id, pieces.partner_id, pieces.currency,
        greatest(pieces.from_on, versions.valid_from) as from_on,
        case when least(coalesce(pieces.to_on, date '9999-12-31'), versions.valid_to) <= settings.as_of
            then least(coalesce(pieces.to_on, date '9999-12-31'), versions.valid_to) end as to_on,
        {{ part_of('pieces.deal_count', 'parts.share', 'decimal(18, 6)', 6) }} as deal_count,
        {{ part_of('pieces.amount', 'parts.share', 'decimal(28, 10)', 10) }} as amount,
        {{ part_of('pieces.weighted_amount', 'parts.share', 'decimal(28, 10)', 10) }} as weighted_amount,
        {{ part_of('pieces.kept_count', 'parts.share', 'decimal(18, 6)', 6) }} as kept_count,
        case when parts.is_primary then pieces.deal_count else 0 end as samples,
        pieces.deal_count as product_samples
    from pieces
    cross join settings
    inner join {{ ref('int_deals__products') }} as parts on pieces.deal_id = parts.deal_id
    inner join {{ ref('int_managers__versions') }} as versions
        on pieces.manager_id = versions.manager_id
        and {{ spans_meet('pieces.from_on', 'pieces.to_on', 'versions.valid_from', 'versions.valid_to') }}
),

signed as (
    select
        from_on as day, {{ dims }}, currency, {{ sums | join(', ') }}
    from parted cross join settings
    where from_on <= settings.as_of
    union all
    select
        to_on, {{ dims }}, currency{% for name in sums %}, -{{ name }}{% endfor %}
    from parted
    where to_on is not null
),

-- foreign money: what a group holds in its own currency, valued on each day it holds it
foreign_spans as (
    select {{ dims }}, currency, day as from_on,
        lead(day) over in_order as to_on,
        sum(amount) over up_to_now as amount, sum(weighted_amount) over up_to_now as weighted_amount, sum(deal_count) over up_to_now as deal_count
    from (
        select day, {{ dims }}, currency, sum(deal_count) as deal_count, sum(amount) as amount, sum(weighted_amount) as weighted_amount
        from signed cross join settings
        where currency <> settings.reporting_currency
        group by day, {{ dims }}, currency
    ) as foreign_steps
    window
        in_order as (partition by {{ dims }}, currency order by day),
        up_to_now as (partition by {{ dims }}, currency order by day rows between unbounded preceding and current row)
),

valued as (
    select
        {{ dims }}, days.day,
        cast(coalesce(cast(foreign_spans.amount as decimal(28, 10)) * rates.rate, 0) as decimal(28, 10)) as amount,
        cast(coalesce(cast(foreign_spans.weighted_amount as decimal(28, 10)) * rates.rate, 0) as decimal(28, 10)) as weighted_amount,
        cast(case when rates.rate is null then foreign_spans.deal_count else 0 end as decimal(18, 6)) as unpriced_count
    from foreign_spans
    cross join settings
    inner join {{ ref('int_working_time__daily') }} as days
        on days.day >= foreign_spans.from_on and days.day < coalesce(foreign_spans.to_on, {{ add_days('settings.as_of', 1) }})
    left join {{ ref('int_fx__daily') }} as rates on foreign_spans.currency = rates.currency and days.day = rates.day
    where foreign_spans.deal_count <> 0 or foreign_spans.amount <> 0 or foreign_spans.weighted_amount <> 0
),

steps as (
    select
        day, {{ dims }}, deal_count,
        {%- for amount in ['amount', 'weighted_amount'] %}
        case when currency = settings.reporting_currency then {{ amount }} else cast(0 as decimal(28, 10)) end as {{ amount }},
        {%- endfor %}
        kept_count, cast(0 as decimal(18, 6)) as unpriced_count, samples, product_samples
    from signed cross join settings
    union all
    select day, {{ dims }}, cast(0 as decimal(18, 6)), amount, weighted_amount, cast(0 as decimal(18, 6)), unpriced_count, 0, 0 from valued
    union all
    select
        {{ add_days('day', 1) }}, {{ dims }}, cast(0 as decimal(18, 6)), -amount, -weighted_amount, cast(0 as decimal(18, 6)), -unpriced_count, 0, 0
    from valued cross join settings where day < settings.as_of
)

select
    steps.day, steps.pipeline, steps.stage_name, steps.manager_id, versions.team_id, versions.strategy,
    steps.channel_id, steps.product_id, steps.partner_id,
    steps.deal_count, steps.amount, steps.weighted_amount, steps.kept_count, steps.unpriced_count, steps.samples, steps.product_samples
from steps
inner join {{ ref('int_managers__versions') }} as versions on steps.manager_id = versions.manager_id and steps.version_from = versions.valid_from
