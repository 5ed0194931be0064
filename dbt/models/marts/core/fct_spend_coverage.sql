select channel_id, day from {{ ref('int_spend__coverage') }}
