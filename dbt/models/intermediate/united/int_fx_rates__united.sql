select * from {{ ref('stg_files__fx_rates') }}
