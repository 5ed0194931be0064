select * from {{ ref('stg_workspace__settings') }}
