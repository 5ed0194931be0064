select channel_id, channel_name from {{ source('published', 'dim_channel') }}
