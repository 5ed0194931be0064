select measure_code, occurred_on, fact_id, manager_id, team_id, channel_id, product_id, partner_id, strategy, value
from {{ source('published', 'kpi_events') }}
