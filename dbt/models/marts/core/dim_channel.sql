select channel_id, min(channel_name) as channel_name from {{ ref('int_channels__crosswalk') }} group by channel_id
union all
select 'not_given', 'not given'
