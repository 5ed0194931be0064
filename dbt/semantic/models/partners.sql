select partner_id, partner_name from {{ source('published', 'dim_partner') }}
