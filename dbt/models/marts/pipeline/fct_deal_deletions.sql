-- One row per deal that a source has deleted by the run's day. Facts hold no such deal; whoever has counted it must know when it went.
{%- set gone = '(select united.* from ' ~ ref('int_deals__united') ~ ' as united left join ' ~ ref('int_deals__attributed')
    ~ ' as kept on united.deal_id = kept.deal_id where kept.deal_id is null)' %}
with

settings as (select * from {{ ref('int_settings') }}),

{{ newest_version(gone, 'deal_id') }}

{{ deletions(ref('int_deals__united'), 'deal_id') }}

final as (
    select
        newest.deal_id,
        deletions.deleted_on,
        newest._source_file, newest._source_row
    from newest
    inner join deletions on newest.deal_id = deletions.gone_key
    where newest.merged_into is null
)

select final.* from final cross join settings where final.deleted_on <= settings.as_of
