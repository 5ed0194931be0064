select * from {{ source('raw', 'published_before') }}
