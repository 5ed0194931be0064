-- A deal stands in kpi_events once per product, with its share: the shares of a deal add up to the whole sample.
select
    measure_code, occurred_on, fact_id, manager_id, team_id, channel_id, partner_id, strategy, sum(value) as value
from {{ source('published', 'kpi_events') }}
where measure_code in ('cycle_days', 'lead_to_win_days', 'speed_to_lead')
group by measure_code, occurred_on, fact_id, manager_id, team_id, channel_id, partner_id, strategy
