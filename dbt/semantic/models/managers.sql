select manager_id, manager_name from {{ source('published', 'dim_manager') }} where is_current
