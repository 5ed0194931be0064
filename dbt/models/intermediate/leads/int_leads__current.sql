{{ config(meta={'empty_without': ['int_leads__united']}) }}
-- One row per lead that exists by the run's day, with the first lead of its chain: leads of one contact,
-- each less than `lead_dedupe_days` after the one before, are one lead.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

sources as (select * from {{ ref('stg_workspace__sources') }}),

managers as (select * from {{ ref('int_managers__crosswalk') }}),

customers as (select * from {{ ref('int_customers__crosswalk') }}),

channels as (select * from {{ ref('int_channels__crosswalk') }}),

statuses as (select * from {{ ref('stg_workspace__lead_statuses') }}),

deal_survivors as (select * from {{ ref('int_deals__survivors') }}),

{{ newest_version(ref('int_leads__united'), 'lead_id', entity='leads') }}

{{ deletions(ref('int_leads__united'), 'lead_id') }}

gone as (
    select deletions.gone_key from deletions cross join settings where deletions.deleted_on <= settings.as_of
),

living as (
    select newest.*, coalesce('p' || newest.phone, 'e' || newest.email) as contact_key
    from newest
    cross join settings
    left join gone on newest.lead_id = gone.gone_key
    where gone.gone_key is null and newest.merged_into is null and newest.created_on <= settings.as_of
),

shared_contacts as (select contact_key from living where contact_key is not null group by contact_key having count(*) > 1),

spaced as (
    select
        living.lead_id, living.contact_key, living.created_at,
        case when {{ days_between('lag(living.created_on) over (partition by living.contact_key order by living.created_at, living.lead_id)', 'living.created_on') }}
            < settings.lead_dedupe_days then 0 else 1 end as is_chain_start
    from living
    inner join shared_contacts on living.contact_key = shared_contacts.contact_key
    cross join settings
),

chained as (
    select *, sum(is_chain_start) over (
        partition by contact_key order by created_at, lead_id rows between unbounded preceding and current row) as chain_number
    from spaced
),

heads as (
    select lead_id, first_value(lead_id) over (
        partition by contact_key, chain_number order by created_at, lead_id
        rows between unbounded preceding and current row) as head_lead_id
    from chained
),

meanings as (
    select source_name, status_match, min(outcome) as outcome from statuses group by source_name, status_match
)

select
    living.lead_id,
    coalesce(heads.head_lead_id, living.lead_id) as head_lead_id,
    living.source_name,
    living.created_at, living.created_on,
    coalesce(managers.manager_id, 'not_given') as manager_id,
    coalesce(channels.channel_id, 'not_given') as channel_id,
    living.campaign,
    living.status,
    coalesce(own_status.outcome, any_status.outcome, living.system_outcome) as status_outcome,
    case
        when living.qualified_on <= settings.as_of then living.qualified_on
        when living.qualified_on is null and coalesce(own_status.outcome, any_status.outcome, living.system_outcome) in ('qualified', 'converted')
            and living.converted_on <= settings.as_of then living.converted_on
    end as qualified_on,
    case when sources.lead_converted_means = 'won' and living.converted_on <= settings.as_of then living.converted_on end as converted_won_on,
    coalesce(deal_survivors.survivor_id, living.deal_id) as deal_id,
    customers.customer_id,
    living.partner_id,
    living.first_response_at, living.first_response_on,
    living._source_file, living._source_row, living._file_sha256
from living
cross join settings
left join heads on living.lead_id = heads.lead_id
left join sources on living.source_name = sources.source_name
left join managers on coalesce(living.manager_id, living.source_name || ':~' || living.manager_name) = managers.manager_ref
left join customers on living.customer_id = customers.customer_ref
left join channels on living.source = channels.channel_spelling
left join deal_survivors on living.deal_id = deal_survivors.deal_id
left join meanings as own_status
    on living.source_name = own_status.source_name and {{ as_match_name('living.status') }} = own_status.status_match
left join meanings as any_status
    on any_status.source_name = '*' and {{ as_match_name('living.status') }} = any_status.status_match
