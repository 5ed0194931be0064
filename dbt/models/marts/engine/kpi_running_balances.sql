-- One row per balance x day x scope: what spans of facts add up to on each evening, as running sums of steps, so that no fact is
-- ever multiplied by its days. Zero balances have no row.
with

settings as (select as_of, history_start from {{ ref('int_settings') }}),

pipeline_steps as (
    select
        day, {{ scope_columns() }},
        sum(deal_count) as deal_count, sum(amount) as amount, sum(weighted_amount) as weighted_amount, sum(kept_count) as kept_count,
        sum(unpriced_count) as unpriced_count, sum(samples) as samples, sum(product_samples) as product_samples
    from {{ ref('int_pipeline__steps') }}
    group by grouping sets ({{ scope_sets('day') }})
),

unpaid_parts as (
    select
        spans.from_on, spans.to_on, spans.manager_id, spans.team_id, spans.strategy, spans.channel_id, spans.partner_id, parts.product_id,
        spans.unpaid_amount * parts.share as amount,
        case when parts.is_primary then 1 else 0 end as samples
    from {{ ref('fct_unpaid_spans') }} as spans
    inner join {{ ref('fct_deal_products') }} as parts on spans.deal_id = parts.deal_id
),

unpaid_steps as (
    select day, {{ scope_columns() }}, sum(amount) as amount, sum(samples) as samples, sum(product_samples) as product_samples
    from (
        select from_on as day, manager_id, team_id, strategy, channel_id, partner_id, product_id, amount, samples, 1 as product_samples from unpaid_parts
        union all
        select to_on, manager_id, team_id, strategy, channel_id, partner_id, product_id, -amount, -samples, -1 from unpaid_parts where to_on is not null
    ) as signed
    group by grouping sets ({{ scope_sets('day') }})
),

partner_steps as (
    {{ active_partner_steps() }}
),

steps as (
    {%- for relation in ['pipeline_steps', 'unpaid_steps', 'partner_steps'] %}{% set is_last_relation = loop.last %}
    {%- for code, value in running_measures(relation) %}
    select '{{ code }}' as measure_code, scope_type, scope_id, day, {{ value }} as value,
        case when scope_type = 'product' then product_samples else samples end as samples
    from {{ relation }} where scope_id is not null
    {{ 'union all' if not (is_last_relation and loop.last) }}
    {%- endfor %}
    {%- endfor %}
),

by_day as (
    select measure_code, scope_type, scope_id, day, sum(value) as value, sum(samples) as samples
    from steps cross join settings
    where day <= settings.as_of
    group by measure_code, scope_type, scope_id, day
),

levels as (
    select
        measure_code, scope_type, scope_id, day as from_on, lead(day) over in_order as next_on,
        sum(value) over up_to_now as value, sum(samples) over up_to_now as samples
    from by_day
    window
        in_order as (partition by measure_code, scope_type, scope_id order by day),
        up_to_now as (partition by measure_code, scope_type, scope_id order by day rows between unbounded preceding and current row)
),

held as (
    select levels.*, greatest(levels.from_on, settings.history_start) as first_on, coalesce({{ add_days('levels.next_on', -1) }}, settings.as_of) as last_on
    from levels
    cross join settings
    where levels.value <> 0 or levels.samples <> 0
),

days as (select held.*, {{ each_day('first_on', 'last_on') }} as day from held)

select
    measure_code, scope_type, scope_id, cast(day as date) as day,
    cast(value as decimal(38, 10)) as value, cast(samples as bigint) as samples
from days
