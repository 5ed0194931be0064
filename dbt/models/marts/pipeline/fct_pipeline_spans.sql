{{ config(meta={'empty_without': ['int_deals__open_spans']}) }}
select
    deal_id, source_name, pipeline, stage_name, stage_entered_on, from_on, to_on, manager_id, amount_native, currency,
    planned_close_on, plan_known_from, channel_id, partner_id, lead_id, customer_id, _source_file, _source_row
from {{ ref('int_deals__open_spans') }}
