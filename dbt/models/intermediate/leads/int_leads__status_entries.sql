{{ config(meta={'empty_without': ['int_leads__current']}) }}
-- One row per lead x event that its status stands for: the first delivery that brought such a status to a lead that had
-- another before. Dated `updated_at` if that lies inside (previous, this] observation, else this observation.
with

settings as (select * from {{ ref('stg_workspace__settings') }}),

leads as (select lead_id, head_lead_id, manager_id, channel_id from {{ ref('int_leads__current') }}),

accepted as (select * from {{ ref('int_leads__united') }} where not _is_row_rejected),

observations as (select * from {{ ref('int_landings__observed') }}),

meanings as (
    select source_name, status_match, coalesce(max(counts_as), max(case when outcome in ('qualified', 'converted') then 'qualified' end)) as event
    from {{ ref('stg_workspace__lead_statuses') }} group by source_name, status_match
),

versions as (
    select
        accepted.lead_id, coalesce(own_status.event, any_status.event) as event, accepted.updated_at, accepted.updated_on,
        observations.observed_at, observations.observed_until, observations.observed_on, accepted._source_file, accepted._source_row,
        row_number() over (
            partition by accepted.lead_id
            order by accepted.updated_at nulls first, accepted._observed_at nulls first, accepted._file_sha256, accepted._source_row) as version_number
    from {{ ref('int_records__repeated') }} as repeated
    inner join accepted on repeated.record_key = accepted.lead_id and repeated.entity = 'leads'
    inner join observations on accepted._landing_key = observations._landing_key
    left join meanings as own_status
        on accepted.source_name = own_status.source_name and {{ as_match_name('accepted.status') }} = own_status.status_match
    left join meanings as any_status
        on any_status.source_name = '*' and {{ as_match_name('accepted.status') }} = any_status.status_match
    where not coalesce(accepted.is_deleted, false) and accepted.merged_into is null
),

entries as (
    select
        later.lead_id, later.event,
        case when {{ is_change_dated('later', 'earlier') }} then later.updated_at else later.observed_at end as occurred_at,
        case when {{ is_change_dated('later', 'earlier') }} then later.updated_on else later.observed_on end as occurred_on,
        later._source_file, later._source_row,
        row_number() over (partition by later.lead_id, later.event order by later.version_number) as entry_number
    from versions as later
    inner join versions as earlier on later.lead_id = earlier.lead_id and later.version_number = earlier.version_number + 1
    where later.event is not null and coalesce(earlier.event, '') <> later.event
)

select
    entries.lead_id, leads.head_lead_id, entries.event, entries.occurred_at, entries.occurred_on, leads.manager_id, leads.channel_id,
    entries._source_file, entries._source_row
from entries
cross join settings
inner join leads on entries.lead_id = leads.lead_id
where entries.entry_number = 1 and entries.occurred_on <= settings.as_of
