select * from {{ source('raw', 'workspace__sources') }}
