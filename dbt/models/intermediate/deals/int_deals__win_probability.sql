-- One row per source x pipeline x stage x age in the stage: the chance that an open deal there is won. Of the deals closed in
-- the last 24 months that were still in the stage at that age, the share that was won. Where they are few it leans on the
-- younger age of the stage, the youngest on the rate of the pipeline, and that on the company's: `win_prior_deals` cases
-- of what it leans on are added. So a stage from which nobody that old came back keeps the chance of its last cases.
-- A deal that came back to a stage counts once, by its longest stay. Stage NULL: not known, the pipeline's rate.
-- Empty where fewer deals than low_sample_below have been closed.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

closed as (
    select deals.deal_id, deals.source_name, deals.pipeline, deals.closed_on, case when deals.outcome = 'won' then 1 else 0 end as is_win
    from {{ ref('int_deals__attributed') }} as deals
    cross join settings
    where deals.outcome in ('won', 'lost') and deals.closed_on > {{ add_months('settings.as_of', '-24') }}
),

stays as (
    select
        moves.source_name, moves.pipeline, moves.stage_name, moves.deal_id, max(closed.is_win) as is_win,
        max({{ days_between('moves.entered_on', 'coalesce(moves.left_on, greatest(closed.closed_on, moves.entered_on))') }}) as stay_days
    from {{ ref('int_deals__moves') }} as moves
    inner join closed on moves.deal_id = closed.deal_id
    where moves.outcome = 'open' and moves.is_dated
    group by moves.source_name, moves.pipeline, moves.stage_name, moves.deal_id
),

company as (select cast(count(*) as double) as deals, cast(sum(is_win) as double) as wins from closed),

pipelines as (
    select seen.source_name, seen.pipeline, coalesce(counted.deals, 0) as deals, coalesce(counted.wins, 0) as wins,
        coalesce((cast(coalesce(counted.wins, 0) as double) + settings.win_prior_deals * company.wins / company.deals)
            / nullif(cast(coalesce(counted.deals, 0) as double) + settings.win_prior_deals, 0), company.wins / company.deals) as rate
    from (select distinct source_name, pipeline from {{ ref('int_stages__mapped') }}) as seen
    cross join settings
    cross join company
    left join (select source_name, pipeline, count(*) as deals, sum(is_win) as wins from closed group by source_name, pipeline) as counted
        on seen.source_name = counted.source_name and coalesce(seen.pipeline, '') = coalesce(counted.pipeline, '')
    where company.deals >= settings.low_sample_below and company.deals > 0
),

bands as ({{ age_band_rows() }}),

-- also those that only the records of a system tell to be open
stages as (
    select source_name, pipeline, stage_label from {{ ref('int_stages__mapped') }} where outcome = 'open'
    union
    select source_name, pipeline, stage_name from {{ ref('int_deals__moves') }} where outcome = 'open'
    union
    select source_name, pipeline, stage_name from {{ ref('int_deals__current') }} where stage_outcome = 'open'
),

counted as (
    select
        stages.source_name, stages.pipeline, stages.stage_label as stage_name, bands.age_from, bands.age_to,
        cast(count(stays.deal_id) as double) as deals, cast(coalesce(sum(stays.is_win), 0) as double) as wins
    from stages
    cross join bands
    left join stays
        on stages.source_name = stays.source_name and stages.stage_label = stays.stage_name
        and coalesce(stages.pipeline, '') = coalesce(stays.pipeline, '') and stays.stay_days >= bands.age_from
    group by stages.source_name, stages.pipeline, stages.stage_label, bands.age_from, bands.age_to
),
{% for age in age_bands() %}
learned_{{ age }} as (
    select
        counted.*, pipelines.rate as pipeline_rate,
        {%- set younger = 'pipelines.rate' if loop.first else 'younger.probability' %}
        coalesce((counted.wins + settings.win_prior_deals * {{ younger }}) / nullif(counted.deals + settings.win_prior_deals, 0), {{ younger }}) as probability
    from counted
    cross join settings
    inner join pipelines
        on counted.source_name = pipelines.source_name and coalesce(counted.pipeline, '') = coalesce(pipelines.pipeline, '')
    {%- if not loop.first %}
    inner join learned_{{ age_bands()[loop.index0 - 1] }} as younger
        on counted.source_name = younger.source_name and coalesce(counted.pipeline, '') = coalesce(younger.pipeline, '')
        and counted.stage_name = younger.stage_name
    {%- endif %}
    where counted.age_from = {{ age }}
),
{% endfor %}
learned as (
    {%- for age in age_bands() %}
    select source_name, pipeline, stage_name, age_from, age_to, deals, wins, pipeline_rate, probability from learned_{{ age }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    source_name, pipeline, stage_name, cast(age_from as integer) as age_from, cast(age_to as integer) as age_to,
    cast(deals as bigint) as deals, cast(wins as bigint) as wins, pipeline_rate, probability
from learned
union all
select source_name, pipeline, cast(null as {{ dbt.type_string() }}), 0, 36500, cast(deals as bigint), cast(wins as bigint), rate, rate
from pipelines
