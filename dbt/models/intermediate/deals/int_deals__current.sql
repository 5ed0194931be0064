{{ config(meta={'empty_without': ['int_deals__united']}) }}
-- One row per deal that exists by the run's day: newest version, neither deleted nor merged away.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

stages as (select * from {{ ref('int_stages__mapped') }}),

managers as (select * from {{ ref('int_managers__crosswalk') }}),

customers as (select * from {{ ref('int_customers__crosswalk') }}),

products as (select * from {{ ref('int_products__crosswalk') }}),

channels as (select * from {{ ref('int_channels__crosswalk') }}),

lead_survivors as (select * from {{ ref('int_leads__survivors') }}),

currencies as (select * from {{ ref('stg_workspace__aliases') }} where subject = 'currency'),

{{ newest_version(ref('int_deals__united'), 'deal_id', entity='deals') }}

{{ deletions(ref('int_deals__united'), 'deal_id') }}

gone as (
    select deletions.gone_key from deletions cross join settings where deletions.deleted_on <= settings.as_of
),

final as (
    select
        newest.deal_id,
        newest.deal_name,
        newest.source_name,
        newest.pipeline,
        coalesce(stages.stage_label, newest.stage) as stage_name,
        coalesce(stages.outcome, newest.system_outcome) as stage_outcome,
        stages.counts_as as stage_counts_as,
        newest.opened_at, newest.opened_on,
        newest.closed_at, newest.closed_on,
        newest.planned_close_on,
        newest.amount as amount_native,
        upper(coalesce(currencies.name, newest.currency, newest._default_currency)) as currency,
        newest.cost as cost_native,
        coalesce(managers.manager_id, 'not_given') as manager_now_id,
        customers.customer_id as own_customer_id,
        coalesce(lead_survivors.survivor_id, newest.lead_id) as lead_id,
        channels.channel_id as own_channel_id,
        newest.campaign,
        coalesce(products.product_id, 'not_given') as product_id,
        newest.partner_id,
        lower(newest.partner_role) as partner_role,
        newest.loss_reason,
        newest.updated_at, newest.updated_on,
        observations.observed_at, observations.observed_on,
        newest._source_file, newest._source_row, newest._file_sha256
    from newest
    cross join settings
    inner join {{ ref('int_landings__observed') }} as observations on newest._landing_key = observations._landing_key
    left join gone on newest.deal_id = gone.gone_key
    left join stages
        on newest.source_name = stages.source_name and newest.stage = stages.stage
        and coalesce(newest.pipeline, '') = coalesce(stages.pipeline, '')
    left join managers on coalesce(newest.manager_id, newest.source_name || ':~' || newest.manager_name) = managers.manager_ref
    left join customers on coalesce(newest.customer_id, newest.source_name || ':~' || newest.customer_name) = customers.customer_ref
    left join products on coalesce(newest.product_id, newest.source_name || ':~' || newest.product_name) = products.product_ref
    left join channels on newest.source = channels.channel_spelling
    left join lead_survivors on newest.lead_id = lead_survivors.lead_id
    left join currencies on {{ as_match_name('newest.currency') }} = currencies.spelling_match
    where gone.gone_key is null
        and newest.merged_into is null
        and (newest.opened_on is null or newest.opened_on <= settings.as_of)
)

select * from final
