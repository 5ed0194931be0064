select * from {{ ref('stg_files__deal_items') }}
