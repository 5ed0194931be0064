select * from {{ source('raw', 'landed') }}
