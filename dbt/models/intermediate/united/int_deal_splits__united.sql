select * from {{ ref('stg_files__deal_splits') }}
