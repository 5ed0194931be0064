select
    facts.measure_code, facts.occurred_on, facts.fact_id, facts.manager_id, facts.team_id, facts.channel_id, facts.product_id,
    facts.partner_id, facts.strategy, facts.value, absent.unavailable
from {{ source('published', 'kpi_events') }} as facts
cross join {{ ref('unavailable') }} as absent
