-- From steps, not from deals times days: the sums up to each step hold until the next one.
{%- set dims = 'pipeline, stage_name, manager_id, team_id, strategy, channel_id, product_id, partner_id' %}
with

settings as (select as_of, history_start from {{ ref('int_settings') }}),

history as (select is_present from {{ ref('int_inputs__present') }} where input_code = 'changes'),

chances as (select is_present from {{ ref('int_inputs__present') }} where input_code = 'learned_wins'),

steps as (
    select steps.* from {{ ref('int_pipeline__steps') }} as steps cross join history where history.is_present
),

levels as (
    select
        {{ dims }}, day as from_on, lead(day) over in_order as next_on,
        sum(deal_count) over up_to_now as deal_count,
        sum(amount) over up_to_now as amount,
        sum(weighted_amount) over up_to_now as weighted_amount,
        sum(unpriced_count) over up_to_now as unpriced_count
    from steps
    window
        in_order as (partition by {{ dims }} order by day),
        up_to_now as (partition by {{ dims }} order by day rows between unbounded preceding and current row)
),

held as (
    select levels.*, coalesce({{ add_days('levels.next_on', -1) }}, settings.as_of) as last_on
    from levels
    cross join settings
    where levels.deal_count <> 0
),

-- grain changes here: one row per day
days as (select held.*, {{ each_day('from_on', 'last_on') }} as day from held)

select
    cast(days.day as date) as day, days.pipeline, days.stage_name, days.manager_id, days.team_id, days.strategy,
    days.channel_id, days.product_id, days.partner_id,
    cast(days.deal_count as decimal(18, 6)) as deal_count,
    case when days.unpriced_count = 0 then cast(days.amount as decimal(28, 10)) end as amount,
    case when days.unpriced_count = 0 and chances.is_present then cast(days.weighted_amount as decimal(28, 10)) end as weighted_amount
from days
cross join chances
