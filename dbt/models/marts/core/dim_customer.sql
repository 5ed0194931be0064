select customer_id, customer_name, segment, region, created_on, kind, first_won_on
from {{ ref('int_customers__described') }}
